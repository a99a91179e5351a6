"""The embed task: an unexpected error is blamed after five times, a transient one never."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import psycopg
import pytest
from procrastinate import JobContext
from procrastinate.jobs import Job
from psycopg import errors as pg

from tests.support.pipeline_fakes import FakeStore
from wikiembed.config import Settings
from wikiembed.db.pool import Pool
from wikiembed.errors import LockNotAvailable
from wikiembed.pipeline.runtime import Runtime
from wikiembed.store.chunks import Chunk
from wikiembed.worker.new_app import new_app
from wikiembed.worker.retry import UNEXPECTED_BEFORE_BLAME
from wikiembed.worker.tasks.embed import embed


class BrokenStore(FakeStore):
    """Fails to read `times` times, then reads one chunk; it has no source to embed it for."""

    def __init__(self, error: BaseException, times: int) -> None:
        super().__init__()
        self.error = error
        self.times = times

    async def read_chunks(self, source: str, keys: Sequence[str], *, attempt: int) -> list[Chunk]:
        self.times -= 1
        if self.times >= 0:
            raise self.error
        return [Chunk(key, "text", 1) for key in keys]


class Holder:
    def __init__(self, store: FakeStore) -> None:
        self.runtime = Runtime(Settings(), cast("Pool", None))
        self.runtime.store = store

    async def get(self) -> Runtime:
        return self.runtime


async def run(holder: Holder, *, job_id: int = 1) -> None:
    job = Job(
        id=job_id,
        queue="embed_docs",
        lock=None,
        queueing_lock=None,
        task_name="wikiembed.embed",
        attempts=40,
    )
    context = JobContext(
        start_timestamp=0.0,
        app=new_app(),
        job=job,
        abort_reason=lambda: None,
        additional_context={"runtime": holder},
    )
    await embed(context, source="docs", keys=["7"])


async def test_unexpected_error_is_blamed_only_after_five_of_them() -> None:
    """Earlier runs that ended otherwise do not count, nor do those of another job."""
    store = BrokenStore(ZeroDivisionError(), UNEXPECTED_BEFORE_BLAME + 1)
    holder = Holder(store)
    for job_id in (1, 2, 1, 1, 1):
        with pytest.raises(ZeroDivisionError):
            await run(holder, job_id=job_id)
        assert store.recorded == []
    await run(holder)
    assert [(key, word) for key, word, _ in store.recorded] == [("7", "internal_error")]
    assert holder.runtime.unexpected == {2: 1}
    assert holder.runtime.stats.failed == {"internal_error": 1}


@pytest.mark.parametrize(
    "error",
    [
        pg.DeadlockDetected("deadlock"),
        pg.SerializationFailure("serialisation"),
        LockNotAvailable("55P03"),
        MemoryError(),
        psycopg.DatabaseError("out of memory for query result"),
        asyncio.CancelledError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_embed_requeues_transient_errors_however_often(error: BaseException) -> None:
    """They are raised to procrastinate every time, and no chunk is blamed."""
    store = BrokenStore(error, 100)
    holder = Holder(store)
    for _ in range(2 * UNEXPECTED_BEFORE_BLAME):
        with pytest.raises(type(error)):
            await run(holder)
    assert (store.recorded, holder.runtime.unexpected) == ([], {})
