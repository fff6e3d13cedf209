"""The account and the stack: who asks, the clock, and how the last deployment ended."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from landrun.errors import ServiceError
from landrun_ops.doctor.aws_reader import StackReader
from landrun_ops.doctor.checks import UNREACHABLE, not_readable
from landrun_ops.doctor.findings import Finding, fail, ok, warn
from landrun_ops.units import spelled

CLOCK_WARNS, CLOCK_FAILS = 60.0, 300.0
"""Seconds. AWS refuses signatures that are off by five minutes (AWS General Reference,
"Troubleshooting AWS SigV4 errors")."""


def explain_missing_stack(error: ServiceError) -> Finding:
    """Say why the stack could not be found."""
    if error.code.startswith(("Expired", "SSO", "UnauthorizedSSO", "TokenRefresh", "LoginRefresh")):
        return fail(str(error), "sign in again: aws sso login, or new keys")
    if error.code in ("NoCredentialsError", "ProfileNotFound", "NoRegionError"):
        return fail(str(error), "set up AWS as for the AWS CLI: aws configure, --profile, --region")
    if error.code in UNREACHABLE:
        remedy = "check the network; for the laptop's AWS, that landrun local up still runs"
        return fail(str(error), remedy)
    finding = not_readable(error)
    remedy = "check the keys (aws sts get-caller-identity), --stack, --region and --profile"
    return fail(finding.says, finding.remedy or remedy)


def credentials(aws: StackReader) -> Finding:
    """The caller is a role or a user, not the account's root."""
    caller = aws.ask("sts:GetCallerIdentity")
    says = f"{caller['Arn']}, region {aws.stack.region}"
    if caller["Arn"].endswith(":root"):
        return warn(says, "use a role or a user: the account's root may do everything")
    return ok(says)


def clock(aws: StackReader) -> Finding:
    """This machine's clock is within a minute of AWS's."""
    headers = aws.ask("sts:GetCallerIdentity")["ResponseMetadata"]["HTTPHeaders"]
    return judge_clock(headers.get("date", ""), datetime.now(UTC))


def judge_clock(date: str, now: datetime) -> Finding:
    """Compare the clock with the HTTP header ``Date`` of a response that has just arrived."""
    ahead = (now - parsedate_to_datetime(date).astimezone(UTC)).total_seconds()
    if abs(ahead) < CLOCK_WARNS:
        return ok()
    says = f"{spelled(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} AWS's"
    remedy = "set the clock, and let it follow a time server (timedatectl set-ntp true)"
    if abs(ahead) >= CLOCK_FAILS:
        return fail(f"{says}: AWS refuses signatures that are so far off", remedy)
    return warn(says, remedy)


def deployment(aws: StackReader) -> Finding:
    """The last deployment succeeded."""
    name, status = aws.stack.name, aws.stack.status
    if status.endswith("_IN_PROGRESS"):
        return warn(f"{status}: a deployment is under way", "wait for its end, and check again")
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        return ok(status)
    says = f"{status}{_cause(aws)}"
    if status == "UPDATE_ROLLBACK_COMPLETE":
        return warn(f"{says}: the version before it runs", "correct that, and sam deploy again")
    if status == "UPDATE_ROLLBACK_FAILED":
        remedy = f"aws cloudformation continue-update-rollback --stack-name {name}"
        return fail(says, f"correct that, then {remedy}")
    return fail(says, "correct that, sam delete what is left, and sam deploy again")


def _cause(aws: StackReader) -> str:
    """Return the reason of the first failure of the newest deployment; events are newest first."""
    events = aws.pages(
        "cloudformation:DescribeStackEvents", "StackEvents", StackName=aws.stack.name
    )
    first = None
    for event in events:
        if event["ResourceStatus"].endswith("_FAILED"):
            first = event
        elif first and event.get("ResourceStatusReason") == "User Initiated":
            break
    if first is None:
        return ""
    return f" ({first['LogicalResourceId']}: {first.get('ResourceStatusReason', 'no reason')})"
