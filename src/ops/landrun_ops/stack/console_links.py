"""Links to AWS's consoles about one run.

Names and keys are quoted in links, so that a link is safe to print and to open.
"""

from __future__ import annotations

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


class Consoles:
    """The consoles of one region of one partition.

    Parameters
    ----------
    arn : str
        The ARN of anything in that region.

    Examples
    --------
    >>> Consoles("arn:aws-cn:states:cn-north-1:123456789012:stateMachine:m").job("m-1")
    'https://cn-north-1.console.amazonaws.cn/sagemaker/home?region=cn-north-1#/processing-jobs/m-1'
    """

    def __init__(self, arn: str) -> None:
        _, partition, _, region, *_ = [*arn.split(":"), "", "", "", ""]
        self._host = _HOSTS.get(partition, "")
        self._region = quote(region, safe="")

    @property
    def known(self) -> bool:
        """Return True if there are public consoles for this region."""
        return bool(self._host and self._region)

    def execution(self, arn: str) -> str:
        """Return Step Functions' page of an execution."""
        return self._page("states/home", f"/v2/executions/details/{quote(arn, safe=':')}")

    def job(self, name: str) -> str:
        """Return SageMaker's page of a Processing job."""
        return self._page("sagemaker/home", f"/processing-jobs/{quote(name, safe='')}")

    def log(self, prefix: str) -> str:
        """Return CloudWatch's list of the log streams whose names begin with a prefix."""
        streams = f"$3FlogStreamNameFilter$3D{_twice_quoted(prefix)}"
        group = f"logsV2:log-groups/log-group/{_twice_quoted(LOG_GROUP)}"
        return self._page("cloudwatch/home", f"{group}{streams}")

    def objects(self, uri: S3Uri) -> str:
        """Return S3's list of the objects under a URI."""
        page = f"s3/buckets/{quote(uri.bucket, safe='')}"
        return f"{self._page(page)}&prefix={quote(uri.key, safe='')}"

    def _page(self, path: str, fragment: str = "") -> str:
        page = f"https://{self._region}.{self._host}/{path}?region={self._region}"
        return f"{page}#{fragment}" if fragment else page


def links(run: RunRecord, job: str) -> dict[str, str]:
    """Return the links to pages about a run, by what they show.

    Parameters
    ----------
    run : RunRecord
        The run.
    job : str
        The name of its newest Processing job; empty when there is none.

    Returns
    -------
    dict
        Empty when the run's partition has no public consoles.
    """
    consoles = Consoles(run.execution_arn)
    if not consoles.known:
        return {}
    found = {"execution": consoles.execution(run.execution_arn)}
    if job:
        found |= {"job": consoles.job(job), "log": consoles.log(f"{run.name}-")}
    try:
        output = S3Uri.parse(run.output_processed_message or "")
    except InvalidS3Uri:
        return found
    return found | {"output": consoles.objects(output)}


def _twice_quoted(text: str) -> str:
    """Quote for the fragment of CloudWatch's links, where a percent sign is written $25."""
    return quote(text, safe="").replace("%", "$25")
