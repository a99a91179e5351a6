"""What a batch costs, and how long its chunks waited.

Of a source with a budget the tokens of a batch are reserved before it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from wikiembed.embedders.usage import Usage
from wikiembed.metrics.observer import Wait
from wikiembed.pipeline.lag import LagMeter, Lags, add_lags, lags_of
from wikiembed.store.outcome import Outcome

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
