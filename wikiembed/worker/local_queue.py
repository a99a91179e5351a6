"""The jobs that a worker has in hand: some wait to begin, small ones of a source begin together.

One fetch brings as many jobs as will begin within a moment, one task embeds the texts of many small
jobs as one batch, and their rows are finished in one statement: what a job costs is paid once for
a batch of texts, however the texts came.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from wikiembed.worker.binding.api import Job, JSONValue

AHEAD_S = 0.05
"""Jobs are fetched ahead of their turn by so much: a pause is obeyed within it."""
PACE_S = 0.025
"""A fetch that emptied the queue is followed by the next one after so long: the texts of a trickle
meet in one request."""
FAST = 60
"""Batches a second from which on jobs are fetched ahead; those of a slower server stay queued."""
BESIDE_S = 0.03
"""Seconds that a batch spends at Postgres, read and written: so long it takes no place at the
server, and the batches of a fast one overlap by so much."""
MOST_JOBS = 256
MOST_AHEAD = 16
_PLAIN = frozenset({"source", "keys"})


@dataclass(frozen=True, slots=True)
class Fetched:
    """A job, and how many chunks its source likes in a batch (1: it goes alone)."""

    job: Job
    batch_size: int

    @property
    def keys(self) -> list[JSONValue]:
        """Keys of the chunks that it asks for; none where its arguments hold no list of them."""
        keys = self.job.task_kwargs.get("keys")
        return keys if isinstance(keys, list) else []

    @property
    def chunks(self) -> int:
        """Chunks that it asks for; 1 for what is no embed job."""
        return max(1, len(self.keys))

    @property
    def rescued(self) -> bool:
        """Whether a worker died with it."""
        return bool(self.job.task_kwargs.get("rescues"))

    @property
    def joins(self) -> bool:
        """Whether it may be embedded together with others: not what went wrong before."""
        return (
            self.batch_size > 1
            and self.job.attempts == 0
            and self.job.task_kwargs.keys() == _PLAIN
            and bool(self.keys)
        )


class LocalQueue:
    """What one worker has fetched; `room` says how many batches may be under way at a time."""

    def __init__(
        self,
        *,
        room: Callable[[], int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._room = room
        self._clock = clock
        self._waiting: deque[Fetched] = deque()
        self._groups: dict[int | None, tuple[Job, ...]] = {}
        self._under_way: set[int | None] = set()
        self._alone: int | None = None
        self._changed = asyncio.Event()
        self._closed = False
        self._batch_size = 1  # not known yet: the first fetch brings one job, or single chunks
        self._fetched_at = 0.0
        self._dry = False
        self._ended: deque[float] = deque()

    def __bool__(self) -> bool:
        """Whether a job waits to begin."""
        return bool(self._waiting)

    @property
    def age_s(self) -> float:
        """Seconds since the jobs that wait were fetched."""
        return self._clock() - self._fetched_at

    @property
    def ids(self) -> set[int]:
        """Numbers of all jobs in hand: those that wait, and those under way."""
        jobs = [fetched.job for fetched in self._waiting]
        jobs += [job for group in self._groups.values() for job in group]
        return {job.id for job in jobs if job.id is not None}

    async def wait_for_room(self) -> bool:
        """Return True when a batch may begin, False when the hand is closed."""
        while not self._closed and not self._has_room():
            self._changed.clear()
            await self._changed.wait()
        return not self._closed

    def _has_room(self) -> bool:
        if self._alone is not None:
            return False
        return self._free() > 0

    def _free(self) -> int:
        """How many batches may begin now: those that find room, and those read or written beside.

        No more than may be embedded, at a slow server: there a batch begun waits in vain.
        """
        if self._room is None:
            return 1
        rate = self._a_second()
        beside = math.ceil(BESIDE_S * rate) if rate >= FAST else 0
        return max(1, self._room()) + beside - len(self._under_way)

    def close(self) -> None:
        """Begin no more."""
        self._closed = True
        self._changed.set()

    def clear(self) -> list[int]:
        """Empty the hand; answers the numbers of the jobs that waited."""
        left = [fetched.job.id for fetched in self._waiting if fetched.job.id is not None]
        self._waiting.clear()
        return left

    @property
    def queues(self) -> set[str]:
        """Queues of the jobs that wait."""
        return {fetched.job.queue for fetched in self._waiting}

    def keep(self, queues: Collection[str]) -> list[int]:
        """Keep the waiting jobs of these queues; answers the numbers of the others."""
        others = [one.job.id for one in self._waiting if one.job.queue not in queues]
        self._waiting = deque(one for one in self._waiting if one.job.queue in queues)
        self._fetched_at = self._clock()
        return [job_id for job_id in others if job_id is not None]

    @property
    def early_s(self) -> float:
        """Seconds until the next fetch, where the last one emptied the queue a moment ago."""
        return max(0.0, PACE_S - self.age_s) if self._dry else 0.0

    def wanted(self) -> tuple[int, int]:
        """How many jobs to fetch at the most, and how many chunks they may have together."""
        if self._room is None:
            return 1, self._batch_size
        rate = self._a_second()
        soon = math.ceil(AHEAD_S * rate) if rate >= FAST else 1
        return MOST_JOBS, min(max(1, self._free(), soon), MOST_AHEAD) * self._batch_size

    def add(self, jobs: Iterable[Fetched], *, most_chunks: int) -> list[int]:
        """Put fetched jobs into the hand; answers numbers of those that must go back.

        A job with which a worker died comes alone: another that is in hand when it kills the
        next worker would be taken for the cause as well.
        """
        fetched = list(jobs)
        self._fetched_at = self._clock()
        first = next((i for i, one in enumerate(fetched) if one.rescued), None)
        kept = fetched if first is None else fetched[: max(1, first)]
        self._waiting.extend(kept)
        # Of several sources the least: too few cost another fetch, too many would have to wait.
        self._batch_size = min((one.batch_size for one in kept), default=self._batch_size)
        chunks = sum(one.chunks for one in fetched)
        # A look that found nothing delays no other: an edit to an idle system goes at once.
        few = chunks + self._batch_size <= most_chunks and len(fetched) < MOST_JOBS
        self._dry = bool(fetched) and few
        return [one.job.id for one in fetched[len(kept) :] if one.job.id is not None]

    async def begin(self) -> Job | None:
        """The next job, with the keys of those that join it; None when the hand was closed.

        A job with which a worker died waits until nothing else is under way.
        """
        first = self._waiting[0]
        if first.rescued and self._room is not None:
            while self._under_way and not self._closed:
                self._changed.clear()
                await self._changed.wait()
        if self._closed:
            return None
        self._waiting.popleft()
        joined = [first, *self._companions(first)]
        leader = first.job
        self._groups[leader.id] = tuple(one.job for one in joined)
        self._under_way.add(leader.id)
        if first.rescued and self._room is not None:
            self._alone = leader.id
        if len(joined) == 1:
            return leader
        keys = [key for one in joined for key in one.keys]
        return leader.evolve(task_kwargs={**leader.task_kwargs, "keys": keys})

    def _companions(self, first: Fetched) -> list[Fetched]:
        """Waiting jobs of the same source that fit into the batch of `first`, in their order."""
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

    def _a_second(self) -> int:
        """Batches that ended within the last second."""
        while self._ended and self._clock() - self._ended[0] > 1.0:
            self._ended.popleft()
        return len(self._ended)

    def group_of(self, leader: Job) -> tuple[Job, ...]:
        """The jobs that were begun as `leader`, itself included."""
        return self._groups.get(leader.id, (leader,))

    def ended(self, leader: Job) -> None:
        """The work on a batch is done, though its jobs may not be finished yet."""
        if leader.id in self._under_way:
            self._under_way.discard(leader.id)
            self._ended.append(self._clock())
        if self._alone == leader.id:
            self._alone = None
        self._changed.set()

    def forget(self, leader: Job) -> None:
        """The jobs of a batch are finished, or back in the queue."""
        self.ended(leader)
        self._groups.pop(leader.id, None)
