"""What a month of landings costs, in each mode and otherwise.

python -m benchmarks.dollars [--landings 1000000] [--json]
python -m benchmarks.dollars --write     (the tables of docs/costs.md; --check: are they so?)
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks import facts, pages
from benchmarks.bills import Bill, Item, Month

PAGE = facts.ROOT / "docs/costs.md"
SERVICES = (
    "EventBridge", "SQS", "Lambda", "S3", "Step Functions", "DynamoDB", "CloudWatch", "Airflow",
)  # fmt: skip
HOURLY, DAILY = 24, 1
MOVING, WORKING, TOTAL = "all but the jobs, $", "jobs, $", "together, $"
WAY, WIDTHS = 36, (9, 11, 9, 11)
"""Columns of the command's table, which fits 80 with a space before each figure."""


def ways(month: Month) -> list[Bill]:
    """Bill each mode, then what else there is."""
    return [
        month.arrival(),
        month.arrival(bounded=True),
        month.schedule(HOURLY, "a tick an hour"),
        month.schedule(DAILY, "a tick a day"),
        month.rule(),
        month.airflow(DAILY, "Airflow, managed (mw1.small): a job over each day", "airflow"),
        month.airflow(DAILY, "Airflow on an m5.large of one's own: a job over each day", "machine"),
    ]


def dollars(value: float) -> str:
    """Spell dollars so that what is small still shows.

    >>> dollars(2029.94), dollars(7.0), dollars(0.625), dollars(0.0123), dollars(0)
    ('2,030', '7.00', '0.62', '0.012', '0')
    """
    if value == 0:
        return "0"
    if value >= 100:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"  # noqa: PLR2004


def count(value: float) -> str:
    """Spell a number of things."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004


# ---- Parts of the page ---------------------------------------------------------------------------


def totals() -> str:
    """Compare all ways."""
    rows = [
        (bill.way, count(bill.runs), dollars(bill.moving), dollars(bill.working),
         f"**{dollars(bill.total)}**")
        for bill in ways(Month())
    ]  # fmt: skip
    return pages.table(("way", "jobs", MOVING, WORKING, TOTAL), rows, "lrrrr")


def services() -> str:
    """Itemise, all but the jobs."""
    bills = ways(Month())[:5]
    names = ("", "arrival", "arrival, limited", "a tick an hour", "a tick a day", "rule alone")
    found = [bill.by_service() for bill in bills]
    rows = [
        (service, *(dollars(one.get(service, 0)) for one in found))
        for service in SERVICES
        if any(service in one for one in found)
    ]
    return pages.table(names, rows, "lrrrrr")


def items() -> str:
    """Show what is counted for arrival, line by line."""
    prices = facts.prices()
    rows = [
        (one.service, one.what, count(one.quantity), f"{prices[one.price].dollars:g}",
         dollars(one.dollars))
        for bill in (Month().arrival(),)
        for one in (*bill.items, *bill.jobs)
        if one.quantity
    ]  # fmt: skip
    return pages.table(("service", "what", "how many", "price, $", "$"), rows, "llrrr")


def standing() -> str:
    """Show what a stack costs whether anything lands or not."""
    month = Month()
    idle, busy, batched = (
        {f"{i.service}: {i.what}": i.dollars for i in month.standing(runs)}
        for runs in (0, month.landings, month.schedule(DAILY, "").runs)
    )
    idle["X-Ray: traces, at most"] = 0.0
    rows = [(what, *(dollars(one[what]) for one in (idle, batched, busy))) for what in busy]
    rows.append(("**together**", *(dollars(sum(one.values())) for one in (idle, batched, busy))))
    return pages.table(("", "nothing lands", "a tick a day", "arrival"), rows, "lrrr")


def sensitivity() -> str:
    """Show what the assumed least time of a job does."""
    rows = []
    for seconds in (15, 60, 300):
        month = replace(Month(), job_seconds=seconds)
        each, day = month.arrival(), month.schedule(DAILY, "")
        rows.append(
            (f"{seconds} s", dollars(each.total), f"{each.working / each.total:.0%}",
             dollars(day.total), f"{each.total / day.total:,.0f}")
        )  # fmt: skip
    head = ("a job's least time", "arrival, $", "of it jobs", "a tick a day, $", "times as much")
    return pages.table(head, rows, "lrrrr")


def several() -> str:
    """Show what more instances a job, or larger ones, come to."""
    rows = []
    for count_of in (1, 2, 4, 10):
        month = replace(Month(), instance_count=count_of)
        seconds = month.job_billed(month.share(month.max_objects))
        each, day = month.arrival(), month.schedule(DAILY, "")
        rows.append(
            (str(count_of), f"{seconds:,.0f}", f"{count_of * seconds:,.0f}",
             dollars(day.working), dollars(each.working))
        )  # fmt: skip
    objects = f"{Month().max_objects:,} objects"
    head = ("`InstanceCount`", f"seconds of a job over {objects}", "instance seconds billed",
            f"a tick a day: {WORKING}", f"arrival: {WORKING}")  # fmt: skip
    return pages.table(head, rows, "rrrrr")


def prices() -> str:
    """List prices with their sources."""
    rows = [
        (
            f"`{one.name}`",
            f"{one.dollars:g}",
            one.per,
            f"[{one.source.split('/')[3]}]({one.source})",
        )
        for one in facts.prices().values()
    ]
    region, day = facts.written_down()
    said = f"Of {region}, written down by hand on {day} in `benchmarks/prices.toml`."
    return f"{said}\n\n{pages.table(('price', '$', 'per', 'source'), rows, 'lrll')}"


def assumptions() -> str:
    """List what was not measured, and what was."""
    found = facts.measured()
    rows = [
        (f"`{name}`", count(found.get(name, value)), "measured" if name in found else "assumed",
         says)
        for name, (value, says) in facts.assumptions().items()
    ]  # fmt: skip
    return pages.table(("name", "value", "", "what"), rows, "lrll")


PARTS = {
    "totals": totals,
    "services": services,
    "items": items,
    "standing": standing,
    "sensitivity": sensitivity,
    "several": several,
    "prices": prices,
    "assumptions": assumptions,
}

# ---- The command ---------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Show bills, or put them into the page."""
    parser = _parser()
    given = parser.parse_args(arguments)
    asked = {name: getattr(given, name) for name in _OPTIONS if getattr(given, name) is not None}
    if (given.write or given.check) and (asked or given.json):
        parser.error("--write and --check make the page as it is: they go with no other option")
    if given.write or given.check:
        stale = pages.rewrite(PAGE, "dollars", PARTS, check=given.check)
        if stale:
            sys.stdout.write(
                "docs/costs.md is not as python -m benchmarks.dollars --write has it\n"
            )
        return stale
    try:
        month = Month(**asked)
        sys.stdout.write(_json(month) if given.json else _text(month))
    except ValueError as error:
        sys.stderr.write(f"python -m benchmarks.dollars: {error}\n")
        return 2
    return 0


