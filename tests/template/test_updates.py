"""No parameter replaces what holds data, in an update of a live stack.

CloudFormation replaces a resource whose create-only property changes: with a new name the data
stays behind, and with a fixed name the update fails. The resource schemas name those properties.
Of what a parameter takes away, test_security.py shows that data is retained.
"""

from functools import reduce

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from .test_parameters import ALLOWED

GOOD = {name: good[:3] for name, good, _ in ALLOWED}
REPLACED = {("NotificationEmail", "EmailSubscription")}
"""A subscription holds no data: another address confirms anew."""


def create_only(resource):
    """Give the create-only properties of a resource as it is: their paths and values."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource["Type"]).schema
    pointers = [*schema.get("createOnlyProperties", [])]
    pointers += schema.get("conditionalCreateOnlyProperties", [])
    properties = {"properties": resource.get("Properties", {})}
    return [
        (pointer, reduce(lambda inner, name: (inner or {}).get(name), path, properties))
        for pointer in pointers
        for path in [pointer.split("/")[1:]]
    ]


def values(name, parameter):
    """Give values beside the default: those of ALLOWED, allowed ones, or limits."""
    limits = [parameter[limit] for limit in ("MinValue", "MaxValue") if limit in parameter]
    others = GOOD.get(name) or parameter.get("AllowedValues") or limits
    assert others, f"say in ALLOWED what {name} may be"
    return {str(value) for value in (parameter["Default"], *others)}


def test_no_parameter_replaces_what_holds_data(source, deployed):
    found = set()
    for parameter, about in source["Parameters"].items():
        stacks = [deployed(**{parameter: value}) for value in values(parameter, about)]
        kept = {}
        for name, resource in [pair for one in stacks for pair in one.resources.items()]:
            if kept.setdefault(name, create_only(resource)) != create_only(resource):
                found.add((parameter, name))
    assert found == REPLACED
