"""The words of an error answer: what may be read of a body, shown of it, and waited for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from wikiembed.embedders.rate_headers import spent_s

RETRY_AFTER_LIMIT_S = 3600.0
_SHOWN_LIMIT = 200
_READ_LIMIT = 2000
_DEPTH_LIMIT = 4
_MOST_ITEMS = 8
_WORD = re.compile(r"\w+")
_STATED_WAIT = re.compile(
    r"(?:retry|try again) (?:in|after) (?P<number>[0-9]{1,6}(?:\.[0-9]{1,9})?) ?(?P<unit>ms|s|m)",
    re.IGNORECASE,
)
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What an error body says: its message, whether that may be shown, and its codes."""

    message: str
    showable: bool
    codes: str = ""


def stated_wait(message: str) -> float | None:
    """Seconds that the words of a refusal ask to wait ("Please retry after 6 seconds")."""
    found = _STATED_WAIT.search(message)
    if found is None:
        return None
    seconds = float(found["number"]) * _UNITS_S[found["unit"].lower()]
    return min(seconds, RETRY_AFTER_LIMIT_S)


def wait_of(headers: Mapping[str, str], message: str) -> float | None:
    """Seconds to wait, from `retry-after-ms`, `retry-after`, the words, or the reset of a limit.

    None: none stated.
    """
    millis = headers.get("retry-after-ms", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", millis):
        return min(float(millis) / 1000, RETRY_AFTER_LIMIT_S)
    seconds = retry_after(headers.get("retry-after"))
    if seconds is None:
        seconds = stated_wait(message)
    if seconds is None and (reset_s := spent_s(headers)) is not None:
        seconds = min(reset_s, RETRY_AFTER_LIMIT_S)
    return seconds


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


def read_words(body: bytes) -> Words:
    """The server's own words; of bodies that are not JSON none are shown."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = body[:_READ_LIMIT].decode("utf-8", "replace")
    if isinstance(answer, str):
        return Words(message=answer[:_READ_LIMIT], showable=False)
    messages: list[str] = []
    codes: list[str] = []
    _collect(answer, messages, codes, depth=0)
    message = " ".join(" ".join(messages).split())
    return Words(
        message=message[:_READ_LIMIT], showable=len(message) <= _READ_LIMIT, codes=" ".join(codes)
    )


def _collect(value: object, messages: list[str], codes: list[str], *, depth: int) -> None:
    """Gather messages and codes; never `input`, in which FastAPI echoes what was sent."""
    if depth > _DEPTH_LIMIT:
        return
    if isinstance(value, str):
        messages.append(value)
    elif isinstance(value, list):
        for item in value[:_MOST_ITEMS]:
            _collect(item, messages, codes, depth=depth + 1)
    elif isinstance(value, dict):
        for name in ("error", "errors", "message", "detail", "msg"):
            if name in value:
                _collect(value[name], messages, codes, depth=depth + 1)
        for name in ("code", "type", "error_type", "status", "param", "loc"):
            found = value.get(name)
            several = found if isinstance(found, list) else [found]
            codes.extend(
                str(code)[:_SHOWN_LIMIT]
                for code in several[:_MOST_ITEMS]
                if isinstance(code, str) or type(code) is int
            )


def scrub(words: str, *, hidden: Sequence[str]) -> str:
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
