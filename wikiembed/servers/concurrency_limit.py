"""How many requests may be in flight to one server: the protocol, and the fixed limit."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Slot:
    """One slot: call `begin`, then `passed`, for each HTTP request made in it."""

    def __init__(self, *, begin: Callable[[], float], end: Callable[[float, int], None]) -> None:
        self._begin = begin
        self._end = end
        self._began_at: float | None = None

    def begin(self) -> None:
        """Record that an HTTP request is sent now; one that began before in this slot failed."""
        self.failed()
        self._began_at = self._begin()

    def passed(self, texts: int) -> None:
        """Record that the HTTP request returned `texts` vectors; ignored without `begin`."""
        began_at, self._began_at = self._began_at, None
        if began_at is not None:
            self._end(began_at, texts)

    def failed(self) -> None:
        """Record that the HTTP request failed, also when the body ends before `passed`."""
        self.passed(0)


class ConcurrencyLimit(Protocol):
    """A semaphore of variable size for the requests to one server."""

    @property
    def limit(self) -> int:
        """Requests that may be in flight."""
        ...

    @property
    def in_flight(self) -> int:
        """Slots taken, including those whose request has not begun."""
        ...

    @property
    def free(self) -> int:
        """Requests that may begin now."""
        ...

    def slot(self) -> AbstractAsyncContextManager[Slot]:
        """Wait for a slot, first in, first out; a body that ends before `passed` failed."""
        ...

    def throttled(self) -> None:
        """The server refused a request as one too many."""
        ...

    def timed_out(self) -> None:
        """A request got no answer in time."""
        ...


class Slots:
    """The slots of a limit, granted in the order of the requests for them.

    Use from one event loop.
    """

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = limit
        self._taken = 0
        self._clock = clock
        self._waiters: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """Requests that may be in flight."""
        return self._size

    @property
    def in_flight(self) -> int:
        """Slots taken, including those whose request has not begun."""
        return self._taken

    @property
    def free(self) -> int:
        """Requests that may begin now."""
        return max(0, self._size - self._taken)

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[Slot]:
        """Wait for a slot; a body that ends before `passed` failed."""
        await self._enter()
        taken = Slot(begin=self._begin, end=self._end)
        try:
            yield taken
        finally:
            taken.failed()
            self._taken -= 1
            self._release_waiters()

    async def _enter(self) -> None:
        if self.free > 0:
            self._taken += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiters.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with contextlib.suppress(ValueError):
                    self._waiters.remove(turn)
            else:
                self._taken -= 1
                self._release_waiters()
            raise

    def _release_waiters(self) -> None:
        while self._waiters and self.free > 0:
            turn = self._waiters.popleft()
            if not turn.cancelled():
                self._taken += 1
                turn.set_result(None)

    def _begin(self) -> float:
        """Record that a request is sent; return the time."""
        return self._clock()

    def _end(self, began_at: float, texts: int) -> None:
        """Record that a request sent at `began_at` ended with `texts` vectors."""


class FixedLimit(Slots):
    """The operator's limit, which never changes."""

    def throttled(self) -> None:
        """Do nothing: the circuit breaker waits as long as the server states."""

    def timed_out(self) -> None:
        """Do nothing."""
