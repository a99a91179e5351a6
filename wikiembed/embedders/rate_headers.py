"""What a server states of its limits in the headers of a response: requests and tokens a minute."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_REQUESTS = (
    ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-limit-req-minute", "x-ratelimit-remaining-req-minute", None),
)
_TOKENS = (
    ("x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("x-ratelimit-limit-tokens-minute", "x-ratelimit-remaining-tokens-minute", None),
)
_PLAIN = (
    ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
    ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
)
_MINUTE_S = 66.0
"""A limit that is whole again only later than that, with a tenth to spare, is not one of a minute:
some servers state one of a day by the same names."""
_MOST = 2**31 - 1
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)")
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,9})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A limit per minute and what the server has counted of it in the present one."""

    limit: int
    used: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateHeaders:
    """What one response states; None: nothing of that kind."""

    requests: Stated | None
    tokens: Stated | None


def rate_headers(headers: Mapping[str, str]) -> RateHeaders | None:
    """The limits per minute in the headers of a response, whose names are in lower case.

    Sources: https://platform.openai.com/docs/guides/rate-limits (reset as `1s` or `6m0s`; Azure
    OpenAI writes plain seconds), https://docs.mistral.ai (`-req-minute`, `-tokens-minute`),
    https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/03/ (`RateLimit-Limit`,
    taken only where its reset says that it is of a minute).
    """
    if not any("ratelimit" in name for name in headers):
        return None
    requests = _first(headers, _REQUESTS) or _first(headers, _PLAIN, needs_reset=True)
    tokens = _first(headers, _TOKENS)
    if requests is None and tokens is None:
        return None
    return RateHeaders(requests=requests, tokens=tokens)


def spent_s(headers: Mapping[str, str]) -> float | None:
    """Seconds until what is used up is whole again; None: nothing is, or none are stated."""
    resets = [
        duration_s(headers.get(reset))
        for _, remaining, reset in (*_REQUESTS, *_TOKENS)
        if reset is not None and _count(headers.get(remaining)) == 0
    ]
    return max((seconds for seconds in resets if seconds is not None), default=None)


def duration_s(text: str | None) -> float | None:
    """Seconds of `1s`, `6m0s`, `1h2m3.5s`, `250ms`, or of a plain number; None: not one."""
    text = (text or "").strip().lower()
    if _NUMBER.fullmatch(text):
        return float(text)
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNITS_S[unit] for number, unit in parts)


def _first(
    headers: Mapping[str, str],
    names: tuple[tuple[str, str, str | None], ...],
    *,
    needs_reset: bool = False,
) -> Stated | None:
    for limit_name, remaining_name, reset_name in names:
        limit = _count(headers.get(limit_name))
        if not limit:
            continue
        reset_s = duration_s(headers.get(reset_name)) if reset_name is not None else None
        if (reset_s is None and needs_reset) or (reset_s is not None and reset_s > _MINUTE_S):
            continue
        remaining = _count(headers.get(remaining_name))
        return Stated(limit=limit, used=None if remaining is None else max(0, limit - remaining))
    return None


def _count(text: str | None) -> int | None:
    """A number in plain digits, up to what Postgres holds as an integer."""
    text = (text or "").strip().partition(".")[0]
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        return None
    return min(int(text), _MOST)
