"""The local queue: which jobs begin together or alone, and how many are fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from procrastinate.jobs import Job

from tests.support.pipeline_fakes import Clock
from wikiembed.worker.admission import MOST_AHEAD, Admission
from wikiembed.worker.batch_completer import BatchCompleter
from wikiembed.worker.local_queue import (
    FETCH_INTERVAL_S,
    MOST_JOBS,
    Fetched,
    LocalQueue,
)


def job(number: int, *keys: str, source: str = "docs", attempts: int = 0, **more: object) -> Job:
    """An embed job."""
    arguments = {"source": source, "keys": list(keys) or [str(number)], **more}
    return Job(
        id=number, queue=f"embed_{source}", lock=None, queueing_lock=None, attempts=attempts,
        task_name="wikiembed.embed", task_kwargs=arguments, worker_id=1,  # type: ignore[arg-type]
    )  # fmt: skip


SPLIT = job(2).evolve(
    task_name="wikiembed.split", task_kwargs={"source": "docs", "documents": ["a"]}
)


def queue_of(
    *jobs: Job, limit: int = 4, batch_size: int = 3, clock: Clock | None = None
) -> LocalQueue:
    """A local queue with these fetched jobs."""
    clock = clock or Clock()
    admission = Admission(limit=lambda: limit, clock=clock)
    local_queue = LocalQueue(admission=admission, clock=clock)
    assert local_queue.add([Fetched(one, batch_size) for one in jobs], most_chunks=64) == []
    return local_queue


async def begun(local_queue: LocalQueue) -> list[tuple[int | None, list[str]]]:
    """Begin all waiting jobs; return number and keys of each batch."""
    found = []
    while local_queue:
        one = await local_queue.begin()
        assert one is not None
        found.append((one.id, one.task_kwargs["keys"]))
    return found  # type: ignore[return-value]


async def test_small_jobs_of_a_source_begin_together() -> None:
    """As many as fit into the source's batch; the rest in the next one, in order."""
    local_queue = queue_of(*[job(n) for n in range(1, 6)])
    assert await begun(local_queue) == [(1, ["1", "2", "3"]), (4, ["4", "5"])]
    assert local_queue.ids == {1, 2, 3, 4, 5}
    assert [one.id for one in local_queue.group_of(job(1))] == [1, 2, 3]


async def test_job_that_splits_documents_begins_alone_and_does_not_shrink_the_next_fetch() -> None:
    """It has no keys of chunks, and its batch size says nothing about its source's."""
    local_queue = queue_of(batch_size=3)
    fetched = [Fetched(job(1), 3), Fetched(SPLIT, 1), Fetched(job(3), 3)]
    local_queue.add(fetched, most_chunks=64)
    assert local_queue.fetch_size() == (MOST_JOBS, 4 * 3)
    begun_ids = []
    while local_queue:
        one = await local_queue.begin()
        assert one is not None
        begun_ids.append(one.id)
    assert begun_ids == [1, 2]
    assert [one.id for one in local_queue.group_of(job(1))] == [1, 3]


async def test_full_job_begins_alone() -> None:
    """A bulk job is a batch already."""
    local_queue = queue_of(job(1, "a", "b", "c"), job(2, "d"))
    assert await begun(local_queue) == [(1, ["a", "b", "c"]), (2, ["d"])]


@pytest.mark.parametrize(
    "other",
    [job(2, source="more"), job(2, attempts=1), job(2, attempt=1), job(2, keys="no list")],
    ids=["another source", "retried", "requeued", "malformed"],
)
async def test_job_that_cannot_join_begins_separately(other: Job) -> None:
    """A job of another source, one that failed before, and a malformed one stay separate."""
    local_queue = queue_of(job(1), other, job(3))
    assert [number for number, _ in await begun(local_queue)] == [1, 2]
    assert [one.id for one in local_queue.group_of(job(1))] == [1, 3]


async def test_job_of_a_dead_worker_runs_alone() -> None:
    """No other job is fetched beside it: a further crash identifies it."""
    local_queue = queue_of(job(1))
    await begun(local_queue)
    fetched = [Fetched(job(n, rescues=1 if n == 3 else 0), 3) for n in (2, 3, 4)]
    assert local_queue.add(fetched, most_chunks=64) == [3, 4]
    await begun(local_queue)
    assert local_queue.add([Fetched(job(3, rescues=1), 3), fetched[2]], most_chunks=64) == [4]
    beginning = asyncio.create_task(local_queue.begin())
    await asyncio.sleep(0.01)
    assert not beginning.done()
    local_queue.ended(job(1))
    local_queue.ended(job(2))
    assert (await beginning).id == 3  # type: ignore[union-attr]
    waiting = asyncio.create_task(local_queue.wait_for_room())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    local_queue.ended(job(3))
    assert await waiting


