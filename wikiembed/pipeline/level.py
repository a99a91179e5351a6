"""Places for requests to one server: so many may be in flight at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Level:
    """Gives out `limit` places, in the order in which they are asked for."""

    def __init__(self, *, limit: int = 4) -> None:
        self.limit = limit
        self._places = asyncio.Semaphore(limit)

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place and hold it."""
        async with self._places:
            yield
