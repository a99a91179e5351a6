"""One of several servers of a model: its channel, its speed, and what is known of its model."""

from __future__ import annotations

import asyncio

from wikiembed.embedders.base import ModelInfo
from wikiembed.errors import EmbedderMisconfigured
from wikiembed.servers.channel import Channel
from wikiembed.servers.speed import Speed
from wikiembed.vectors import Matrix


class Member:
    """One server of a model: `admitted` once it was found to run the same model as the others."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.speed = Speed()
        self.batches = 0
        self.vector: Matrix | None = None
        self.info: ModelInfo | None = None
        self.admitted = False
        self.meeting: asyncio.Task[None] | None = None

    @property
    def is_met(self) -> bool:
        """Whether its model is known."""
        return self.info is not None

    @property
    def is_out(self) -> bool:
        """Whether it is out of reach or refused."""
        return self.channel.breaker.is_open

    @property
    def is_refused(self) -> bool:
        """Whether it is left out for its settings or its model."""
        return isinstance(self.channel.breaker.reason, EmbedderMisconfigured)

    def forget(self) -> None:
        """Meet it again."""
        self.admitted, self.info, self.vector = False, None, None
        self.channel.forget()
