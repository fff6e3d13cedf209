"""Whether a state machine's definition is the rendered one, with the parameters in their places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from landrun_ops.stack.engines import OUTPUT, distribution, engine, variables
from landrun_ops.workflow.definition_file import PREFIX, TOKEN


def differences(
    rendered: Any, deployed: Any, values: dict[str, Any], where: str = ""
) -> Iterator[str]:
    """Name where two definitions differ, but for what fills in the tokens ``${Name}``.

    Parameters
    ----------
    rendered, deployed : Any
        Amazon States Language, parsed.
    values : dict
        Takes what each token was filled in with, by its name without the prefix; where several
        tokens of a name disagree, that is a difference, too.

    Examples
    --------
    >>> values: dict[str, Any] = {}
    >>> rendered = {"a": "x ${landrun_B}", "c": 1, "d": "${landrun_D}"}
    >>> list(differences(rendered, {"a": "x y", "c": 2, "d": [3]}, values)), values
    (['c'], {'B': 'y', 'D': [3]})
    """
    if isinstance(rendered, str) and TOKEN.search(rendered):
        if not _fills_in(rendered, deployed, values):
            yield where
    elif isinstance(rendered, dict) and isinstance(deployed, dict):
        yield from _in_objects(rendered, deployed, values, where)
    elif isinstance(rendered, list) and isinstance(deployed, list):
        yield from _in_lists(rendered, deployed, values, where)
    elif rendered != deployed:
        yield where


def _in_objects(
    rendered: dict[str, Any], deployed: dict[str, Any], values: dict[str, Any], where: str
) -> Iterator[str]:
    fields = {name: value for name, value in rendered.items() if not TOKEN.fullmatch(name)}
    for name in rendered.keys() - fields.keys():  # a field that is there or not
        field = _name(name)
        values[field] = deployed.get(field)
        deployed = {other: value for other, value in deployed.items() if other != field}
    for name in sorted({**fields, **deployed}):
        path = f"{where}.{name}" if where else name
        if name in fields and name in deployed:
            yield from differences(fields[name], deployed[name], values, path)
        else:
            yield path


def _in_lists(
    rendered: list[Any], deployed: list[Any], values: dict[str, Any], where: str
) -> Iterator[str]:
    if len(rendered) != len(deployed):
        yield where
        return
    for index, (one, other) in enumerate(zip(rendered, deployed, strict=True)):
        yield from differences(one, other, values, f"{where}[{index}]")


def _fills_in(rendered: str, deployed: Any, values: dict[str, Any]) -> bool:
    if TOKEN.fullmatch(rendered):
        return bool(values.setdefault(_name(rendered), deployed) == deployed)
    pieces = TOKEN.split(rendered)
    pattern = "".join(
        re.escape(piece) if index % 2 == 0 else "(.*)" for index, piece in enumerate(pieces)
    )
    found = re.fullmatch(pattern, deployed, re.DOTALL) if isinstance(deployed, str) else None
    if not found:
        return False
    filled = zip(pieces[1::2], found.groups(), strict=True)
    return all(
        values.setdefault(name.removeprefix(PREFIX), value) == value for name, value in filled
    )


def _name(token: str) -> str:
    return token.removeprefix("${").removesuffix("}").removeprefix(PREFIX)


def expected(parameters: Mapping[str, str], outputs: Mapping[str, str]) -> dict[str, Any]:
    """Say what tokens should be filled in with, as a stack's parameters have it.

    Raises
    ------
    ConfigurationError
        When a parameter is not the JSON that it begins like.
    """
    repository = outputs.get("ImageRepositoryUri", "")
    image = parameters.get("ImageUri") or (f"{repository}:latest" if repository else "")
    wanted: dict[str, Any] = {"ImageUri": image} if image else {}
    if "JobEntrypoint" in parameters:
        wanted |= _engine(parameters)
    if "JobEnvironment" in parameters:
        wanted["Environment"] = variables(parameters["JobEnvironment"]) or None
    if "InstanceType" in parameters:
        wanted |= _sizes(parameters)
    if "NetworkIsolation" in parameters:
        wanted["NetworkConfig"] = _network(parameters)
    return wanted


def _engine(parameters: Mapping[str, str]) -> dict[str, Any]:
    own = engine(parameters)
    found = {
        "JobEntrypoint": list(own.entrypoint),
        "JobArguments": list(own.arguments),
        "ManifestDataType": own.input_data_type,
        "InputDistribution": distribution(parameters),
    }
    bound = parameters.get("MaxConcurrentRuns")
    return found | ({"LimitedRuns": "-" if bound == "0" else "*"} if bound else {})


def _sizes(parameters: Mapping[str, str]) -> dict[str, Any]:
    key = parameters.get("KmsKeyArn")
    cluster = {
        "InstanceType": parameters["InstanceType"],
        "InstanceCount": int(parameters["InstanceCount"]),
        "VolumeSizeInGB": int(parameters["VolumeSizeInGB"]),
        **({"VolumeKmsKeyId": key} if key else {}),
    }
    return {
        "ClusterConfig": cluster,
        "ProcessingOutputConfig": _outputs(key),
        "MaxRuntimeInSeconds": int(parameters["MaxRuntimeInSeconds"]),
    }


def _outputs(key: str | None) -> dict[str, Any]:
    place = {
        "S3Uri.$": "$$.Execution.Input['OutputProcessedMessage']",
        "LocalPath": OUTPUT,
        "S3UploadMode": "EndOfJob",
    }
    output = {"OutputName": "processed", "AppManaged": False, "S3Output": place}
    return {"Outputs": [output], **({"KmsKeyId": key} if key else {})}


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


def unlike(name: str, value: Any, wanted: Any) -> Iterator[str]:
    """Say what is not as it should be; of objects, each field that is not.

    Examples
    --------
    >>> list(unlike("A", {"b": 1, "c": 2}, {"b": 1, "c": 3}))
    ['c is 2, and should be 3']
    """
    if isinstance(value, dict) and isinstance(wanted, dict):
        for field in sorted({**value, **wanted}):
            yield from unlike(field, value.get(field), wanted.get(field))
    elif value != wanted:
        yield f"{name} is {_shown(value)}, and should be {_shown(wanted)}"


def _shown(value: Any) -> str:
    return "absent" if value is None else repr(value)


def texts(node: Any) -> Iterator[str]:
    """Give every text of a definition."""
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from texts(one)
    elif isinstance(node, str):
        yield node
