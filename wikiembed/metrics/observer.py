"""What a worker reports of its batches and requests, to any number of sinks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from wikiembed.config import Provider
from wikiembed.metrics.catalogue import OK, BatchOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One embedding server: its `name` in events, and the parts of its address."""

    name: str
    provider: Provider
    address: str | None = None
    port: int | None = None


@dataclass(slots=True, kw_only=True)
class Request:
    """One request with texts; `seconds` and `outcome` are known at its end.

    `tokens` of which `estimated` were not counted by the server. `span`: of the sink that traces.
    """

    server: Server
    model: str | None
    texts: int
    dimensions: int | None = None
    tokens: int = 0
    estimated: int = 0
    seconds: float = 0.0
    outcome: str = OK
    span: object = None


@dataclass(slots=True, kw_only=True)
class Batch:
    """One run of a job of chunks; counts are of this run.

    `chunks`: keys of the job. `span`: of the sink that traces.
    """

    source: str
    queue: str
    job_id: int | None
    chunks: int
    embedded: int = 0
    failed: int = 0
    seconds: float = 0.0
    outcome: BatchOutcome = BatchOutcome.NOTHING
    error: str | None = None
    span: object = None


Wait = tuple[float, bool, int]
"""Seconds that chunks of one job waited for their vectors, whether a user's transaction wrote their
rows, and how many they are. A plain tuple: there is one for each job."""


class Sink(Protocol):
    """Takes what is recorded; called from the event loop, so it never waits."""

    def begin_request(self, request: Request) -> None:
        """A request is about to be sent."""

    def end_request(self, request: Request) -> None:
        """It was answered, or failed."""

    def begin_batch(self, batch: Batch) -> None:
        """A job was begun."""

    def end_batch(self, batch: Batch) -> None:
        """Its run ended."""

    def written(self, source: str, waits: Sequence[Wait]) -> None:
        """Vectors of a source were committed."""

    def close(self) -> None:
        """Give back what it holds."""


@dataclass(slots=True)
class Observer:
    """Passes what is recorded to each sink."""

    sinks: Sequence[Sink] = field(default_factory=list)

    @contextmanager
    def request(self, request: Request) -> Iterator[Request]:
        """Record `request`, which the block sends, and whose `outcome` it sets if it fails."""
        for sink in self.sinks:
            sink.begin_request(request)
        began = time.perf_counter()
        try:
            yield request
        except BaseException as error:
            if request.outcome == OK:
                request.outcome = type(error).__name__
            raise
        finally:
            request.seconds = time.perf_counter() - began
            for sink in reversed(self.sinks):
                sink.end_request(request)

    @contextmanager
    def batch(self, batch: Batch) -> Iterator[Batch]:
        """Record `batch`, which is run within the block; the block sets its `outcome`."""
        for sink in self.sinks:
            sink.begin_batch(batch)
        began = time.perf_counter()
        try:
            yield batch
        except BaseException as error:
            batch.error = type(error).__name__
            raise
        finally:
            batch.seconds = time.perf_counter() - began
            for sink in reversed(self.sinks):
                sink.end_batch(batch)

    def written(self, source: str, waits: Sequence[Wait]) -> None:
        """Record that vectors of `source` were committed."""
        for sink in self.sinks:
            sink.written(source, waits)

    def close(self) -> None:
        """Close every sink."""
        for sink in self.sinks:
            sink.close()
