"""A worker that observes half of its batches: ``python -m tests.tools.bench.alternating``.

It is an ordinary worker with metrics and traces that embeds one batch after the other until its
queue is empty; half of the batches, chosen at random, are observed by no sink, nor are their
requests. From process to process the CPU time of a chunk differs by a tenth on a machine that is
shared, which is more than what is to be measured; the batches of one process share what else
happens. Not in turns, since each fetch brings the same number of batches. Prints, as JSON,
microseconds of CPU per batch: ``off_us``, without observation; ``observed_us``, how much more the
event loop's thread takes for an observed one, as the difference of the two medians; and
``background_us`` of all other threads per observed batch: they export.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import mean, median

from wikiembed.cli.each import require_any
from wikiembed.config import load_settings
from wikiembed.metrics.observer import Batch, Observer, Request, Sink, Wait
from wikiembed.metrics.opening import observing
from wikiembed.worker.several import Workers

BEGIN = 100
"""Batches before the first that counts: imports and first calls are paid once per process."""


class Alternating(Observer):
    """Passes half of the batches to its sinks; the CPU of a batch is from the end of the last."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        super().__init__(sinks)
        self._random = random.Random(1)
        self._is_on = True
        self._begun = 0
        self._loop_s = self._all_s = 0.0
        self._background_s = 0.0
        self._cpu_s: dict[bool, list[float]] = {True: [], False: []}

    @contextmanager
    def batch(self, batch: Batch) -> Iterator[Batch]:
        """As Observer does for half of the batches."""
        if self._is_on:
            with super().batch(batch):
                yield batch
        else:
            yield batch
        loop_s, all_s = time.thread_time(), time.process_time()
        self._begun += 1
        if self._begun > BEGIN:
            own_s = loop_s - self._loop_s
            self._cpu_s[self._is_on].append(own_s)
            self._background_s += all_s - self._all_s - own_s
        self._loop_s, self._all_s = loop_s, all_s
        self._is_on = self._random.random() < 0.5

    @contextmanager
    def request(self, request: Request) -> Iterator[Request]:
        """As Observer does for the requests of half of the batches."""
        if self._is_on:
            with super().request(request):
                yield request
        else:
            yield request

    def written(self, source: str, waits: Sequence[Wait]) -> None:
        """As Observer does for half of the batches."""
        if self._is_on:
            super().written(source, waits)

    def as_json(self) -> dict[str, float]:
        """What is printed."""
        off, on = self._cpu_s[False], self._cpu_s[True]
        return {
            "off_us": 1e6 * mean(off),
            "observed_us": 1e6 * (median(on) - median(off)),
            "background_us": 1e6 * self._background_s / len(on),
            "batches": len(on),
        }


def main() -> None:
    """Drain the queue of the settings' database, and print the result."""
    settings = load_settings()
    with observing(settings) as observer:
        assert observer is not None, "metrics and traces are off"
        alternating = Alternating(observer.sinks)
        workers = Workers(
            require_any(settings), settings, drain=True, concurrency=1, observer=alternating
        )
        asyncio.run(workers.run())
    print(json.dumps(alternating.as_json()))


if __name__ == "__main__":
    main()
