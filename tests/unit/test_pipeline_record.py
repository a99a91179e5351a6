"""What batches cost and how long their chunks waited, until it is recorded."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from psycopg import errors as pg

from tests.support.eventually import eventually_async
from tests.support.pipeline_fakes import FakeStore
from wikiembed.embedders.token_rate import TokenRate
from wikiembed.embedders.usage import Usage
from wikiembed.errors import DatabaseUnreachable
from wikiembed.pipeline.lag import LagMeter, add_lags, lag_bucket, lags_of
from wikiembed.pipeline.record import BatchRecord
from wikiembed.pipeline.recorder import Recorder
from wikiembed.pipeline.write import write_vectors
from wikiembed.store.batch_entry import BatchEntry
from wikiembed.store.chunks import Chunk
from wikiembed.store.outcome import Outcome
from wikiembed.vectors import Matrix


def meter(*, now: float = 100) -> LagMeter:
    """Chunks 1 to 3 are edits, 3 was edited twice; 4 is bulk work; 5 waits for -1 s."""
    made = LagMeter(lambda: now)
    made.add(99.0, ["1", 2], fresh=True)
    made.add(90.0, ["3"], fresh=True)
    made.add(95.0, ["3", "4"], fresh=False)
    made.add(101.0, ["5"], fresh=True)
    return made


async def write(store: FakeStore, record: BatchRecord, *keys: str) -> None:
    """Write vectors of `keys`, for `record`."""
    matrix: Matrix = np.ones((len(keys), 4), np.float32)
    chunks = [Chunk(key, f"text {key}", 1) for key in keys]
    await write_vectors(store, "docs", chunks, matrix, attempt=0, job_id=1, record=record)


def test_chunks_count_once_by_their_first_job() -> None:
    """Whether one write has them, or several."""
    expected = {
        (True, lag_bucket(1)): 2, (True, lag_bucket(10)): 1, (False, lag_bucket(5)): 1,
        (True, lag_bucket(0)): 1,
    }  # fmt: skip
    assert lags_of(meter().waits(["4", "1", "3", "2", "5"])) == expected
    several = meter()
    found = lags_of(several.waits(["2"]))
    add_lags(found, lags_of(several.waits(["4", "3", "1", "5"])))
    assert found == expected


def test_whole_batch_is_counted_job_by_job() -> None:
    """Jobs of one key each, and one of several, all written at once."""
    made = LagMeter(lambda: 10.0)
    made.add(9.0, [1, 2, 3], fresh=False)
    made.add(8.0, ["4"], fresh=True)
    assert lags_of(made.waits(["1", "2", "3", "4"])) == {
        (False, lag_bucket(1)): 3, (True, lag_bucket(2)): 1,
    }  # fmt: skip


def test_chunks_of_a_job_without_a_time_do_not_count() -> None:
    """As of one that someone queued by hand, beside others in its batch."""
    made = LagMeter(lambda: 10.0)
    assert made.waits(["1", "2"]) == []
    made.add(9.0, ["1"], fresh=True)
    assert made.waits(["2", "1"]) == [(1.0, True, 1)]


async def test_chunks_that_were_not_written_do_not_count() -> None:
    """Stale and locked ones wait on; those that Postgres refuses alone are failures."""
    store, record = FakeStore(), BatchRecord(meter())
    store.outcomes = {"2": Outcome.STALE, "4": Outcome.LOCKED}
    store.refuses = {"3": pg.CheckViolation("violates check constraint")}
    await write(store, record, "1", "2", "3", "4", "5")
    assert record.lags == {(True, lag_bucket(1)): 1, (True, lag_bucket(0)): 1}


class Kept:
    """Keeps what is recorded; the first `failures` calls lose their connection."""

    def __init__(self, failures: int = 0) -> None:
        self.entries: list[tuple[dict[str, object], bool]] = []
        self.statements: list[str] = []
        self.failures = failures

    async def record_batches(self, entry: BatchEntry) -> None:
        parameters = entry.parameters()
        again = bool(parameters.pop("again"))
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise DatabaseUnreachable("lost")
        self.entries.append((parameters, again))
        self.statements.append(entry.statement)

    def usages(self) -> list[tuple[object, object]]:
        """Source and usage of each entry."""
        return [(kept["source"], kept["usage"]) for kept, _ in self.entries]


def used(tokens: int, *, reservation: int | None = None) -> BatchRecord:
    """The record of one request, of a chunk that waited for 2 s."""
    record = BatchRecord()
    record.usage.add(Usage(requests=1, texts=1, tokens=tokens))
    record.lags[True, 7] = 1
    record.reservation = reservation
    return record


async def test_batches_are_added_up_per_source() -> None:
    """One entry each, within a moment, without another batch; then nothing is left."""
    store = Kept()
    recorder = Recorder(store, every_s=0.01)
    for tokens in (5, 7):
        await recorder.add("docs", used(tokens))
    await recorder.add("wiki", used(1))
    await recorder.add("none", BatchRecord())
    await eventually_async(lambda: len(store.entries) == 2)
    assert store.usages() == [("docs", [2, 0, 2, 12, 0]), ("wiki", [1, 0, 1, 1, 0])]
    assert [store.entries[0][0][name] for name in ("fresh", "buckets", "chunks")] == [
        [True], [7], [2],
    ]  # fmt: skip
    await recorder.aclose()
    assert len(store.entries) == 2


async def test_reservation_is_settled_at_once() -> None:
    """With its own batch only: what others used may wait, and so may its lag."""
    store = Kept()
    recorder = Recorder(store, every_s=60)
    await recorder.add("docs", used(5))
    await recorder.add("docs", used(7, reservation=77))
    assert [(kept["usage"], kept["id"], kept["chunks"]) for kept, _ in store.entries] == [
        ([1, 0, 1, 7, 0], 77, [])
    ]
    assert "settle_budget" in store.statements[0]
    await recorder.aclose()
    assert [(kept["usage"], kept["chunks"]) for kept, _ in store.entries[1:]] == [
        ([1, 0, 1, 5, 0], [2])
    ]
    assert "record_batches" in store.statements[1]


async def test_usage_of_a_source_is_written_before_it_reserves() -> None:
    """Lags alone may wait, and so may other sources: a budget reads neither."""
    store = Kept()
    recorder = Recorder(store, every_s=60)
    await recorder.add("docs", used(7, reservation=77))
    await recorder.add("wiki", used(5))
    await recorder.flush_usage("docs")
    assert [statement.count("record_batches") for statement in store.statements] == [0]
    await recorder.add("docs", used(3))
    await recorder.flush_usage("docs")
    assert store.usages()[1:] == [("docs", [1, 0, 1, 3, 0])]
    await recorder.aclose()


async def test_lost_record_is_repeated_as_such() -> None:
    """The same number, and `again`: it may have been committed. Nothing is lost at the end."""
    store = Kept(failures=2)
    recorder = Recorder(store, every_s=60)
    await recorder.add("docs", used(5, reservation=77))
    await recorder.add("docs", used(7))
    await recorder.flush()
    assert store.entries == []
    await recorder.flush()
    assert sorted(store.usages(), key=str) == [
        ("docs", [1, 0, 1, 5, 0]), ("docs", [1, 0, 1, 7, 0]),
    ]  # fmt: skip
    assert {again for _, again in store.entries} == {True}
    assert sum(sum(kept["chunks"]) for kept, _ in store.entries) == 2  # type: ignore[call-overload]
    await recorder.aclose()


async def test_record_that_is_always_refused_blocks_no_other() -> None:
    """It goes behind the others."""
    store = Kept()
    recorder = Recorder(store, every_s=60)
    refused = store.record_batches

    async def refuse(entry: BatchEntry) -> None:
        if entry.source == "docs":
            raise pg.RaiseException("refused")
        await refused(entry)

    store.record_batches = refuse  # type: ignore[method-assign]
    await recorder.add("docs", used(5))
    await recorder.add("wiki", used(7))
    await recorder.flush()
    await recorder.flush()
    assert store.usages() == [("wiki", [1, 0, 1, 7, 0])]
    await recorder.aclose()


async def test_cancelled_record_is_kept() -> None:
    """A worker that ends in the middle of one repeats it at its end."""
    store = Kept()
    recorder = Recorder(store, every_s=0)
    await recorder.add("docs", used(5))
    task = asyncio.create_task(recorder.flush())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await recorder.aclose()
    assert store.usages() == [("docs", [1, 0, 1, 5, 0])]
    assert store.entries[0][1] is True


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
