"""Cold starts of what is deployed, beside an empty handler, bare boto3, and the notebook's way.

Each repetition starts a fresh process of each way, in turn, under Lambda's own runtime client, and
calls it once. INIT is what the emulator logs of importing the handler, which builds the clients.

On Lambda INIT runs with a whole core, and what comes after it with the function's share of one.
Where the time goes: ``python -X importtime -c "import landrun.handlers.object_created"``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks import lambdas
from benchmarks.answering import answering
from benchmarks.lambdas import Function, Start, Tools, install
from benchmarks.measuring import Aim, Figures, Options, Row, interleaved, ratios

TITLE = "Cold starts"

STARTERS = ("object_created", "schedule")
"""The functions that start runs."""

COMPILED = "notebook's way, compiled"
OTHERS = ("execution_status", "reconcile")
NEAR_BARE, FASTER, SMALL = Aim("<=", 1.6), Aim(">=", 8), Aim("<=", 20)
SOON = Aim("<=", 60)
MIB = 1 << 20

Starts = Mapping[str, list[Start]]


def run(options: Options) -> Iterator[Row]:
    """Build, start each way in turn, and yield what came of it."""
    options.progress("building with the SAM CLI")
    tools = install()
    functions = lambdas.built(tools, options.scratch / "build")
    ways = _ways(tools, functions, options)
    starts: dict[str, list[Start]] = {name: [] for name in ways}

    def measured(name: str, endpoint: str) -> float:
        start = lambdas.cold_start(tools, ways[name], options.scratch, endpoint)
        starts[name].append(start)
        return start.whole

    with answering() as endpoint:
        rounds = {name: lambda name=name: measured(name, endpoint) for name in ways}
        interleaved(rounds, 2 if options.quick else 15, options.progress)
    yield from _absolute(starts)
    yield from _beside(starts)
    yield from _weights(ways)


def _ways(tools: Tools, functions: Mapping[str, Function], options: Options) -> dict[str, Function]:
    ours = STARTERS if options.quick else (*STARTERS, *OTHERS)
    ways = {
        "empty": lambdas.written(options.scratch / "empty", lambdas.EMPTY),
        "bare boto3": lambdas.written(options.scratch / "bare", lambdas.BARE),
        **{name: functions[name] for name in ours},
        "notebook's way": lambdas.notebook(tools),
    }
    if not options.quick:
        ways[COMPILED] = lambdas.notebook(tools, compile_it=True)
    return ways


def _absolute(starts: Starts) -> Iterator[Row]:
    for name, found in starts.items():
        inits = Figures.of([start.init * 1000 for start in found])
        yield Row(name, "INIT", unit="ms", **inits.parts())
        if name == "reconcile":
            continue  # called with what it refuses: a sweep is no start
        wholes = Figures.of([start.whole * 1000 for start in found])
        yield Row(name, "INIT and first call", unit="ms", **wholes.parts())
        calls = Figures.of([(start.first) * 1000 for start in found])
        aim = SOON if name in STARTERS else None
        yield Row(name, "first call after INIT", unit="ms", aim=aim, **calls.parts())
        peaks = Figures.of([start.peak / MIB for start in found])
        yield Row(name, "peak memory", unit="MiB", **peaks.parts())


def _beside(starts: Starts) -> Iterator[Row]:
    """Yield ratios, round by round; of INIT as of all that the first event waits for."""
    bare, notebook = starts["bare boto3"], starts["notebook's way"]
    for name in STARTERS:
        ours = starts[name]
        until = "whole first event ÷ bare boto3's"
        note = "writes the manifest, too; bare boto3 only starts the execution"
        yield _ratio(name, until, _whole(ours), _whole(bare), NEAR_BARE, note=note)
        as_sam = "the notebook's as `sam build` leaves it, ours as `make build` does"
        figure = "notebook's INIT ÷ ours"
        yield _ratio(name, figure, _init(notebook), _init(ours), FASTER, note=as_sam)
        later = "notebook's ÷ ours, until the first start"
        yield _ratio(name, later, _whole(notebook), _whole(ours), FASTER, note=as_sam)
        if COMPILED in starts:
            parts = ratios(_init(starts[COMPILED]), _init(ours)).parts()
            yield Row(f"cold start, {name}", "compiled notebook's INIT ÷ ours", unit="", **parts)


def _ratio(
    name: str, figure: str, ours: list[float], over: list[float], aim: Aim, *, note: str = ""
) -> Row:
    parts = ratios(ours, over).parts()
    times = "×"  # noqa: RUF001
    return Row(f"cold start, {name}", figure, unit=times, aim=aim, note=note, key=True, **parts)


def _init(starts: list[Start]) -> list[float]:
    return [start.init for start in starts]


def _whole(starts: list[Start]) -> list[float]:
    return [start.whole for start in starts]


def _weights(ways: Mapping[str, Function]) -> Iterator[Row]:
    ours = ways["object_created"].megabytes
    yield Row("functions", "unzipped", ours, "MB", aim=SMALL, key=True)
    yield Row("notebook's way", "unzipped", ways["notebook's way"].megabytes, "MB")
