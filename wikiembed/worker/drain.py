"""A worker's options, and when a drain is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from wikiembed.command_line import command_line
from wikiembed.errors import EmbedderUnavailable, SourcePaused
from wikiembed.store.chunks import ChunkStore
from wikiembed.store.coverage import Coverage
from wikiembed.times import local
from wikiembed.worker.binding.job_manager import SOURCES

OnProgress = Callable[[list[Coverage], float], None]
"""Receives each source's coverage, and seconds since a server went out of reach of this process."""

DRAIN_POLL_S = 0.5
"""Retried jobs notify no worker: a drain must not wait an ordinary poll for each."""


class ProgressOfAll:
    """The progress of several databases as that of one: all sources, and the longest outage."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._left: dict[str, tuple[list[Coverage], float]] = {}

    def of(self, name: str) -> OnProgress:
        """What receives that of database `name`."""
        return partial(self._look, name)

    def _look(self, name: str, rows: list[Coverage], outage_s: float) -> None:
        self._left[name] = (rows, outage_s)
        everything = [row for found, _ in self._left.values() for row in found]
        self._on_progress(everything, max(outage_s for _, outage_s in self._left.values()))


class Watched(Protocol):
    """What a drain asks: the queue, and how long all servers are out of reach; see Runtime."""

    @property
    def store(self) -> ChunkStore: ...

    @property
    def outage_s(self) -> float: ...

    @property
    def outage_reason(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """Options of the command line and the settings.

    `source` None: all. `on_progress` receives the sources that are worked on.
    """

    drain: bool
    source: str | None = None
    concurrency: int | None
    poll_s: float
    rescue_every_s: float
    outage_limit_s: float
    on_progress: OnProgress | None = None

    @property
    def queues(self) -> list[str] | None:
        """Queues to embed from; None: all."""
        return None if self.source is None else [f"{SOURCES}{self.source}"]


async def drained(runtime: Watched, options: WorkerOptions) -> bool:
    """True when no job is left, nor a reconcile that a trigger queued, which may queue more.

    Raises: SourcePaused when only jobs of paused sources are left; EmbedderUnavailable past the
    outage limit.
    """
    # Before the backlog: one that ends in between has queued its jobs by then.
    reconciles = await runtime.store.reconciles_left(options.source)
    backlog = await runtime.store.backlog()
    if options.on_progress is not None:
        rows = await runtime.store.coverage()
        options.on_progress(
            [row for row in rows if options.source in (None, row.source)], runtime.outage_s
        )
    left = [b for b in backlog if b.left and options.source in (None, b.source)]
    if not left:
        return not reconciles
    if not reconciles and all(b.paused and b.doing == 0 for b in left):
        first = left[0]
        why = f"{first.pause_sentence.rstrip('.')}; jobs that wait: {first.left:,}"
        if "`wikiembed " in first.pause_sentence:  # the reason names what ends it
            raise SourcePaused(f"{why}.")
        resume = command_line("resume", first.source)
        raise SourcePaused(f"{why}; run `{resume}` when that is fixed.")
    if all((b.paused or b.opens_at is not None) and b.doing == 0 for b in left):
        opens_at, first = next((b.opens_at, b) for b in left if b.opens_at is not None)
        raise SourcePaused(
            f"The bulk work of source {first.source!r} waits for its window at {local(opens_at)};"
            f" jobs that wait: {first.left:,}; change it by"
            f" `{command_line('schedule', first.source)}`."
        )
    if runtime.outage_s > options.outage_limit_s:
        raise EmbedderUnavailable(
            f"The embedding server has been out of reach for {runtime.outage_s:.0f} s"
            f" ({(runtime.outage_reason or 'no answer').rstrip('.')}): the jobs wait in the"
            " queue; run the command again when it is back."
        )
    return False
