"""Whether a state machine's definition is the rendered one, with the parameters in their places."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from landrun_ops.engines import distribution, engine

_SLOT: Final = re.compile(r"\$\{(\w+)\}")


def differences(
    rendered: Any, deployed: Any, values: dict[str, str], where: str = ""
) -> Iterator[str]:
    """Name where two definitions differ, but for what fills in the slots ``${Name}``.

    Parameters
    ----------
    rendered, deployed : Any
        Amazon States Language, parsed.
    values : dict of str
        Takes what each slot was filled in with; where several slots of a name disagree, that is a
        difference, too.

    Examples
    --------
    >>> values: dict[str, str] = {}
    >>> list(differences({"a": "x ${B}", "c": 1}, {"a": "x y", "c": 2}, values)), values
    (['c'], {'B': 'y'})
    """
    if isinstance(rendered, dict) and isinstance(deployed, dict):
        yield from _in_objects(rendered, deployed, values, where)
    elif isinstance(rendered, list) and isinstance(deployed, list):
        yield from _in_lists(rendered, deployed, values, where)
    elif isinstance(rendered, str) and isinstance(deployed, str):
        if not _same_text(rendered, deployed, values):
            yield where
    elif rendered != deployed:
        yield where


def _in_objects(
    rendered: dict[str, Any], deployed: dict[str, Any], values: dict[str, str], where: str
) -> Iterator[str]:
    for name in sorted({**rendered, **deployed}):
        path = f"{where}.{name}" if where else name
        if name in rendered and name in deployed:
            yield from differences(rendered[name], deployed[name], values, path)
        else:
            yield path


def _in_lists(
    rendered: list[Any], deployed: list[Any], values: dict[str, str], where: str
) -> Iterator[str]:
    if len(rendered) != len(deployed):
        yield where
        return
    for index, (one, other) in enumerate(zip(rendered, deployed, strict=True)):
        yield from differences(one, other, values, f"{where}[{index}]")


def _same_text(rendered: str, deployed: str, values: dict[str, str]) -> bool:
    pieces = _SLOT.split(rendered)
    pattern = "".join(
        re.escape(piece) if index % 2 == 0 else "(.*)" for index, piece in enumerate(pieces)
    )
    found = re.fullmatch(pattern, deployed, re.DOTALL)
    if not found:
        return False
    filled = zip(pieces[1::2], found.groups(), strict=True)
    return all(values.setdefault(name, value) == value for name, value in filled)


def json_of(text: str) -> Any:
    r"""Read JSON that was put into an intrinsic function as text: braces have a backslash there.

    >>> json_of('\\{"A":"1"\\}')
    {'A': '1'}
    """
    return json.loads(text.replace("\\{", "{").replace("\\}", "}"))


def expected(parameters: Mapping[str, str], outputs: Mapping[str, str]) -> dict[str, Any]:
    """Say what slots should be filled in with, as a stack's parameters have it."""
    repository = outputs.get("ImageRepositoryUri", "")
    image = parameters.get("ImageUri") or (f"{repository}:latest" if repository else "")
    same = ("InstanceType", "InstanceCount", "VolumeSizeInGB", "MaxRuntimeInSeconds", "KmsKeyArn")
    wanted: dict[str, Any] = {name: parameters[name] for name in same if name in parameters}
    if "JobEntrypoint" in parameters:
        wanted |= _engine(parameters)
    if image:
        wanted["ImageUri"] = image
    if "JobEnvironment" in parameters:
        pairs = [one.partition("=") for one in parameters["JobEnvironment"].split(",") if one]
        wanted["JobEnvironment"] = {name: value for name, _, value in pairs}
    if "NetworkIsolation" in parameters:
        wanted["NetworkConfig"] = _network(parameters)
    return wanted


def _engine(parameters: Mapping[str, str]) -> dict[str, str]:
    own = engine(parameters)
    found = {
        "JobEntrypoint": own.entrypoint,
        "JobArguments": own.arguments,
        "InputDataType": own.input_data_type,
        "InputDistribution": distribution(parameters),
    }
    bound = parameters.get("MaxConcurrentRuns")
    return found | ({"LimitedRuns": "-" if bound == "0" else "*"} if bound else {})


def _network(parameters: Mapping[str, str]) -> dict[str, Any]:
    network: dict[str, Any] = {
        "EnableNetworkIsolation": parameters["NetworkIsolation"] == "true",
        "EnableInterContainerTrafficEncryption": parameters["InterContainerEncryption"] == "true",
    }
    if parameters.get("SubnetIds"):
        network["VpcConfig"] = {
            "Subnets": parameters["SubnetIds"].split(","),
            "SecurityGroupIds": parameters["SecurityGroupIds"].split(","),
        }
    return network


def texts(node: Any) -> Iterator[str]:
    """Give every text of a definition."""
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from texts(one)
    elif isinstance(node, str):
        yield node
