"""Processing jobs that SageMaker describes, or does not know."""

from unittest.mock import Mock

from botocore.exceptions import ClientError

from landrun.adapters.sagemaker import ProcessingJobs


def test_a_job_that_sagemaker_does_not_know_is_none():
    def describe_processing_job(**_):
        raise ClientError({"Error": {"Code": "ValidationException"}}, "DescribeProcessingJob")

    client = Mock(describe_processing_job=describe_processing_job)
    assert ProcessingJobs(client).find("no-such-job") is None
