"""`landrun doctor`: as a process, on a stack that works, and on one that is broken."""

import json

from local.commands import landrun


def test_a_stack_that_is_well_and_one_that_is_not(aws, env):
    events, functions = aws.client("events"), aws.client("lambda")
    rule = aws.outputs["LandingRule"]
    name = aws.outputs["ObjectCreatedFunction"]
    [source] = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]

    def failures():
        found = json.loads(landrun(env, "doctor", "--json").stdout)["checks"]
        assert {"state machine role", "bucket events"} <= {one["check"] for one in found}
        return {one["check"]: one["remedy"] for one in found if one["level"] == "fail"}

    # Tests of this session may have left dead-letter messages.
    assert not failures().keys() - {"dead letters"}, failures()

    # A rule and an event source are off
    events.disable_rule(Name=rule)
    functions.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
    try:
        shown, found = landrun(env, "doctor", "--quiet"), failures()
    finally:
        events.enable_rule(Name=rule)
        functions.update_event_source_mapping(UUID=source["UUID"], Enabled=True)
    assert shown.returncode == 1
    assert "→ aws events enable-rule" in shown.stdout
    assert found["rules"] == f"aws events enable-rule --name {rule}"
    assert found["event sources"].endswith(f"--uuid {source['UUID']} --enabled")
