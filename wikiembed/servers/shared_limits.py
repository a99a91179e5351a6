"""How many requests may be in flight to each server, shared by all databases of one process."""

from __future__ import annotations

from collections.abc import Hashable

from wikiembed.servers.adaptive_limit import AdaptiveLimit
from wikiembed.servers.concurrency_limit import ConcurrencyLimit, FixedLimit

START = 4
"""First limit of requests in flight to a server, unless the operator sets one."""


class SharedLimits:
    """A limit per server and model, made on first use; for one event loop."""

    def __init__(self) -> None:
        self._limits: dict[Hashable, ConcurrencyLimit] = {}

    def of(self, key: Hashable, *, concurrency: int | None) -> ConcurrencyLimit:
        """The limit of `key`, the same for each caller: `concurrency`, or an adaptive one."""
        if key not in self._limits:
            self._limits[key] = (
                AdaptiveLimit(start=START) if concurrency is None else FixedLimit(concurrency)
            )
        return self._limits[key]
