"""Records of runs, as the runs table holds them."""

from landrun.adapters.dynamodb_items import to_item
from landrun.models.run_record import RunRecord

ACCOUNT = "us-east-1:123456789012"
USUAL = {
    "name": "landrun-0",
    "state_machine_arn": f"arn:aws:states:{ACCOUNT}:stateMachine:machine",
    "status": "RUNNING",
    "redrive_count": 0,
    "status_rank": 0,
    "month": "2026-11",
    "started_at": "2026-11-22T03:00:00.000Z",
}


def record(row=None):
    """A record with these attributes; those that each has beside them are the usual ones."""
    given = USUAL | {name: value for name, value in (row or {}).items() if value is not None}
    arn = f"arn:aws:states:{ACCOUNT}:execution:machine:{given['name']}"
    return RunRecord.model_validate({"execution_arn": arn} | given)


def item(row):
    """The same as DynamoDB's API spells it."""
    return to_item(record(row))


def create_runs_table(client, name="runs"):
    """Create a runs table with its indexes, as the template has it."""
    from faults.stack import TABLE, DeployedStack  # noqa: PLC0415 - most need no template

    table = DeployedStack().resolved.of_type("AWS::DynamoDB::Table")["RunsTable"]
    client.create_table(TableName=name, **{part: table[part] for part in TABLE if part in table})
