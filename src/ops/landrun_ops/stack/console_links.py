"""Links to AWS's consoles about one run.

Names and keys are quoted in links, so that a link is safe to print and to open.
"""

from urllib.parse import quote

from landrun.errors import InvalidS3Uri
from landrun.models.processing_job import LOG_GROUP
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri

_HOSTS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""By partition. Other partitions have no public consoles."""


def links(run: RunRecord, job: str) -> dict[str, str]:
    """Return the links to pages about a run and its newest Processing job, by what they show.

    There are none in a partition without public consoles.
    """
    _, partition, _, region, *_ = run.execution_arn.split(":")
    if partition not in _HOSTS:
        return {}
    home, here = f"https://{region}.{_HOSTS[partition]}", f"region={region}"
    arn = quote(run.execution_arn, safe=":")
    found = {"execution": f"{home}/states/home?{here}#/v2/executions/details/{arn}"}
    if job:
        page = quote(job, safe="")
        found["job"] = f"{home}/sagemaker/home?{here}#/processing-jobs/{page}"
        streams = f"$3FlogStreamNameFilter$3D{_twice_quoted(f'{run.name}-')}"
        group = f"logsV2:log-groups/log-group/{_twice_quoted(LOG_GROUP)}"
        found["log"] = f"{home}/cloudwatch/home?{here}#{group}{streams}"
    try:
        output = S3Uri.parse(run.output_processed_message or "")
    except InvalidS3Uri:
        return found
    bucket, prefix = quote(output.bucket, safe=""), quote(output.key, safe="")
    return found | {"output": f"{home}/s3/buckets/{bucket}?{here}&prefix={prefix}"}


def _twice_quoted(text: str) -> str:
    """Quote for the fragment of CloudWatch's links, where a percent sign is written $25."""
    return quote(text, safe="").replace("%", "$25")
