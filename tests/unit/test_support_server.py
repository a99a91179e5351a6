"""The test server: what a developer without Docker sees."""

from __future__ import annotations

import pytest

from tests.support.server import KIND, start_server


def test_docker_without_an_answer_ends_the_session_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No test is run, and no traceback is printed."""
    monkeypatch.setenv(KIND, "testcontainers")
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/docker.sock")
    with pytest.raises(pytest.exit.Exception, match=r"^Docker does not answer: start its engine"):
        start_server()
