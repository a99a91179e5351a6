"""Times and durations: formats for people and machines, and parsing of typed ones.

People get local time with its offset, machines ISO 8601 in UTC; no other module formats a time.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re

from wikiembed.errors import InvalidArgument

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
_SIZE = {**dict(_UNITS), "m": 60}
_PART = r"(\d+)\s*(s|min|m|h|d)"
_SPAN = re.compile(rf"(?:{_PART}\s*)+", re.ASCII)
_LONGEST_SPAN_S = 100 * 365 * 86400
_EXAMPLES = (
    "give a span such as 2h or 1h30min, or a time such as 2031-05-01T08:00 (local) or"
    " 2031-05-01T08:00+09:00"
)


def local(at: dt.datetime) -> str:
    """``2031-05-01 08:00:00+09:00``: local time with its offset, as `read_time` takes it."""
    with contextlib.suppress(OverflowError):  # the last hours of the year 9999
        at = at.astimezone()
    return at.isoformat(sep=" ", timespec="seconds")


def utc(at: dt.datetime) -> str:
    """``2031-04-30T23:00:00.000+00:00``: for JSON."""
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds")


def from_clock(seconds: float) -> dt.datetime:
    """The time of `seconds` since 1970, as of a clock or a log record."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def now() -> dt.datetime:
    """The current time."""
    return dt.datetime.now(dt.UTC)


def duration(seconds: float | None) -> str:
    """``2 d 3 h``, ``4 min 5 s``: the two largest units; – when unknown."""
    if seconds is None:
        return "–"
    left = round(seconds)
    parts: list[str] = []
    for unit, size in _UNITS:
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2]) or "0 s"


def brief(seconds: float) -> str:
    """``35 ms``, ``1.2 s``, ``2 min 5 s``: as `duration`, and exact enough for short ones."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f}".removesuffix(".0") + " s" if seconds < 60 else duration(seconds)


def about(seconds: float) -> str:
    """``a few seconds``, ``50 s``, ``12 min``, ``3 h 20 min``, ``5 d 6 h``: rounded, a guess."""
    for below, unit in ((10, 0), (60, 10), (3600, 60), (10 * 3600, 600), (10 * 86400, 3600)):
        if seconds < below:
            return duration(max(1, round(seconds / unit)) * unit) if unit else "a few seconds"
    return duration(round(seconds / 86400) * 86400)


def read_time(text: str) -> dt.datetime:
    """A time from ``2h``, ``1h30min`` or ISO 8601 (local time unless it has an offset).

    Raises: InvalidArgument.
    """
    given = text.strip()
    try:
        if _SPAN.fullmatch(given):
            return now() + dt.timedelta(seconds=_seconds(given))
        return dt.datetime.fromisoformat(given).astimezone()
    except (ValueError, OverflowError):
        raise InvalidArgument(f"{text!r} is not a valid time: {_EXAMPLES}.") from None


def read_past(text: str) -> dt.datetime:
    """The past time of ``1d`` (that long ago), or the given time.

    Raises: InvalidArgument.
    """
    present = now()
    at = read_time(text)
    return at if at <= present else present - (at - present)


def read_span(text: str) -> float:
    """Seconds of ``30s``, ``2h``, ``1h30min``.

    Raises: InvalidArgument.
    """
    if not _SPAN.fullmatch(text.strip()) or not 0 < (seconds := _seconds(text)) < _LONGEST_SPAN_S:
        raise InvalidArgument(f"{text!r} is not a span of time: give one such as 30s or 1h30min.")
    return float(seconds)


def _seconds(span: str) -> int:
    return sum(int(n) * _SIZE[unit] for n, unit in re.findall(_PART, span))
