"""Errors of boto3's clients, in landrun's terms."""

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import ProtocolError

from landrun.adapters.clients import translated
from landrun.errors import ServiceError

ANSWER = {"Error": {"Code": "NoSuchBucket", "Message": "gone"}, "Item": {}}
FAILED_UPLOAD = S3UploadFailedError("Failed to upload")
FAILED_UPLOAD.__context__ = ClientError(ANSWER, "PutObject")


@pytest.mark.parametrize(
    ("error", "code", "answer"),
    [
        (ClientError(ANSWER, "PutObject"), "NoSuchBucket", ANSWER),
        (ClientError({}, "PutObject"), "", {}),
        (FAILED_UPLOAD, "NoSuchBucket", ANSWER),
        (ConnectTimeoutError(endpoint_url="https://s3"), "ConnectTimeoutError", {}),
        *(
            (error, "UnexpectedAnswer", {})
            for error in (ResponseParserError(), KeyError(), ValueError(), ProtocolError())
        ),
    ],
)
def test_an_error_of_a_call_becomes_a_service_error_with_its_code(error, code, answer):
    with pytest.raises(ServiceError, match=f"s3:PutObject: {code}: ") as raised:  # noqa: SIM117
        with translated("s3:PutObject"):
            raise error
    assert (raised.value.code, raised.value.answer) == (code, answer)
