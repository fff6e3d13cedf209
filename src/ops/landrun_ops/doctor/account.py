"""The account: who is asking, and whether the clock is right."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from landrun.errors import ServiceError
from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.examining import UNREACHED, Check, unseen
from landrun_ops.doctor.findings import Finding, fail, ok, warn
from landrun_ops.durations import spelled

AREA: Final = "account"
SLOW, REFUSED = 60.0, 300.0
"""Seconds that the clock may be off before it is told, and before AWS refuses signatures: five
minutes for most services (AWS General Reference, "Troubleshooting AWS SigV4 errors")."""

_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired")
_UNKNOWN = ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch")
_SSO = ("SSOTokenLoadError", "UnauthorizedSSOTokenError", "LoginRefreshRequired")
_NONE = ("NoCredentialsError", "ProfileNotFound", "PartialCredentialsError", "NoRegionError")
_TIME = ("RequestTimeTooSkewed", "RequestInTheFuture", "InvalidSignatureException")


def judge_caller(answer: Mapping[str, Any], region: str) -> Finding:
    """Judge who asks.

    Parameters
    ----------
    answer : Mapping[str, Any]
        GetCallerIdentity's.
    """
    says = f"{answer['Arn']} in {answer['Account']}, region {region}"
    if answer["Arn"].endswith(":root"):
        return warn(says, "take a role or a user: the account's root may do everything")
    return ok(says)


def judge_clock(answer: Mapping[str, Any], now: datetime) -> Finding:
    """Compare the clock with that of AWS.

    Parameters
    ----------
    answer : Mapping[str, Any]
        Any answer of boto3: its HTTP header ``Date`` says when it was made.
    now : datetime
        When it came, aware.
    """
    header = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    theirs = parsedate_to_datetime(header)
    off = (now - theirs.astimezone(UTC)).total_seconds()
    if abs(off) < SLOW:
        return ok("within a minute of AWS's")
    says = f"{spelled(abs(off))} {'ahead of' if off > 0 else 'behind'} AWS's"
    remedy = "set the clock, and let it follow a time server (timedatectl set-ntp true)"
    if abs(off) >= REFUSED:
        return fail(f"{says}: AWS refuses what is signed so far off", remedy)
    return warn(says, remedy)


def explained(error: ServiceError) -> Finding:
    """Say why AWS cannot be asked at all, or has no such stack."""
    remedies = {
        _EXPIRED: "sign in again: aws sso login, or new keys",
        _SSO: "sign in: aws sso login",
        _UNKNOWN: "check AWS_ACCESS_KEY_ID and its like, or --profile: nobody has such keys",
        _NONE: "set up AWS as for the AWS CLI: aws configure, --profile, --region",
        _TIME: "set the clock: AWS refuses what is signed more than five minutes off",
    }
    for codes, remedy in remedies.items():
        if error.code in codes:
            return fail(str(error), remedy)
    if error.code in UNREACHED:
        remedy = "check the network; for the laptop's AWS, that landrun local up still runs"
        return fail(str(error), remedy)
    if error.code == "ValidationError":
        return fail(str(error), "check the stack's name, the region and the account")
    seen = unseen(error)
    return fail(seen.says, seen.remedy or "check the stack's name, the region and the account")


def checks(sight: Sight) -> list[Check]:
    """Give the checks of the account."""

    def clock() -> Finding:
        answer = sight.ask("sts:GetCallerIdentity")
        return judge_clock(answer, datetime.now(UTC))

    return [
        Check(
            AREA,
            "credentials",
            lambda: judge_caller(sight.ask("sts:GetCallerIdentity"), sight.stack.region),
        ),
        Check(AREA, "clock", clock),
    ]
