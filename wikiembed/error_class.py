"""The values of ``wikiembed.failures.error_class``."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self


class ErrorClass(StrEnum):
    """Why a chunk is not embedded, or a document not split.

    With each value: the state of its failure, its meaning, and what to do, in Markdown with links
    as from docs/reference/failures.md, whose table is generated from here.
    """

    state: Literal["failed", "skipped"]
    meaning: str
    fix: str

    def __new__(
        cls, word: str, state: Literal["failed", "skipped"], meaning: str, fix: str
    ) -> Self:
        """Make the member whose value is `word`."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.state, member.meaning, member.fix = state, meaning, fix
        return member

    # fmt: off
    TEXT_TOO_LONG = (
        "text_too_long", "failed",
        "The server reports that the text is longer than the model's context.",
        "Split the chunk; or set `WIKIEMBED_TRUNCATE=true`, and retry: it is [embedded by its "
        "beginning](../how-to/servers/index.md#texts-that-are-too-long).",
    )
    TEXT_TOO_LARGE = (
        "text_too_large", "failed",
        "This text alone exceeds a limit of bytes or tokens per request.",
        "Split the chunk, or raise the server's limit.",
    )
    TIMEOUT = (
        "timeout", "failed",
        "This text alone got no answer in time, three times, while the probe passed before and "
        "after.",
        "Raise `WIKIEMBED_REQUEST_TIMEOUT_S`, or split the chunk.",
    )
    NO_ANSWER = (
        "no_answer", "failed",
        "The connection broke at this text, or a proxy answered 502, three times; the probe "
        "passed before and after.",
        "Read the server's log: the text seems to crash it.",
    )
    BAD_ANSWER = (
        "bad_answer", "failed",
        "The answer for this text has no usable vector: nulls, not finite, all zeros, or a wrong "
        "count.",
        "Check the text and the server; some models return NaN for some inputs.",
    )
    REFUSED = (
        "refused", "failed",
        "The server answers this text with 401, 403 or 404, while the probe passes.",
        "Find the filter between worker and server.",
    )
    REJECTED = (
        "rejected", "failed",
        "The server answers this text with another error, while the probe passes; see `message` "
        "and `http_status`.",
        "Check the text: half a surrogate pair, control characters, a length that the answer "
        "does not name.",
    )
    DOCUMENT_UNREADABLE = (
        "document_unreadable", "failed",
        "The splitter failed on this document, so that it has no chunks or those of an earlier "
        "text.",
        "A defect: please report `message`. Retry with a version that fixes it; or change the "
        "text, which queues the document again.",
    )
    WRITE_REFUSED = (
        "write_refused", "failed",
        "Postgres refuses the row: a constraint, or a trigger of yours.",
        "Fix it, then retry.",
    )
    WORKER_LOST = (
        "worker_lost", "failed",  # written by rescue_jobs
        "Several workers died while they had this chunk or document.",
        "Check the workers for lack of memory or a crash, then retry.",
    )
    INTERNAL_ERROR = (
        "internal_error", "failed",
        "A job with this chunk or document ended several times with an unexpected error.",
        "A defect: please report the log's `job_failed` lines.",
    )
    EMPTY_TEXT = (
        "empty_text", "skipped",
        "The text is null or blank.",
        "Nothing; a text written later is queued automatically.",
    )
    SKIPPED_BY_OPERATOR = (
        "skipped_by_operator", "skipped",  # written by skip
        "An operator ran `wikiembed skip`; `message` has the reason.",
        "`wikiembed retry SOURCE --key KEY` undoes it.",
    )
    # fmt: on
