"""What a process has done, counted over all its connections to Postgres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedChunk:
    """A chunk that went into wikiembed.failures; its message holds no part of its text."""

    source: str
    key: str
    error_class: str
    message: str
    http_status: int | None
    attempts: int
    job_id: int | None


OnFailure = Callable[[FailedChunk], None]


def untold(failed: FailedChunk) -> None:
    """Nobody wants to know of failures one by one."""


@dataclass(slots=True)
class Tally:
    """Batches that ended, chunks that were embedded, and who is told of those that failed."""

    batches: int = 0
    chunks: int = 0
    on_failure: OnFailure = untold
