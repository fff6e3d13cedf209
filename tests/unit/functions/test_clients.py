"""Clients of AWS: one of a service, all of one session, whoever asks how often."""

from __future__ import annotations

import pytest

from landrun.adapters import clients


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The clients that were made, in a process that has none yet."""
    names: list[str] = []

    class Session:
        def create_client(self, service: str, **_: object) -> object:
            names.append(service)
            return object()

    sessions = iter([Session()])  # a second one is an error
    monkeypatch.setattr("botocore.session.get_session", lambda: next(sessions))
    clients.client.cache_clear()
    clients._session.cache_clear()
    yield names
    clients.client.cache_clear()
    clients._session.cache_clear()


def test_a_service_has_one_client_and_all_services_one_session(made: list[str]) -> None:
    first = [clients.client(service) for service in ("s3", "stepfunctions")]
    again = [clients.client(service) for service in ("s3", "stepfunctions")]

    assert all(one is other for one, other in zip(first, again, strict=True))
    assert made == ["s3", "stepfunctions"]
