"""Computes the cost of a million landings and the first limits: the tables of two pages.

python -m benchmarks.costs_and_scale    prints the tables of docs/costs.md and docs/scale.md

The numbers of AWS calls are held by tests/counts. Times are rounded from ``results.json``.
"""

import math
from collections.abc import Iterable, Sequence

from counts.calls import RUN_SUCCEEDS, START, TICK_OVER_ONE, WAITS

PRICES_OF = "2026-11-22"
"""The date of the prices (us-east-1, on demand)."""

PRICES = {
    "event": (1.00, "million events of S3"),
    "tick": (1.00, "million invocations by EventBridge Scheduler"),
    "message": (0.40, "million requests to SQS"),
    "invocation": (0.20, "million invocations of a function"),
    "gigabyte second": (13.3334, "million GB-seconds of a function on arm64"),
    "write": (5.00, "million PUT or LIST requests to S3"),
    "read": (0.40, "million GET requests to S3"),
    "transition": (25.00, "million state transitions"),
    "write unit": (0.625, "million write units of DynamoDB"),
    "log": (0.50, "GB of logs"),
    "instance": (0.115, "hour of an ml.m5.large for Processing"),
    "volume": (0.14, "GB-month of a job's volume"),
    "airflow": (0.49, "hour of the smallest managed Airflow, mw1.small"),
}
MILLION, HOUR, DAY, MONTH = 1e6, 3600, 86_400, 2_592_000

JOB_SECONDS, FOUND_SECONDS, COPIED_A_SECOND, INSTANCES, CALL_SECONDS = 60, 240, 200, 20, 0.020
"""Assumed: what a job bills besides its work; how long it holds an instance before that; objects
that SageMaker copies in a second; SageMaker's quota of instances; how long a call of AWS takes."""

MEGABYTES_A_SECOND, EVENT_SECONDS, TICK_SECONDS = 40, 500e-6, 2000e-6
"""Rounded from results: what preprocess.py reads; processor time of a function for an event, and of
a tick for a landing."""

OBJECT_MEGABYTES, LOG_BYTES, OUTPUTS = 0.1, 1650, 3
"""How large an object is; what an event logs, Lambda's own lines included; what a job writes."""

FUNCTION_MB, TICK_MB, LAMBDAS, BATCH, MOST_OBJECTS, VOLUME_GB = 512, 1024, 10, 10, 10_000, 30
"""Of template.yaml."""

CORE_MB, TRANSITIONS = 1769, 6
"""Memory at which a function has a whole core; a run's four states, its start and its end."""

RUN_UNITS, MONTH_UNITS, WAIT_UNITS, TICK_UNITS = 10, 4, 2, 4
"""Write units: a run's row with its indexes, of those the index by-month, a landing that waits, and
what a tick writes for it."""


def runs_of(landings: float, ticks: float) -> float:
    """Return the number of runs for a number of landings: one each, or one per tick."""
    return ticks * math.ceil(landings / ticks / MOST_OBJECTS) if ticks else landings


def job_seconds(objects: float) -> float:
    """Return the billed seconds of a job over a number of objects."""
    work = objects * OBJECT_MEGABYTES / MEGABYTES_A_SECOND
    return JOB_SECONDS + objects / COPIED_A_SECOND + work


def function_seconds(calls: float, memory: int = FUNCTION_MB, cpu: float = EVENT_SECONDS) -> float:
    """Return the seconds of a function: processor time on its share of a core, and its calls."""
    return cpu * CORE_MB / memory + calls * CALL_SECONDS


def services(landings: float, ticks: float) -> dict[str, float]:
    """Return the cost in dollars of everything but the jobs, by service."""
    runs, each = runs_of(landings, ticks), WAITS if ticks else START
    events = landings + 2 * runs
    gigabytes = FUNCTION_MB / 1024
    seconds = landings * function_seconds(sum(each.values())) * gigabytes
    seconds += 2 * runs * function_seconds(sum(RUN_SUCCEEDS.values()) / 2) * gigabytes
    seconds += (landings * TICK_SECONDS * CORE_MB / TICK_MB if ticks else 0) * TICK_MB / 1024
    tick = TICK_OVER_ONE if ticks else {}
    writes = landings * each.get("s3:put_object", 0) + runs * tick.get("s3:put_object", 0)
    writes += runs * RUN_SUCCEEDS["s3:list_objects_v2"]
    reads = runs * (RUN_SUCCEEDS["s3:get_object"] + tick.get("s3:get_object", 0))
    units = runs * RUN_UNITS + (landings * (WAIT_UNITS + TICK_UNITS) if ticks else 0)
    return {
        "EventBridge": landings * _each("event") + ticks * _each("tick"),
        "SQS": 3 * events * _each("message"),  # sent, received, deleted
        "Lambda": (events + ticks) * _each("invocation") + seconds * _each("gigabyte second"),
        "S3": writes * _each("write") + reads * _each("read"),
        "Step Functions": runs * TRANSITIONS * _each("transition"),
        "DynamoDB": units * _each("write unit"),
        "CloudWatch": events * LOG_BYTES / 1e9 * PRICES["log"][0],
    }


