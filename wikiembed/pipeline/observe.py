"""What of a batch goes into metrics and traces."""

from __future__ import annotations

import asyncio
from functools import partial

import psycopg

from wikiembed.errors import WikiembedError
from wikiembed.metrics.catalogue import BatchOutcome
from wikiembed.metrics.observer import Batch, Observer
from wikiembed.pipeline.record import OnWaits


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


def waits_to(observer: Observer | None, source: str) -> OnWaits | None:
    """What to call with the waits of chunks whose vectors were committed."""
    return None if observer is None else partial(observer.written, source)
