"""Finishing a job is retried while the connection is lost, and only then."""

from __future__ import annotations

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException

from wikiembed.worker.binding import job_manager


class Answers:
    """A call that fails with each given cause in turn, then succeeds."""

    def __init__(self, *causes: psycopg.Error) -> None:
        self.causes = list(causes)
        self.calls = 0

    async def __call__(self) -> None:
        """Raise the next error, or succeed."""
        self.calls += 1
        if self.causes:
            raise ConnectorException from self.causes.pop(0)


async def test_finish_is_retried_after_a_lost_connection() -> None:
    """Otherwise the job would stay doing under a live worker."""
    call = Answers(psycopg.OperationalError("gone"), psycopg.OperationalError("gone"))
    await job_manager.retry_while_lost(call)
    assert call.calls == 3


async def test_finish_of_a_finished_job_is_not_an_error() -> None:
    """The first try had reached Postgres, and only its answer was lost."""
    call = Answers(psycopg.OperationalError("gone"), psycopg.errors.RaiseException("not found"))
    await job_manager.retry_while_lost(call)
    assert call.calls == 2


async def test_finish_that_postgres_refuses_is_not_retried() -> None:
    """A retry would fail too."""
    call = Answers(psycopg.errors.UndefinedFunction("no such function"))
    with pytest.raises(ConnectorException):
        await job_manager.retry_while_lost(call)
    assert call.calls == 1
