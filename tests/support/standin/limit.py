"""The stand-in's limit: requests and tokens in any window, as a provider enforces them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.standin.faults import Canned


@dataclass(slots=True, kw_only=True)
class SlidingLimit:
    """At most `requests` and `tokens` in any `window_s`; more is answered 429 and not counted.

    `states`: its headers say so, as OpenAI's do, with the time in which a token bucket of that size
    would be full again. `most` is the most requests, or tokens, that came in any window, those
    refused included, over the limit; `arrivals` when each came, in seconds of the server's clock,
    its tokens, and whether it was answered.
    """

    requests: int | None = None
    tokens: int | None = None
    window_s: float = 60.0
    states: bool = False
    retry_after_s: float | None = None
    most: float = 0.0
    refused: int = 0
    arrivals: list[tuple[float, int, bool]] = field(default_factory=list)
    _came: deque[tuple[float, int, bool]] = field(default_factory=deque)

    def take(self, now: float, tokens: int) -> Canned | None:
        """Count a request of `tokens` at `now`; the refusal, where it is one too many."""
        while self._came and self._came[0][0] <= now - self.window_s:
            self._came.popleft()
        counted = [came for came in self._came if came[2]]
        used = (len(counted), sum(came[1] for came in counted))
        fits = (self.requests is None or used[0] < self.requests) and (
            self.tokens is None or used[1] + tokens <= self.tokens
        )
        self._came.append((now, tokens, fits))
        self.arrivals.append((now, tokens, fits))
        self.most = max(
            self.most,
            len(self._came) / self.requests if self.requests else 0.0,
            sum(came[1] for came in self._came) / self.tokens if self.tokens else 0.0,
        )
        if fits:
            return None
        self.refused += 1
        headers = dict(self.headers())
        if self.retry_after_s is not None:
            headers["retry-after"] = f"{self.retry_after_s:g}"
        return Canned(
            status=429, body='{"error": {"message": "Rate limit reached"}}', headers=headers
        )

    def headers(self) -> Mapping[str, str]:
        """What a response states after the last request."""
        if not self.states:
            return {}
        counted = [came for came in self._came if came[2]]
        stated: dict[str, str] = {}
        for name, limit, used in (
            ("requests", self.requests, len(counted)),
            ("tokens", self.tokens, sum(came[1] for came in counted)),
        ):
            if limit is not None:
                stated |= {
                    f"x-ratelimit-limit-{name}": str(limit),
                    f"x-ratelimit-remaining-{name}": str(max(0, limit - used)),
                    f"x-ratelimit-reset-{name}": f"{used / limit * self.window_s:.3f}s",
                }
        return stated

    def as_json(self) -> dict[str, object]:
        """What `GET /_stats` answers of it."""
        return {
            "most": self.most,
            "refused": self.refused,
            "arrivals": self.arrivals,
        }
