"""What an error answer means: status, body and headers to one exception of ours.

The words are those of the servers' own sources; see the table of servers in the docs. A
status alone does not tell a dead server from a bad text, so what no words explain becomes
EmbedderRejected, and the probe decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from wikiembed.errors import (
    BatchTooLarge,
    EmbedderError,
    EmbedderLost,
    EmbedderMisconfigured,
    EmbedderRejected,
    EmbedderThrottled,
    EmbedderTimeout,
    EmbedderUnavailable,
    TextTooLong,
)
from wikiembed.words import count

RETRY_AFTER_LIMIT_S = 3600.0
_SHOWN_LIMIT = 200
_READ_LIMIT = 2000
_DEPTH_LIMIT = 4
_UNAVAILABLE = frozenset({408, 502, 503, 504})

_TEXT_TOO_LONG = re.compile(
    r"exceeds? the (?:available |maximum )?context"  # Ollama, llama.cpp of 2026
    r"|must have less than \d+ tokens"  # TEI
    r"|too large to process"  # llama.cpp
    r"|maximum (?:context|input|model) length"  # vLLM, OpenAI
    r"|exceed_context_size"
    r"|at most \d+ characters",  # infinity
    re.IGNORECASE,
)
_BATCH_TOO_LARGE = re.compile(
    r"maximum allowed batch size (?P<tei>\d{1,9})"
    r"|at most (?P<infinity>\d{1,9}) items"
    r"|array (?:is )?too long(?:.*?maximum length (?P<openai>\d{1,9}))?"
    r"|maximum array length(?: is| of)? (?P<openai_old>\d{1,9})"
    r"|array length"
    r"|max_tokens_per_request|tokens per request",
    re.IGNORECASE | re.DOTALL,
)
_UNKNOWN_MODEL = re.compile(
    r"model\b.{0,120}?(?:not found|does not exist|not support embed)|model_not_found",
    re.IGNORECASE | re.DOTALL,
)
_CUT_OFF = re.compile(r"disconnect/reset before headers", re.IGNORECASE)  # Envoy
_QUOTA = re.compile(r"insufficient_quota|exceeded your current quota", re.IGNORECASE)
_ENCODING = re.compile(r"encoding_format|base64", re.IGNORECASE)
_WORD = re.compile(r"\w+")


class EncodingRejected(EmbedderRejected):
    """The server does not know `encoding_format`: ask for plain numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What an error body says: its message, whether that may be shown, and its codes."""

    message: str
    showable: bool
    codes: str = ""


def error_of(
    status: int,
    body: bytes,
    headers: Mapping[str, str],
    *,
    texts: Sequence[str] = (),
    secret: str = "",
) -> EmbedderError:
    """Classify an answer that is no success; no part of `texts` or `secret` is in the message.

    Headers are looked up in lower case.
    """
    words = _read_words(body)
    said = _scrub(words.message, hidden=[*texts, secret]) if words.showable else ""
    # What stops a source must not hang on words that may be an echo of a text.
    own = f"{said} {words.codes}"
    tail = f": {said}" if said else "."
    retry_after_s = retry_after(headers.get("retry-after"))
    if 300 <= status < 400:
        return EmbedderMisconfigured(
            f"The embedding server redirects to another address ({status}); "
            "set WIKIEMBED_EMBEDDER_URL to that address.",
            http_status=status,
        )
    if status in {401, 403}:
        return EmbedderMisconfigured(
            f"The embedding server refuses the API key ({status}): set WIKIEMBED_API_KEY.",
            http_status=status,
        )
    if status == 429 and not _QUOTA.search(own):
        return EmbedderThrottled(
            "The embedding server asks for fewer requests (429).",
            http_status=status,
            retry_after_s=retry_after_s,
        )
    if status in {402, 429}:
        return EmbedderMisconfigured(
            f"The account's quota at the embedding server is used up ({status}): raise it.",
            http_status=status,
        )
    if status in _UNAVAILABLE:
        return _kind_of_absence(status, words.message)(
            f"The embedding server is not available ({status}){tail}",
            http_status=status,
            retry_after_s=retry_after_s,
        )
    if status == 404 or (status == 400 and _UNKNOWN_MODEL.search(own)):
        named = f", {said.rstrip('.')}" if said else ""
        return EmbedderMisconfigured(
            f"The embedding server knows no such model or path ({status}){named}:"
            " set WIKIEMBED_MODEL or WIKIEMBED_EMBEDDER_URL.",
            http_status=status,
        )
    return _of_batch(status, f"{words.message} {words.codes}", tail)


def _kind_of_absence(status: int, message: str) -> type[EmbedderUnavailable]:
    """What a proxy says of the server behind it: cut off under the request, too slow, or not there.

    Source: https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details
    """
    if status == 502 or (status == 503 and _CUT_OFF.search(message)):
        return EmbedderLost
    return EmbedderTimeout if status == 504 else EmbedderUnavailable


def retry_after(value: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds of a `Retry-After` header, from a number or an HTTP date; 0 to 3600, else None.

    Source: RFC 9110, section 10.2.3.
    """
    if value is None:
        return None
    text = value.strip()
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
        seconds = float(text)
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError, IndexError, TypeError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT_S)


