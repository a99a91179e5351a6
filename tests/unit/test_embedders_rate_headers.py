"""What servers state of their limits in headers."""

from __future__ import annotations

import httpx
import pytest

from wikiembed.embedders.rate_headers import RateHeaders, Stated, duration_s, rate_headers
from wikiembed.embedders.words import wait_of

OPENAI = {
    "x-ratelimit-limit-requests": "3000",
    "x-ratelimit-remaining-requests": "2999",
    "x-ratelimit-reset-requests": "20ms",
    "x-ratelimit-limit-tokens": "1000000",
    "x-ratelimit-remaining-tokens": "999000",
    "x-ratelimit-reset-tokens": "0.06s",
}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0), ("6m0s", 360.0), ("1h2m3.5s", 3723.5), ("250ms", 0.25), ("30", 30.0),
        ("0.5", 0.5), ("1d", 86_400.0), (" 2S ", 2.0), ("", None), ("soon", None),
        ("1s later", None),
        ("-1", None), ("9" * 40, None), (None, None), ("1ss", None),
    ],
)  # fmt: skip
def test_durations_of_all_forms(text: str | None, seconds: float | None) -> None:
    """Plain seconds, or numbers with units; anything else is none."""
    assert duration_s(text) == seconds


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (OPENAI, RateHeaders(
            requests=Stated(limit=3000, used=1), tokens=Stated(limit=1_000_000, used=1000))),
        ({"x-ratelimit-limit-requests": "60", "x-ratelimit-reset-requests": "1"},
         RateHeaders(requests=Stated(limit=60, used=None), tokens=None)),
        ({"x-ratelimit-limit-req-minute": "720", "x-ratelimit-remaining-req-minute": "717",
          "x-ratelimit-limit-tokens-minute": "5000000"},
         RateHeaders(
             requests=Stated(limit=720, used=3), tokens=Stated(limit=5_000_000, used=None))),
        ({"ratelimit-limit": "300", "ratelimit-remaining": "280", "ratelimit-reset": "53"},
         RateHeaders(requests=Stated(limit=300, used=20), tokens=None)),
    ],
    ids=["openai", "azure", "mistral", "ietf"],
)  # fmt: skip
def test_limits_of_providers(headers: dict[str, str], expected: RateHeaders) -> None:
    """Requests and tokens, each with what the server has counted; names in any case."""
    assert rate_headers(headers) == expected
    shouted = httpx.Headers({name.upper(): value for name, value in headers.items()})
    assert rate_headers(shouted) == expected


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "application/json"},
        {"x-ratelimit-limit-requests": "14400", "x-ratelimit-reset-requests": "2m59.56s"},
        {"x-ratelimit-limit-requests": "0"},
        {"x-ratelimit-limit-requests": "-1"},
        {"x-ratelimit-limit-requests": "many"},
        {"x-ratelimit-limit": "100"},
        {"ratelimit-limit": "1000", "ratelimit-reset": "1729012345"},
        {"x-ratelimit-remaining-requests": "5"},
    ],
    ids=["none", "others", "day", "zero", "negative", "words", "no period", "epoch", "no limit"],
)
def test_what_is_no_limit_of_a_minute(headers: dict[str, str]) -> None:
    """A limit of a day, one of an unknown period, and what cannot be read."""
    assert rate_headers(headers) is None


def test_a_limit_beyond_all_bounds_is_the_most_that_postgres_holds() -> None:
    """Some gateways state 10^12 where they have none."""
    found = rate_headers({"x-ratelimit-limit-tokens": "999999999999"})
    assert found is not None
    assert found.tokens == Stated(limit=2**31 - 1, used=None)


def test_a_refusal_without_retry_after_waits_for_the_reset() -> None:
    """Of what is used up; Retry-After goes first."""
    spent = OPENAI | {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}
    assert wait_of(spent, "") == 360.0
    assert wait_of(spent | {"retry-after": "3"}, "") == 3.0
    assert wait_of(OPENAI, "") is None
