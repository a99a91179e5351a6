"""How many workers a queue needs: pure functions of what was observed."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

JOBS_PER_WORKER = 40
"""Jobs that wait per worker while no rate is known: ten rounds of four, as in keda.yaml."""
EMPTY_WITHIN_S = 60.0
"""The queue is to be empty within so many seconds, if `most` workers suffice for that."""
RATE_WINDOW_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`least` and `most` workers; one that is not needed ends after `cooldown_s` seconds."""

    least: int
    most: int
    cooldown_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What the queue holds for workers, of the sources that may work now.

    `todo` and `doing` in jobs; `upkeep`: jobs of the upkeep that triggers queued. `open_sources`:
    the number of sources that are neither paused nor wait for their window.
    """

    todo: int
    doing: int
    upkeep: int = 0
    open_sources: int = 1

    @classmethod
    def of_all(cls, demands: Iterable[Demand]) -> Demand:
        """That of several databases together."""
        each = list(demands)
        return cls(
            todo=sum(one.todo for one in each),
            doing=sum(one.doing for one in each),
            upkeep=sum(one.upkeep for one in each),
            open_sources=sum(one.open_sources for one in each),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The workers at one moment: `jobs_per_s` that one of them finishes, None: not known yet.

    `present`: those that run or start. `outage`: the embedding server is out of reach of all.
    """

    present: int
    jobs_per_s: float | None
    outage: bool = False


def needed(demand: Demand, seen: Observed, limits: Limits) -> int:
    """Workers for this demand, without a cooldown: 0 where no source may work."""
    if demand.open_sources == 0 and demand.upkeep == 0:
        return 0
    if demand.todo + demand.doing + demand.upkeep == 0:
        return limits.least
    if seen.outage:  # nothing is finished: more workers would only wait as well
        return min(max(seen.present, limits.least, 1), limits.most)
    if seen.jobs_per_s:
        workers = demand.todo / (seen.jobs_per_s * EMPTY_WITHIN_S)
    else:
        workers = demand.todo / JOBS_PER_WORKER
    return min(max(math.ceil(workers), limits.least, 1), limits.most)


class Policy:
    """The number of workers over time: up at once, down when the cooldown never needed more."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._past: deque[tuple[float, int]] = deque()

    def decide(self, now_s: float, demand: Demand, seen: Observed) -> int:
        """The number of workers to have now; `now_s` is of a monotonic clock.

        A pause of all sources needs no cooldown: their workers could not work anyway.
        """
        now_needed = needed(demand, seen, self._limits)
        if demand.open_sources == 0:
            self._past.clear()
            return now_needed
        self._past.append((now_s, now_needed))
        while self._past[0][0] < now_s - self._limits.cooldown_s:
            self._past.popleft()
        lately = max(needed for _, needed in self._past)
        return max(now_needed, min(seen.present, lately))


class Rate:
    """Jobs per second of one worker, over the last minute in which jobs waited.

    While none wait, workers idle: what they finish then says nothing of what they could.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque()
        self._at_s: float | None = None
        self._finished: dict[str, int] = {}

    def observe(self, now_s: float, finished: Iterable[tuple[str, int]], *, waiting: bool) -> None:
        """Add what each worker, by name, has finished since it started."""
        now = dict(finished)
        if self._at_s is not None and waiting:
            known = now.keys() & self._finished.keys()
            jobs = sum(max(0, now[name] - self._finished[name]) for name in known)
            if known:
                self._samples.append((jobs, len(known) * (now_s - self._at_s)))
        self._at_s, self._finished = now_s, now
        while sum(seconds for _, seconds in self._samples) > RATE_WINDOW_S * max(1, len(now)):
            self._samples.popleft()

    @property
    def jobs_per_s(self) -> float | None:
        """None until a job is finished while others wait."""
        jobs = sum(jobs for jobs, _ in self._samples)
        seconds = sum(seconds for _, seconds in self._samples)
        return jobs / seconds if jobs and seconds else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A worker as a candidate to end: `node` None: it has none yet; `started_s`: when it began."""

    name: str
    node: str | None
    started_s: float


def to_end(standing: Iterable[Standing], number: int) -> list[str]:
    """Names of the `number` workers to end.

    Those without a node first, then those of the nodes with the fewest workers, so that an
    autoscaler can remove whole nodes, then the youngest.
    """
    of = list(standing)
    on: dict[str | None, int] = {}
    for one in of:
        on[one.node] = on.get(one.node, 0) + 1
    order = sorted(of, key=lambda one: (one.node is not None, on[one.node], one.node or "",
                                        -one.started_s))  # fmt: skip
    return [one.name for one in order[:number]]
