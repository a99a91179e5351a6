"""The values of ``wikiembed.failures.error_class``."""

from __future__ import annotations

from enum import StrEnum


class ErrorClass(StrEnum):
    """Why a chunk is not embedded, or a document not split.

    docs/reference/failures.md explains each.
    """

    TEXT_TOO_LONG = "text_too_long"
    TEXT_TOO_LARGE = "text_too_large"
    TIMEOUT = "timeout"
    NO_ANSWER = "no_answer"
    BAD_ANSWER = "bad_answer"
    REFUSED = "refused"
    REJECTED = "rejected"
    DOCUMENT_UNREADABLE = "document_unreadable"
    WRITE_REFUSED = "write_refused"
    WORKER_LOST = "worker_lost"  # written by rescue_jobs
    INTERNAL_ERROR = "internal_error"
    EMPTY_TEXT = "empty_text"
    SKIPPED_BY_OPERATOR = "skipped_by_operator"  # written by skip
