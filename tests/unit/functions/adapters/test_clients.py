"""Clients of AWS: all from one session, patient with quotas, with one kind of error."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from landrun.adapters import clients
from landrun.errors import ServiceError


def test_all_clients_come_from_one_session_and_wait_for_quotas(monkeypatch):
    class Session:
        def create_client(self, service, config):
            return service, config.retries, config.max_pool_connections

    sessions = iter([Session()])  # a second one is an error
    monkeypatch.setattr("botocore.session.get_session", lambda: next(sessions))
    clients._session.cache_clear()
    retries = {"mode": "adaptive", "total_max_attempts": 6}
    made = [clients.client(service) for service in ("s3", "sqs")]
    clients._session.cache_clear()
    assert made == [("s3", retries, 16), ("sqs", retries, 16)]


ANSWER = {"Error": {"Code": "NoSuchBucket", "Message": "gone"}, "Item": {}}


@pytest.mark.parametrize(
    ("error", "code", "answer"),
    [
        (ClientError(ANSWER, "PutObject"), "NoSuchBucket", ANSWER),
        (ClientError({}, "PutObject"), "", {}),
        (ConnectTimeoutError(endpoint_url="https://s3"), "ConnectTimeoutError", {}),
    ],
)
def test_every_error_of_botocore_becomes_a_service_error_with_its_cause(error, code, answer):
    with pytest.raises(ServiceError, match=f"s3:PutObject: {code}: ") as raised:  # noqa: SIM117
        with clients.translated("s3:PutObject"):
            raise error
    translated = raised.value
    assert (translated.code, translated.answer, translated.__cause__) == (code, answer, error)
