"""The leave to send a request, which the limit of a provider may delay."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import TYPE_CHECKING, Any, Protocol

from wikiembed.embedders.usage import Usage, metered_apart
from wikiembed.errors import EmbedderThrottled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

UntilStop = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]
"""Awaits, and raises `Stopping` as soon as no job may wait any longer."""
Settle = Callable[[Sequence[str], Usage], None]


class Permit:
    """The leave to send one request of some texts: use `sending` around it.

    `settle` receives what the request used, or the several that an answer took. `slot`: that of its
    lease; None: it has none.
    """

    def __init__(self, texts: Sequence[str] = (), settle: Settle | None = None) -> None:
        self._texts = texts
        self._settle = settle
        self.slot: int | None = None
        self.is_used = False

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Count what is sent."""
        self.is_used = True
        if self._settle is None:
            yield
            return
        with metered_apart() as usage:
            try:
                yield
            finally:
                self._settle(self._texts, usage)


class Gate(Protocol):
    """What a channel asks before each request; `RateLimit` is the one with a limit."""

    @property
    def waiting(self) -> int:
        """Requests that wait."""
        ...

    def permit(
        self,
        texts: Sequence[str],
        *,
        until: float,
        check: Callable[[], Awaitable[None]],
        until_stop: UntilStop,
    ) -> AbstractAsyncContextManager[Permit]:
        """Wait until a request of `texts` may be sent, at most until `until`, by time.monotonic().

        `check` is called each second meanwhile, and raises where it is not to be sent any more.
        """
        ...

    def unleased(self) -> AbstractContextManager[None]:
        """Count what is sent without a permit: probes."""
        ...

    async def refused(self, error: EmbedderThrottled) -> bool:
        """Whether the refusal is the limit's business: the request is to be tried again then."""
        ...


class OpenGate:
    """Lets every request pass at once."""

    waiting = 0

    @asynccontextmanager
    async def permit(
        self,
        texts: Sequence[str],
        *,
        until: float,
        check: Callable[[], Awaitable[None]],
        until_stop: UntilStop,
    ) -> AsyncIterator[Permit]:
        """Pass at once."""
        yield Permit()

    @contextmanager
    def unleased(self) -> Iterator[None]:
        """Count nothing."""
        yield

    async def refused(self, error: EmbedderThrottled) -> bool:
        """Leave it to the circuit breaker."""
        return False
