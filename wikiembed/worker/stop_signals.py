"""SIGTERM and Ctrl-C: the first one lets the batches in flight finish, the second one does not."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

from wikiembed.telemetry import emit

CAUGHT = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """Calls `stop` at the first signal, and `abort` at each later one; `received` is the last."""

    def __init__(self, stop: Callable[[], None], abort: Callable[[], None]) -> None:
        self._stop = stop
        self._abort = abort
        self.received: signal.Signals | None = None

    @contextlib.contextmanager
    def caught(self) -> Iterator[None]:
        """Catch them while the block runs, in the event loop of the main thread."""
        loop = asyncio.get_running_loop()
        for number in CAUGHT:
            loop.add_signal_handler(number, self.receive, number)
        try:
            yield
        finally:
            for number in CAUGHT:
                loop.remove_signal_handler(number)

    def receive(self, number: signal.Signals) -> None:
        """Do what the signal asks for."""
        again, self.received = self.received is not None, signal.Signals(number)
        if again:
            self._abort()
        else:
            emit("stop_requested", in_hand="finishes", again="gives the jobs back")
            self._stop()
