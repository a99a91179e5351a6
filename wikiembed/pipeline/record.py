"""What a batch costs, and how long its chunks waited.

Of a source with a budget the tokens of a batch are reserved before it is sent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from wikiembed.embedders.tokens import BYTES_PER_TOKEN
from wikiembed.embedders.usage import Usage
from wikiembed.metrics.observer import Wait
from wikiembed.pipeline.lag import LagMeter, Lags, add_lags, lags_of
from wikiembed.store.outcome import Outcome

FORGET = 0.95
"""Share of an earlier rate below which the next batch's is not taken: texts differ."""
OnWaits = Callable[[Sequence[Wait]], None]


class BatchRecord:
    """What the requests of one batch cost, how long its written chunks waited, and its reservation.

    `reservation`: the number of what it has reserved of the source's budget. `on_waits` receives
    the waits of the chunks of each write.
    """

    def __init__(
        self, lag_meter: LagMeter | None = None, *, on_waits: OnWaits | None = None
    ) -> None:
        self.usage = Usage()
        self.lags: Lags = {}
        self.reservation: int | None = None
        self._lag_meter = lag_meter
        self._on_waits = on_waits

    def wrote(self, outcomes: Mapping[str, Outcome]) -> None:
        """Add the chunks that a write has just stored."""
        if self._lag_meter is not None:
            done = Outcome.WRITTEN  # looked up once: an enum's member takes 0.1 µs
            written = [key for key, outcome in outcomes.items() if outcome is done]
            waits = self._lag_meter.waits(written)
            add_lags(self.lags, lags_of(waits))
            if waits and self._on_waits is not None:
                self._on_waits(waits)


class TokenRate:
    """Tokens per byte of a source's texts: the most of late, from what the server counted.

    Before its first answer `BYTES_PER_TOKEN` is assumed.
    """

    def __init__(self) -> None:
        self._rate = 1 / BYTES_PER_TOKEN
        self._is_known = False

    def tokens(self, texts: Sequence[str]) -> int:
        """The estimate of what `texts` will cost."""
        return math.ceil(self._rate * _bytes(texts))

    def learn(self, texts: Sequence[str], usage: Usage) -> None:
        """Learn from a batch in which each of `texts` was sent once and the server counted."""
        if usage.texts != len(texts) or usage.estimated or not usage.tokens:
            return
        rate = usage.tokens / max(1, _bytes(texts))
        self._rate = max(rate, FORGET * self._rate) if self._is_known else rate
        self._is_known = True


def _bytes(texts: Sequence[str]) -> int:
    return sum(len(text.encode(errors="surrogatepass")) for text in texts)
