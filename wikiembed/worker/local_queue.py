"""A worker's local queue: fetched jobs that wait to begin; small ones of a source begin together.

One fetch returns as many jobs as will begin within a moment, one task embeds the texts of many
small jobs as one batch, and one statement finishes their rows: the cost of a job is paid once per
batch of texts, regardless of how many jobs the texts are split into.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from wikiembed.pipeline.record import Waits
from wikiembed.worker.admission import Admission
from wikiembed.worker.binding.api import Job, JSONValue

FETCH_INTERVAL_S = 0.025
"""Wait between a fetch that emptied the queue and the next one: texts that arrive one by one are
sent in one request."""
MOST_JOBS = 256
FRESH_PRIORITY = 10
"""Of the jobs that triggers queue: rows that a transaction of a user wrote."""
_PLAIN = frozenset({"source", "keys"})


@dataclass(frozen=True, slots=True)
class Fetched:
    """A job, its source's batch size in chunks (1: it joins no other job), and its begin.

    `queued_at`: when the transaction began that queued it; None: not known.
    """

    job: Job
    batch_size: int
    queued_at: dt.datetime | None = None

    @property
    def keys(self) -> list[JSONValue]:
        """Keys of its chunks; empty where its arguments contain no list of keys."""
        keys = self.job.task_kwargs.get("keys")
        return keys if isinstance(keys, list) else []

    @property
    def chunks(self) -> int:
        """Number of its chunks; 1 for other jobs than embed jobs."""
        return max(1, len(self.keys))

    @property
    def rescued(self) -> bool:
        """Whether a worker died while running it."""
        return bool(self.job.task_kwargs.get("rescues"))

    @property
    def joins(self) -> bool:
        """Whether it may be embedded together with others: not if it failed before."""
        return (
            self.batch_size > 1
            and self.job.attempts == 0
            and self.job.task_kwargs.keys() == _PLAIN
            and bool(self.keys)
        )


class LocalQueue:
    """Jobs that one worker has fetched; `admission` decides how many batches begin."""

    def __init__(
        self,
        *,
        admission: Admission | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._admission = admission or Admission(clock=clock)
        self._clock = clock
        self._waiting: deque[Fetched] = deque()
        self._groups: dict[int | None, tuple[Job, ...]] = {}
        self._batch_size = 1  # not known yet: the first fetch brings one job, or single chunks
        self._fetched_at = 0.0
        self._was_emptied = False

    def __bool__(self) -> bool:
        """Whether a job waits to begin."""
        return bool(self._waiting)

    @property
    def age_s(self) -> float:
        """Seconds since the jobs that wait were fetched."""
        return self._clock() - self._fetched_at

    @property
    def ids(self) -> set[int]:
        """Ids of all fetched jobs: those that wait, and those in flight."""
        jobs = [fetched.job for fetched in self._waiting]
        jobs += [job for group in self._groups.values() for job in group]
        return {job.id for job in jobs if job.id is not None}

    async def wait_for_room(self) -> bool:
        """Return True when a batch may begin, False when the local queue is closed."""
        return await self._admission.wait()

    def close(self) -> None:
        """Begin no more jobs."""
        self._admission.close()

    def clear(self) -> list[int]:
        """Remove the waiting jobs; return their ids."""
        left = [fetched.job.id for fetched in self._waiting if fetched.job.id is not None]
        self._waiting.clear()
        return left

    @property
    def queues(self) -> set[str]:
        """Queues of the jobs that wait."""
        return {fetched.job.queue for fetched in self._waiting}

    def keep(self, queues: Collection[str]) -> list[int]:
        """Keep the waiting jobs of these queues; remove the others and return their ids."""
        others = [one.job.id for one in self._waiting if one.job.queue not in queues]
        self._waiting = deque(one for one in self._waiting if one.job.queue in queues)
        self._fetched_at = self._clock()
        return [job_id for job_id in others if job_id is not None]

    @property
    def fetch_delay_s(self) -> float:
        """Seconds until the next fetch; more than 0 if one just emptied the queue."""
        return max(0.0, FETCH_INTERVAL_S - self.age_s) if self._was_emptied else 0.0

    def fetch_size(self) -> tuple[int, int]:
        """The most jobs to fetch, and the most chunks that they may have together."""
        batches = self._admission.batches_to_fetch()
        if batches is None:
            return 1, self._batch_size
        return MOST_JOBS, batches * self._batch_size

    def add(self, jobs: Iterable[Fetched], *, most_chunks: int) -> list[int]:
        """Add fetched jobs; return the ids of those to release.

        A job that a worker died with is added alone: if it kills the next worker, any other job
        of that worker would be suspected as well.
        """
        fetched = list(jobs)
        self._fetched_at = self._clock()
        first = next((i for i, one in enumerate(fetched) if one.rescued), None)
        kept = fetched if first is None else fetched[: max(1, first)]
        self._waiting.extend(kept)
        # The smallest of several sources: too few jobs cost another fetch, too many would wait.
        # Jobs without keys, such as those that split documents, do not count.
        sizes = (one.batch_size for one in kept if one.keys)
        self._batch_size = min(sizes, default=self._batch_size)
        chunks = sum(one.chunks for one in fetched)
        # A fetch that found no texts delays no other: an edit in an idle system is sent at once,
        # and so are the chunks of a document that is split meanwhile.
        few = chunks + self._batch_size <= most_chunks and len(fetched) < MOST_JOBS
        self._was_emptied = any(one.keys for one in fetched) and few
        return [one.job.id for one in fetched[len(kept) :] if one.job.id is not None]

    async def begin(self) -> Job | None:
        """The next job, with the keys of those that join it; None when the queue was closed.

        A job that a worker died with waits until no other is in flight.
        """
        first = self._waiting[0]
        if first.rescued and not await self._admission.wait_until_idle():
            return None
        if self._admission.is_closed:
            return None
        self._waiting.popleft()
        joined = [first, *self._jobs_to_join(first)]
        leader = first.job
        self._groups[leader.id] = tuple(one.job for one in joined)
        self._admission.begin(leader.id, exclusive=first.rescued)
        if not first.keys:
            return leader
        waits = Waits()
        for one in joined:
            if one.queued_at is not None:
                waits.add(one.queued_at, one.keys, fresh=one.job.priority >= FRESH_PRIORITY)
        keys = [key for one in joined for key in one.keys]
        more: dict[str, Any] = {"keys": keys, "waits": waits}
        return leader.evolve(task_kwargs={**leader.task_kwargs, **more})

    def _jobs_to_join(self, first: Fetched) -> list[Fetched]:
        """Take the waiting jobs of the same source that fit into the batch of `first`, in order."""
        if not first.joins:
            return []
        found: list[Fetched] = []
        left: deque[Fetched] = deque()
        chunks = first.chunks
        source = first.job.task_kwargs["source"]
        for one in self._waiting:
            fits = chunks + one.chunks <= first.batch_size
            if fits and one.joins and one.job.task_kwargs["source"] == source:
                found.append(one)
                chunks += one.chunks
            else:
                left.append(one)
        self._waiting = left
        return found

    def group_of(self, leader: Job) -> tuple[Job, ...]:
        """The jobs that began together as `leader`, including it."""
        return self._groups.get(leader.id, (leader,))

    def ended(self, leader: Job) -> None:
        """Record that a batch is embedded; its jobs may not be finished yet."""
        self._admission.end(leader.id)

    def forget(self, leader: Job) -> None:
        """Remove a batch whose jobs are finished or requeued."""
        self.ended(leader)
        self._groups.pop(leader.id, None)