async def test_room_limits_the_batches_in_flight() -> None:
    """A batch begins when one ends; a closed queue begins none, and returns what waits."""
    local_queue = queue_of(*[job(n, "a", "b", "c") for n in range(1, 5)], limit=2)
    for _ in range(2):
        assert await local_queue.wait_for_room()
        await local_queue.begin()
    waiting = asyncio.create_task(local_queue.wait_for_room())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    local_queue.forget(job(1))
    assert await waiting
    assert local_queue.ids == {2, 3, 4}
    local_queue.close()
    assert not await local_queue.wait_for_room()
    assert await local_queue.begin() is None
    assert local_queue.clear() == [3, 4]
    assert not local_queue


@pytest.mark.parametrize(("a_second", "begun_at_once"), [(30, 2), (100, 5)])
async def test_batches_of_a_fast_server_overlap(a_second: int, begun_at_once: int) -> None:
    """While two are at the server, others are read and written; at a slow one they would wait."""
    clock = Clock()
    local_queue = queue_of(limit=2, clock=clock)
    for n in range(a_second):
        local_queue.add([Fetched(job(n), 1)], most_chunks=64)
        await local_queue.begin()
        clock.now += 1 / a_second
        local_queue.ended(job(n))
    local_queue.add([Fetched(job(n), 1) for n in range(1000, 1010)], most_chunks=64)
    begun = 0
    waiting = asyncio.ensure_future(local_queue.wait_for_room())
    while (await asyncio.wait([waiting], timeout=0.01))[0]:
        await local_queue.begin()
        begun += 1
        waiting = asyncio.ensure_future(local_queue.wait_for_room())
    waiting.cancel()
    assert begun == begun_at_once


async def test_fetch_is_limited_to_what_begins_soon() -> None:
    """As much as may begin now; more where batches end often, up to a limit."""
    clock = Clock()
    local_queue = queue_of(limit=4, clock=clock)
    assert local_queue.fetch_size() == (MOST_JOBS, 4)
    local_queue = queue_of(job(0), limit=4, batch_size=64, clock=clock)
    assert local_queue.fetch_size() == (MOST_JOBS, 4 * 64)
    assert (await begun(local_queue)) == [(0, ["0"])]
    local_queue.ended(job(0))
    for n in range(1, 501):
        local_queue.add([Fetched(job(n), 64)], most_chunks=64)
        await local_queue.begin()
        local_queue.ended(job(n))
    assert local_queue.fetch_size() == (MOST_JOBS, MOST_AHEAD * 64)
    clock.now += 2
    assert local_queue.fetch_size() == (MOST_JOBS, 4 * 64)


async def test_fetch_that_emptied_the_queue_delays_the_next_one() -> None:
    """By a moment; a fetch that found no texts, or all it requested, delays nothing."""
    clock = Clock()
    local_queue = queue_of(job(1), clock=clock)
    assert local_queue.fetch_delay_s == FETCH_INTERVAL_S
    clock.now += 0.6 * FETCH_INTERVAL_S
    assert local_queue.fetch_delay_s == pytest.approx(0.4 * FETCH_INTERVAL_S)
    clock.now += FETCH_INTERVAL_S
    assert local_queue.fetch_delay_s == 0
    local_queue.add([], most_chunks=64)
    assert local_queue.fetch_delay_s == 0
    local_queue.add([Fetched(job(n), 3) for n in range(62)], most_chunks=64)
    assert local_queue.fetch_delay_s == 0
    local_queue.add([Fetched(SPLIT, 1)], most_chunks=64)
    assert local_queue.fetch_delay_s == 0
    local_queue.add([Fetched(SPLIT, 1), Fetched(job(1), 3)], most_chunks=64)
    assert local_queue.fetch_delay_s == FETCH_INTERVAL_S


async def test_worker_without_room_fetches_one_job() -> None:
    """Without room no job is fetched ahead: procrastinate's own slots limit how many run."""
    local_queue = LocalQueue()
    assert local_queue.fetch_size()[0] == 1
    assert await local_queue.wait_for_room()


async def test_jobs_of_paused_sources_are_returned() -> None:
    """Jobs of the other queues stay."""
    local_queue = queue_of(job(1), job(2, source="more"))
    assert local_queue.queues == {"embed_docs", "embed_more"}
    assert local_queue.keep({"embed_more"}) == [1]
    assert local_queue.ids == {2}


async def test_finishes_are_batched_while_one_is_in_flight() -> None:
    """The first is sent immediately, the others in one statement after it."""
    deleted: list[list[int]] = []

    async def delete(numbers: Sequence[int]) -> None:
        deleted.append(list(numbers))
        await asyncio.sleep(0.01)

    completer = BatchCompleter(delete)
    await asyncio.gather(*(completer.finish([n, 10 * n]) for n in (1, 2, 3)))
    await completer.finish([4])
    assert [number for batch in deleted for number in batch] == [1, 10, 2, 20, 3, 30, 4]
    assert len(deleted) < 4


async def test_failed_finish_raises_for_its_callers() -> None:
    """Other callers do not receive its error."""
    failures = [OSError("lost")]

    async def delete(numbers: Sequence[int]) -> None:
        await asyncio.sleep(0)
        if failures:
            raise failures.pop()

    completer = BatchCompleter(delete)
    with pytest.raises(OSError, match="lost"):
        await completer.finish([1])
    await completer.finish([2])
