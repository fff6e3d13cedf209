"""`landrun doctor`: as a process, on a stack that works, one that is broken, and none at all."""

import json
import time

from laptop_stack import eventually
from local.commands import landrun


def test_a_stack_that_is_well_and_one_that_is_not(aws, env, load_event):
    events, functions, sqs = (aws.client(name) for name in ("events", "lambda", "sqs"))
    rule, queue = aws.outputs["LandingRule"], aws.outputs["LandingQueueUrl"]
    name = aws.outputs["ObjectCreatedFunction"]
    [source] = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    ignored = load_event("object-created-folder-marker")["Records"][0]["body"]

    def failures():
        found = json.loads(landrun(env, "doctor", "--json").stdout)["checks"]
        assert {"state machine role", "bucket events"} <= {one["check"] for one in found}
        return {one["check"]: one["remedy"] for one in found if one["level"] == "fail"}

    def waiting():
        answer = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    # Tests of this session may have left dead-letter messages.
    assert not failures().keys() - {"dead letters"}, failures()

    # A rule and an event source are off
    events.disable_rule(Name=rule)
    functions.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
    try:
        shown, found = landrun(env, "doctor", "--quiet"), failures()
        # The poll that was under way may still take one.
        eventually(lambda: sqs.send_message(QueueUrl=queue, MessageBody=ignored) and waiting())
        time.sleep(0.5)
        assert waiting()
    finally:
        events.enable_rule(Name=rule)
        functions.update_event_source_mapping(UUID=source["UUID"], Enabled=True)
    assert shown.returncode == 1
    assert "→ aws events enable-rule" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert found["rules"] == f"aws events enable-rule --name {rule}"
    assert found["event sources"].endswith(f"--uuid {source['UUID']} --enabled")
    eventually(lambda: not waiting())
