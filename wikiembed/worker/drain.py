"""What a worker is told to do, and when a drain has done it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wikiembed.errors import EmbedderUnavailable, SourcePaused
from wikiembed.pipeline import Runtime
from wikiembed.store import Coverage

OnLook = Callable[[list[Coverage], float], None]
"""Told of each source, and how many seconds a server has been out of this process's reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """How to work: what the command line and the settings say.

    `source` none: all of them. `on_look` is told of each that is worked on.
    """

    drain: bool
    source: str | None = None
    concurrency: int | None
    poll_s: float
    rescue_every_s: float
    outage_limit_s: float
    on_look: OnLook | None = None

    @property
    def queues(self) -> list[str] | None:
        """Queues to embed from; None: all."""
        return None if self.source is None else [f"embed_{self.source}"]


async def drained(runtime: Runtime, orders: WorkerOptions) -> bool:
    """True when no job is left.

    Raises: SourcePaused when only paused ones are; EmbedderUnavailable past the limit.
    """
    backlog = await runtime.store.backlog()
    if orders.on_look is not None:
        rows = await runtime.store.coverage()
        orders.on_look(
            [row for row in rows if orders.source in (None, row.source)], runtime.outage_s
        )
    left = [b for b in backlog if b.left and orders.source in (None, b.source)]
    if not left:
        return True
    if all(b.paused and b.doing == 0 for b in left):
        first = left[0]
        raise SourcePaused(
            f"{first.pause_sentence.rstrip('.')}; jobs that wait: {first.left:,}; run"
            f" `wikiembed resume {first.source}` when that is mended."
        )
    if runtime.outage_s > orders.outage_limit_s:
        raise EmbedderUnavailable(
            f"The embedding server has been out of reach for {runtime.outage_s:.0f} s"
            f" ({(runtime.outage_reason or 'no answer').rstrip('.')}): the jobs wait in the"
            " queue; run the command again when it is back."
        )
    return False
