"""What a batch cost and how long its chunks waited, as it goes into the write."""

from __future__ import annotations

import datetime as dt

import numpy as np
from psycopg import errors as pg

from tests.support.pipeline_fakes import FakeStore
from wikiembed.embedders.usage import Usage
from wikiembed.errors import DatabaseUnreachable
from wikiembed.pipeline.record import BatchRecord, TokenRate, Waits
from wikiembed.pipeline.write import write_vectors
from wikiembed.store.chunks import Chunk
from wikiembed.vectors import Matrix

EARLY = dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC)
LATE = EARLY + dt.timedelta(seconds=5)


def waits() -> Waits:
    """Chunks 1 to 3 are edits, 3 was edited twice; 4 is bulk work."""
    made = Waits()
    made.add(EARLY, ["1", 2], fresh=True)
    made.add(EARLY, ["3"], fresh=True)
    made.add(LATE, ["3", "4"], fresh=False)
    return made


async def write(store: FakeStore, record: BatchRecord, *keys: str) -> None:
    """Write vectors of `keys`, with what `record` has."""
    matrix: Matrix = np.ones((len(keys), 4), np.float32)
    chunks = [Chunk(key, f"text {key}", 1) for key in keys]
    await write_vectors(store, "docs", chunks, matrix, attempt=0, job_id=1, record=record)


def test_chunks_are_counted_by_since_when_they_wait() -> None:
    """Of jobs that began together one time; a chunk of two jobs waits since the first."""
    entry = BatchRecord(Usage(), waits()).entry(["4", "1", "3", "none"])
    assert (list(entry.since), list(entry.fresh)) == ([EARLY, LATE], [True, False])
    assert (list(entry.places), list(entry.chunks)) == ([2, 1, 1, 0], [2, 1])


async def test_usage_is_recorded_once_over_the_writes_of_a_batch() -> None:
    """The first write takes what was used so far, the next one what came since."""
    store, usage = FakeStore(), Usage(requests=1, texts=2, tokens=8)
    record = BatchRecord(usage, None)
    await write(store, record, "1")
    usage.add(Usage(requests=1, texts=1, tokens=3, estimated=3))
    await write(store, record, "2")
    await write(store, record, "3")
    assert [list(e.usage) for e in store.entries if e] == [
        [1, 0, 2, 8, 0], [1, 0, 1, 3, 3], [0, 0, 0, 0, 0],
    ]  # fmt: skip
    assert not record.left


async def test_refused_write_records_its_usage_with_the_half_that_is_written() -> None:
    """A write that was rolled back recorded nothing: its usage goes with the next one."""
    store, record = FakeStore(), BatchRecord(Usage(requests=1, texts=2, tokens=8), None)
    store.refuses = {"1": pg.CheckViolation("violates check constraint")}
    await write(store, record, "1", "2")
    assert [(e.usage[3], e.parameters("docs")["again"]) for e in store.entries if e] == [
        (8, False), (8, False), (8, False),
    ]  # fmt: skip
    assert not record.left


async def test_repeated_write_says_that_it_is_one() -> None:
    """The commit may have been lost: the same number, and `again`."""
    store, record = Losing(), BatchRecord(Usage(requests=1, texts=1, tokens=8), None)
    await write(store, record, "1")
    assert store.sent == [(store.sent[0][0], False), (store.sent[0][0], True)]
    assert not record.left


class Losing(FakeStore):
    """Loses its connection at the first write."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[object, object]] = []

    async def write_embeddings(self, *args, entry, **more):  # type: ignore[no-untyped-def,override]
        parameters = entry.parameters("docs")
        self.sent.append((parameters["entry"], parameters["again"]))
        if len(self.sent) == 1:
            raise DatabaseUnreachable("lost")
        return await super().write_embeddings(*args, entry=entry, **more)


def test_token_rate_is_learned_from_whole_batches() -> None:
    """The most of late; not from batches that were sent twice, or estimated."""
    rate, texts = TokenRate(), ["a" * 60, "b" * 40]
    assert rate.tokens(texts) == 25
    rate.learn(texts, Usage(requests=2, texts=4, tokens=90))
    rate.learn(texts, Usage(requests=1, texts=2, tokens=25, estimated=25))
    assert rate.tokens(texts) == 25
    rate.learn(texts, Usage(requests=1, texts=2, tokens=10))
    assert rate.tokens(texts) == 10
    rate.learn(texts, Usage(requests=1, texts=2, tokens=40))
    rate.learn(texts, Usage(requests=1, texts=2, tokens=1))
    assert rate.tokens(texts) == 38
    assert rate.tokens(["\ud800" * 4]) == 5
