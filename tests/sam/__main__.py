"""AWS's own tools on what is deployed, with no AWS account.

    PYTHONPATH=tests python -m sam [--without-docker]

`sam validate --lint`, `sam build`, every function with every payload of events/ by `sam local
invoke` against `landrun local up --listen HOST`, and all of them again, while landings collect, by
`sam local start-lambda` and boto3. Without a Docker daemon what was built runs under Lambda's own
runtime client and emulator. Exit code 0 when everything held, 1 when something did not.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

from . import image
from .build import build, validate, write_variables
from .checks import NIGHTLY, Checks
from .invoke import Invoke, emulated, sam_local, start_lambda
from .laptop import Laptop
from .overrides import parameter_overrides
from .steps import Failure, Steps
from .tools import PYTHON, WORK, Tools, install

Way = Callable[[Laptop], AbstractContextManager[Invoke]]
PARAMETERS = {
    "arrival": {"ScheduledInput": NIGHTLY.rpartition("/")[0] + "/"},
    "schedule": {"StartOn": "schedule"},
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m sam", description=__doc__)
    parser.add_argument("--without-docker", action="store_true", help="even where Docker is")
    with_docker = not parser.parse_args(arguments).without_docker and image.has_docker()
    steps, began = Steps(), time.monotonic()
    try:
        with ExitStack() as closing:
            _run(steps, closing, with_docker=with_docker)
    except Failure as error:
        steps.fail(str(error))
    steps.say(f"\n{time.monotonic() - began:.0f} s; {_verdict(steps)}")
    return 1 if steps.failed else 0


def _run(steps: Steps, closing: ExitStack, *, with_docker: bool) -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    laptops = {name: Laptop(name, given) for name, given in PARAMETERS.items()}
    for laptop in laptops.values():
        closing.callback(laptop.stop)
    with steps.step("tools"):
        tools = install()
        steps.say(f"   {tools.sam}; Python {PYTHON}: {tools.python}")
    with steps.step("sam validate --lint"):
        validate(tools, steps)
    with steps.step("sam deploy --parameter-overrides"):
        parameter_overrides(steps)
    with steps.step("sam build"):
        built = build(tools, steps)
    with steps.step("landrun local up --listen HOST, landrun local env --sam"):
        for laptop in laptops.values():
            laptop.wait()
        laptops["arrival"].land(laptops["arrival"]["LANDING_BUCKET"], NIGHTLY)
    if with_docker:
        with steps.step("Lambda's image"):
            found = image.find(tools, steps)
        ways = _in_docker(tools, built, found)
    else:
        steps.say("NO DOCKER DAEMON: what was built runs under awslambdaric and aws-lambda-rie")
        ways = _emulated(tools, built)
    for (title, way), (start_on, laptop) in zip(ways.items(), laptops.items(), strict=True):
        with steps.step(f"{title}, StartOn={start_on}"), way(laptop) as invoke:
            Checks(laptop, invoke, steps, collects=start_on == "schedule").every_payload()


def _in_docker(tools: Tools, built: Path, found: list[str]) -> dict[str, Way]:
    def variables(laptop: Laptop) -> Path:
        return write_variables(laptop.sam_variables(), WORK / f"env-{laptop.name}.json")

    return {
        "sam local invoke": lambda laptop: nullcontext(
            sam_local(tools, built, variables(laptop), found, laptop.environment)
        ),
        "sam local start-lambda, boto3's lambda.invoke": lambda laptop: start_lambda(
            tools, built, variables(laptop), found, laptop.environment
        ),
    }


def _emulated(tools: Tools, built: Path) -> dict[str, Way]:
    def way(laptop: Laptop) -> AbstractContextManager[Invoke]:
        variables = {
            name: {**one, **laptop.environment} for name, one in laptop.sam_variables().items()
        }
        return emulated(tools, built, variables, laptop.name)

    return {"Lambda's emulator": way, "Lambda's emulator, again": way}


def _verdict(steps: Steps) -> str:
    if not steps.failed:
        return "everything held"
    return "\n".join([f"{len(steps.failed)} failed:", *(f"  {what}" for what in steps.failed)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