def jobs(landings: float, ticks: float) -> float:
    """Return the cost of the jobs in dollars: instances, volumes, and copying."""
    runs = runs_of(landings, ticks)
    seconds = runs * job_seconds(landings / runs)
    second = PRICES["instance"][0] / HOUR + VOLUME_GB * PRICES["volume"][0] / MONTH
    return seconds * second + landings * _each("read") + runs * OUTPUTS * _each("write")


def _each(name: str) -> float:
    return PRICES[name][0] / MILLION


def totals(landings: float = MILLION) -> str:
    """Compare ways to process a month's landings."""
    ways = {"arrival: a run for each object": 0, "a tick an hour": 720, "a tick a day": 30}
    rows = []
    for way, ticks in ways.items():
        moving, working = sum(services(landings, ticks).values()), jobs(landings, ticks)
        rows.append((way, runs_of(landings, ticks), moving, working))
    rule = landings * (_each("event") + 3 * _each("transition"))
    rows.append(("a rule that starts a state machine itself", landings, rule, jobs(landings, 0)))
    airflow = PRICES["airflow"][0] * MONTH / HOUR
    daily = (runs_of(landings, 30), airflow, jobs(landings, 30))
    rows.append(("managed Airflow, a job over each day", *daily))
    cells = [(w, f"{r:,.0f}", _dollars(m), _dollars(j), _dollars(m + j)) for w, r, m, j in rows]
    return table(("way", "jobs", "all but the jobs, $", "jobs, $", "together, $"), cells)


def by_service(landings: float = MILLION) -> str:
    """Return the table of costs without the jobs, by service."""
    arrival, hourly = services(landings, 0), services(landings, 720)
    rows = [(name, _dollars(arrival[name]), _dollars(hourly[name])) for name in arrival]
    return table(("service", "arrival, $", "a tick an hour, $"), rows)


def prices() -> str:
    """List the prices."""
    return table(("of", "$"), [(per, f"{dollars:g}") for dollars, per in PRICES.values()])


def limits() -> list[tuple[str, float, float, float]]:
    """Return limits: a name, how many a day, and how many landings one is by arrival and by tick.

    0 landings where a limit does not apply.
    """
    landing = function_seconds(sum(START.values()), cpu=BATCH * EVENT_SECONDS)
    status = function_seconds(sum(RUN_SUCCEEDS.values()) / 2)
    collected = TICK_MB / CORE_MB / TICK_SECONDS
    one, full = (INSTANCES / (FOUND_SECONDS + job_seconds(n)) for n in (1, MOST_OBJECTS))
    a_second = [
        ("jobs over one object, on 20 instances", one, 1, 0),
        ("jobs over 10,000 objects, on 20 instances", full, 0, MOST_OBJECTS),
        ("CreateProcessingJob, 10 a second", 10, 1, MOST_OBJECTS),
        ("StartExecution, 300 a second", 300, 1, MOST_OBJECTS),
        ("runs of 6 state transitions, 5,000 a second", 5000 / TRANSITIONS, 1, MOST_OBJECTS),
        ("runs in one month of the index by-month", 1000 / MONTH_UNITS, 1, MOST_OBJECTS),
        ("runs whose status 10 functions record", LAMBDAS / status / 2, 1, MOST_OBJECTS),
        ("landings that 10 functions start or record", LAMBDAS * BATCH / landing, 1, 1),
        ("landings that ticks collect, 45 minutes an hour", collected * 2700 / HOUR, 0, 1),
        ("events that EventBridge delivers, 18,750 a second", 18_750, 1 / 3, 1),
    ]
    return [(name, rate * DAY, arrival, tick) for name, rate, arrival, tick in a_second]


def capacities() -> str:
    """Return the table of what each limit allows, rounded down to two digits."""
    rows = []
    for name, a_day, *_ in limits():
        digit = 10 ** (math.floor(math.log10(a_day)) - 1)
        rows.append((name, f"{a_day // digit * digit:,.0f}"))
    return table(("limit", "a day"), rows)


def first_limits() -> str:
    """Return the table of the first limit at 1, 10 and 100 million landings a day."""
    rows = []
    for volume in (1e6, 1e7, 1e8):
        for way, column in (("arrival", 2), ("a tick an hour", 3)):
            most, name = min((one[1] * one[column], one[0]) for one in limits() if one[column])
            times = volume / most
            found = (name, f"{math.ceil(times):,}") if times > 1 else ("none", "")
            rows.append((f"{volume:,.0f}", way, *found))
    return table(("landings a day", "way", "first limit", "times as much is needed"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a table in Markdown, with numbers aligned to the right."""
    line = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, line, *rows))


def _dollars(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"  # noqa: PLR2004


COSTS, SCALE = (totals, by_service, prices), (first_limits, capacities)

if __name__ == "__main__":
    print("\n\n".join(part() for part in (*COSTS, *SCALE)))
