"""Classify errors of an embedding server: the text, the batch, the server or the settings.

The probe, one short known text, decides: a status code alone is only a hint
(wikiembed.embedders holds what is known about servers' answers).
"""

from __future__ import annotations

from dataclasses import dataclass

from wikiembed.error_class import ErrorClass
from wikiembed.errors import (
    BatchTooLarge,
    EmbedderBadAnswer,
    EmbedderError,
    EmbedderLost,
    EmbedderMisconfigured,
    EmbedderRejected,
    EmbedderThrottled,
    EmbedderTimeout,
    EmbedderUnavailable,
    TextTooLong,
    WikiembedError,
)
from wikiembed.words import count


class BatchSuspect(WikiembedError):
    """The probe passes and this batch does not: some text of it may be at fault."""

    def __init__(self, cause: EmbedderError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class BatchOverLimit(WikiembedError):
    """The server takes fewer texts per request; no text is to blame."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"At most {count(limit, 'text')} per request.")
        self.limit = limit


class Stopping(WikiembedError):
    """The worker was asked to stop while the server is out of reach: the job is requeued."""


class OutageTooLong(WikiembedError):
    """The server was out of reach for so long that the job is requeued."""


class ServerAway(WikiembedError):
    """The server is left out: another one of the model is to take the batch.

    `suspect`: the error with which the server went down during this batch, if it did.
    """

    def __init__(self, *, suspect: EmbedderError | None = None) -> None:
        super().__init__("The server is left out; others of its model take the batch.")
        self.suspect = suspect


class PausedMeanwhile(WikiembedError):
    """The source was paused before the batch got a slot: the job is requeued."""


class BudgetInFlight(WikiembedError):
    """Batches in flight have reserved what is left of the source's budget: the job is requeued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """Why one chunk is not embedded, as recorded in failures."""

    error_class: ErrorClass
    message: str
    http_status: int | None
    attempts: int


def needs_no_probe(error: EmbedderError) -> bool:
    """True when the answer itself states that the batch is at fault."""
    return isinstance(error, TextTooLong | BatchTooLarge)


def always_outage(error: EmbedderError) -> bool:
    """True when no text can have caused it."""
    return isinstance(error, EmbedderThrottled)


def may_have_died_of_it(error: EmbedderError) -> bool:
    """True when the server received the batch, so that it may have crashed because of it.

    The connection was cut, no answer came, or the answer was an error (vLLM answers 500, then its
    process ends). Not when the batch never reached it, or when it asks to wait: 408, 429, 503.
    """
    return isinstance(error, EmbedderLost | EmbedderTimeout | EmbedderRejected)


def error_class_of(error: EmbedderError) -> ErrorClass:
    """The error class of a failure that a chunk is blamed for (docs/reference/failures.md)."""
    match error:
        case TextTooLong():
            return ErrorClass.TEXT_TOO_LONG
        case BatchTooLarge():
            return ErrorClass.TEXT_TOO_LARGE
        case EmbedderTimeout():
            return ErrorClass.TIMEOUT
        case EmbedderBadAnswer():
            return ErrorClass.BAD_ANSWER
        case EmbedderMisconfigured():
            return ErrorClass.REFUSED
        case EmbedderUnavailable():
            return ErrorClass.NO_ANSWER
        case _:
            return ErrorClass.REJECTED


def blame_of(error: EmbedderError, *, attempts: int) -> Blame:
    """The failure to record for the one text that `error` is about."""
    return Blame(
        error_class=error_class_of(error),
        message=str(error),
        http_status=error.http_status,
        attempts=attempts,
    )
