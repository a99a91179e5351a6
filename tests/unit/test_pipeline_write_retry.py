"""How long computed vectors are kept while Postgres is unavailable."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors as pg
from psycopg_pool import PoolClosed, PoolTimeout

from wikiembed.db.connect import translate
from wikiembed.errors import LockNotAvailable
from wikiembed.pipeline import write_retry


def as_raised(error: psycopg.Error) -> Exception:
    """The error as the store raises it: translated where a translation exists."""
    ours = translate(error)
    if ours is None:
        return error
    ours.__cause__ = error
    return ours


class Writes:
    """A write that fails with each given error in turn, then succeeds."""

    def __init__(self, *errors: psycopg.Error) -> None:
        self.errors = [as_raised(error) for error in errors]
        self.calls = 0

    async def __call__(self) -> str:
        """Raise the next error, or succeed."""
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "written"


@pytest.mark.parametrize(
    "error",
    [
        pg.AdminShutdown("terminated"),
        pg.CrashShutdown("crashed"),
        pg.CannotConnectNow("starting up"),
        pg.TooManyConnections("too many clients already"),
        pg.ConnectionFailure("gone"),
        psycopg.OperationalError("the connection is closed"),
        PoolTimeout("no connection within 10 s"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_write_is_retried_while_postgres_is_unavailable(error: psycopg.Error) -> None:
    """Longer than the 45 s of a slow restart, and longer than a pool's timeout."""
    assert write_retry.retry_for_s(as_raised(error)) == write_retry.RETRY_LOST_S > 60


@pytest.mark.parametrize(
    "error",
    [
        pg.QueryCanceled("statement timeout"),
        pg.DeadlockDetected("deadlock"),
        pg.SerializationFailure("serialisation"),
        pg.LockNotAvailable("lock timeout"),
        pg.ReadOnlySqlTransaction("a standby now"),
        pg.DiskFull("full"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_transient_error_is_retried_for_seconds(error: psycopg.Error) -> None:
    """The job soon frees its slot."""
    assert write_retry.retry_for_s(as_raised(error)) == write_retry.RETRY_PASSING_S


@pytest.mark.parametrize(
    "error",
    [
        PoolClosed("closed by ourselves"),
        pg.CheckViolation("a row's fault"),
        pg.InsufficientPrivilege("no rights"),
        pg.InternalError_("corrupted"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_permanent_error_is_raised_immediately(error: psycopg.Error) -> None:
    """One call, and the original exception."""
    writes = Writes(error)
    with pytest.raises(type(as_raised(error))):
        await write_retry.retry_write(writes, job_id=1)
    assert writes.calls == 1


async def test_write_is_retried_until_it_succeeds() -> None:
    """Two lost connections, then the result."""
    writes = Writes(pg.AdminShutdown("terminated"), PoolTimeout("away"))
    assert (await write_retry.retry_write(writes, job_id=1), writes.calls) == ("written", 3)


async def test_retries_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the limit the job returns to the queue."""
    monkeypatch.setattr(write_retry, "RETRY_PASSING_S", 0.1)
    writes = Writes(*(pg.LockNotAvailable("lock timeout") for _ in range(9)))
    with pytest.raises(LockNotAvailable):
        await write_retry.retry_write(writes, job_id=1)
    assert 1 < writes.calls < 9
