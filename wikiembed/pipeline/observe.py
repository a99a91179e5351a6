"""What of a batch goes into metrics and traces."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from functools import partial

import psycopg

from wikiembed.errors import WikiembedError
from wikiembed.metrics.catalogue import BatchOutcome
from wikiembed.metrics.recorder import Batch, Recorder, Waited
from wikiembed.pipeline.record import Waits
from wikiembed.pipeline.write import OnWritten, ignore

Clock = Callable[[], dt.datetime]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def observe(batch: Batch, *, embedded: int, failed: int) -> None:
    """Add what one round of a batch has embedded and what it has blamed."""
    batch.embedded += embedded
    batch.failed += failed
    if batch.failed:
        batch.outcome = BatchOutcome.FAILED
    elif batch.embedded:
        batch.outcome = BatchOutcome.EMBEDDED


def outcome_of(error: BaseException) -> BatchOutcome:
    """How a run ended that raised `error`: whatever it was, its job is retried."""
    known = isinstance(error, WikiembedError | psycopg.Error | asyncio.CancelledError)
    return BatchOutcome.REQUEUED if known else BatchOutcome.ERROR


def written_to(
    recorder: Recorder | None, source: str, waits: Waits | None, *, now: Clock = _now
) -> OnWritten:
    """What to call with the keys of vectors that were committed."""
    if recorder is None or waits is None:
        return ignore
    return partial(_written, recorder, source, waits, now)


def _written(
    recorder: Recorder, source: str, waits: Waits, now: Clock, keys: Sequence[str]
) -> None:
    """Report how long the chunks of `keys` waited, by the job that queued them."""
    at = now()
    # The clock of Postgres may be ahead of ours.
    waited = [
        Waited(seconds=max(0.0, (at - since).total_seconds()), chunks=chunks, fresh=fresh)
        for since, fresh, chunks in waits.of(keys)
    ]
    if waited:
        recorder.written(source, waited)