_OPTIONS: dict[str, tuple[Any, str]] = {
    "landings": (int, "objects that land in a month"),
    "days": (int, "days of the month"),
    "batch": (int, "landings that a function gets at once, 1 to 10: 1 when they come one by one"),
    "max_objects": (int, "MaxObjectsPerRun"),
    "instance_type": (str, "InstanceType, one of those in prices.toml"),
    "instance_count": (int, "InstanceCount: the instances of a job"),
    "architecture": (str, "of the functions: arm64 or x86_64"),
    "object_bytes": (float, "bytes of an object"),
    "job_seconds": (float, "seconds that a job bills besides its work"),
    "objects_per_second": (float, "objects that SageMaker copies in a second"),
    "job_megabytes_per_second": (float, "MB/s of the script on one instance"),
    "handler_microseconds": (float, "processor time of an event in a function"),
}


_PRICED = {"instance_type": ("instance", "TYPE"), "architecture": ("compute", "NAME")}
"""Options that are names of prices: of which kind."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dollars",
        description="What a month of landings costs in each mode, and otherwise.",
        epilog="Example: python -m benchmarks.dollars --landings 50000 --object-bytes 2e6",
    )
    for name, (kind, says) in _OPTIONS.items():
        more: dict[str, Any] = {}
        if name in _PRICED:
            priced, shown = _PRICED[name]
            more = {"choices": facts.priced(priced), "metavar": shown}
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help=says, **more)
    parser.add_argument("--json", action="store_true", help="all items, for programs")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--write", action="store_true", help="write the tables of docs/costs.md anew")
    one.add_argument("--check", action="store_true", help="1 if they are not as they would be")
    return parser


def _text(month: Month) -> str:
    lines = _row("", "jobs", MOVING, WORKING, TOTAL)
    for bill in ways(month):
        figures = (dollars(bill.moving), dollars(bill.working), dollars(bill.total))
        lines += _row(bill.way.replace("`", ""), count(bill.runs), *figures)
    stands = sum(item.dollars for item in month.standing(month.landings))
    lines.append(f"A stack itself: {dollars(stands)} $ a month, with arrival.")
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> list[str]:
    """Spell a row, in as many lines as its longest cell takes; figures stand in the last."""
    wide = (WAY, *WIDTHS)
    wrapped = [textwrap.wrap(cell, width) for cell, width in zip(cells, wide, strict=True)]
    high = max(map(len, wrapped))
    way = wrapped[0] + [""] * (high - len(wrapped[0]))
    figures = [[""] * (high - len(one)) + one for one in wrapped[1:]]
    return [
        (
            f"{first:{WAY}}" + "".join(f" {one:>{w}}" for one, w in zip(rest, WIDTHS, strict=True))
        ).rstrip()
        for first, *rest in zip(way, *figures, strict=True)
    ]


def _json(month: Month) -> str:
    found = {
        "month": vars(month),
        "ways": [_shown(bill) for bill in ways(month)],
        "standing": [_line(item) for item in month.standing(month.landings)],
    }
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _shown(bill: Bill) -> dict[str, Any]:
    return {
        "way": bill.way,
        "jobs": bill.runs,
        "dollars": {
            "all_but_the_jobs": bill.moving,
            "jobs": bill.working,
            "together": bill.total,
        },
        "items": [_line(item) for item in (*bill.items, *bill.jobs)],
    }


def _line(item: Item) -> dict[str, Any]:
    return {**vars(item), "dollars": item.dollars}


if __name__ == "__main__":
    sys.exit(main())