def _of_batch(status: int, matched: str, tail: str) -> EmbedderError:
    """An error answer that concerns this batch, or at least may."""
    if _TEXT_TOO_LONG.search(matched):
        return TextTooLong(
            f"A text of the batch is longer than the model's context ({status}).",
            http_status=status,
        )
    too_many = _BATCH_TOO_LARGE.search(matched)
    if too_many is not None or status == 413:
        numbers = too_many.groupdict().values() if too_many is not None else ()
        limit = next((int(number) for number in numbers if number and int(number) > 0), None)
        stated = f", at most {count(limit, 'text')} a request" if limit else ""
        return BatchTooLarge(
            f"The embedding server takes smaller batches ({status}){stated}.",
            http_status=status,
            limit=limit,
        )
    kind = EmbedderRejected
    if status in {400, 422} and _ENCODING.search(matched):
        kind = EncodingRejected
    return kind(f"The embedding server rejected the batch ({status}){tail}", http_status=status)


def _read_words(body: bytes) -> _Words:
    """The server's own words; of bodies that are not JSON none are shown."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = body[:_READ_LIMIT].decode("utf-8", "replace")
    if isinstance(answer, str):
        return _Words(message=answer[:_READ_LIMIT], showable=False)
    messages: list[str] = []
    codes: list[str] = []
    _collect(answer, messages, codes, depth=0)
    message = " ".join(" ".join(messages).split())
    return _Words(
        message=message[:_READ_LIMIT], showable=len(message) <= _READ_LIMIT, codes=" ".join(codes)
    )


def _collect(value: object, messages: list[str], codes: list[str], *, depth: int) -> None:
    """Gather messages and codes; never `input`, in which FastAPI echoes what was sent."""
    if depth > _DEPTH_LIMIT:
        return
    if isinstance(value, str):
        messages.append(value)
    elif isinstance(value, list):
        for item in value[:8]:
            _collect(item, messages, codes, depth=depth + 1)
    elif isinstance(value, dict):
        for name in ("error", "message", "detail", "msg"):
            if name in value:
                _collect(value[name], messages, codes, depth=depth + 1)
        for name in ("code", "type", "error_type", "param", "loc"):
            found = value.get(name)
            several = found if isinstance(found, list) else [found]
            codes.extend(code[:_SHOWN_LIMIT] for code in several[:8] if isinstance(code, str))


def _scrub(words: str, *, hidden: Sequence[str]) -> str:
    """Take out of `words` whatever also stands in a hidden text, then cut to 200 characters.

    A whole hidden text goes, and so does every run of two words or of 8 bytes within one.
    """
    for text in {text.strip() for text in hidden}:
        if len(text) >= 3:
            words = words.replace(text, "…")
    haystack = "\0".join(hidden)
    pieces = list(_WORD.finditer(words))
    kept: list[str] = []
    at = i = 0
    while i < len(pieces):
        start, end, j = pieces[i].start(), pieces[i].start(), i
        while j < len(pieces) and words[start : pieces[j].end()] in haystack:
            end = pieces[j].end()
            j += 1
        if j - i >= 2 or len(words[start:end].encode()) >= 8:
            kept.append(words[at:start] + "…")
            at = end
        i = max(j, i + 1)
    kept.append(words[at:])
    clean = "".join(char for char in "".join(kept) if char.isprintable())
    return clean if len(clean) <= _SHOWN_LIMIT else clean[: _SHOWN_LIMIT - 1] + "…"
