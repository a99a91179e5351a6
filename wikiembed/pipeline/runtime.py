"""Resources of a worker process: its pool, its settings, the channels to each model's servers."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

from wikiembed.config import Provider, Settings
from wikiembed.db.pool import Pool, open_pool
from wikiembed.embedders.base import Embedder, EmbedderOptions
from wikiembed.embedders.open import open_embedder
from wikiembed.errors import EmbedderError, EmbedderMisconfigured, ModelMismatch, WrongUsage
from wikiembed.metrics.observer import Observer, Server
from wikiembed.pipeline.budgets import Budgets
from wikiembed.pipeline.recorder import Recorder
from wikiembed.pipeline.same_model import problem_with
from wikiembed.pipeline.stats import Stats
from wikiembed.servers.channel import Channel
from wikiembed.servers.listener import Listener
from wikiembed.servers.observed import ObservedEmbedder, server_at
from wikiembed.servers.outage_log import OutageLog
from wikiembed.servers.rate_limits import RateLimits
from wikiembed.servers.several import Channels
from wikiembed.servers.shared_limits import START, SharedLimits
from wikiembed.servers.truncate import Truncator
from wikiembed.servers.truncation_check import TruncationCheck
from wikiembed.store.chunks import ChunkStore
from wikiembed.store.dimensions import changed_column
from wikiembed.store.documents import DocumentStore
from wikiembed.store.limits import LimitStore
from wikiembed.store.model_checks import ModelCheckStore
from wikiembed.store.outages import OutageStore
from wikiembed.store.resolution import for_documents
from wikiembed.store.source import Source
from wikiembed.store.truncation import TruncationStore

MOST_CONNECTIONS = 16
SPLITS_AT_ONCE = 2
"""Documents that are split at the same time, in threads: more would only keep the interpreter's
lock from the event loop. A second one lets small documents pass a large one."""
Key = tuple[Provider, str | None]


class Runtime:
    """Opened once per process and database; all jobs of one event loop may use it.

    `observer`: where metrics and traces go; None: they are off. `limits`: of the requests in
    flight, shared with other databases; None: its own.
    """

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        *,
        stats: Stats | None = None,
        observer: Observer | None = None,
        limits: SharedLimits | None = None,
    ) -> None:
        self.settings = settings
        self.observer = observer
        self.store = ChunkStore(pool)
        self.recorder = Recorder(self.store)
        self.budgets = Budgets(self.store, self.recorder)
        self.documents = DocumentStore(pool)
        self.model_checks = ModelCheckStore(pool)
        self.split_slots = asyncio.Semaphore(SPLITS_AT_ONCE)
        self.stats = stats or Stats()
        self.fatal: WrongUsage | None = None
        self.unexpected: Counter[int | None] = Counter()
        self._stopping = False
        self._pool = pool
        self._outages = OutageLog(OutageStore(pool))
        self._rate_limits = RateLimits(LimitStore(pool))
        self._limits = limits or SharedLimits()
        self._channels: dict[Key, Channels] = {}
        self._truncators: dict[str, Truncator] = {}
        self._truncation_check = TruncationCheck(TruncationStore(pool))
        self._pinned: set[tuple[str, str, str, int, str]] = set()
        self._pinning = asyncio.Lock()

    @classmethod
    async def open(
        cls,
        settings: Settings,
        url: str,
        *,
        stats: Stats,
        observer: Observer | None = None,
        limits: SharedLimits | None = None,
    ) -> Runtime:
        """Open the tasks' pool, which is separate from procrastinate's.

        Raises: DatabaseUnreachable, ConfigurationError.
        """
        wanted = MOST_CONNECTIONS
        if settings.concurrency is not None:
            wanted = settings.concurrency * len(settings.urls_of(settings.embedder))
        size = max(2, min(wanted, MOST_CONNECTIONS) + 1)
        pool = await open_pool(url, size=size)
        return cls(settings, pool, stats=stats, observer=observer, limits=limits)

    @property
    def limit(self) -> int:
        """Batches that may be in flight to the servers."""
        limits = [channels.limit for channels in self._channels.values()]
        return sum(limits) or self.settings.concurrency or START

    @property
    def requests(self) -> list[dict[str, object]]:
        """What is in flight to each server; see `Channel.requests`."""
        return [channel.requests for group in self._channels.values() for channel in group.all]

    @property
    def is_stopping(self) -> bool:
        """Whether the worker is asked to stop."""
        return self._stopping

    @property
    def outage_s(self) -> float:
        """Seconds since the longest outage of a model began; 0 while each has a server."""
        return max((c.outage_s for c in self._channels.values()), default=0.0)

    @property
    def outage_reason(self) -> str | None:
        """The last error of a server of a model that has none in reach."""
        reasons = [c.outage_reason for c in self._channels.values()]
        return next((reason for reason in reasons if reason is not None), None)

    def channels(self, provider: Provider, model: str | None) -> Channels:
        """The process's channels to `model`, one per server of `provider`.

        Raises: ConfigurationError.
        """
        key = (provider, model)
        if key not in self._channels:
            self._channels[key] = self._open(provider, model)
            if self._stopping:
                self._channels[key].stop()
        return self._channels[key]

    def _open(self, provider: Provider, model: str | None) -> Channels:
        channels = Channels()
        each = EmbedderOptions.each(self.settings, provider, model)
        for server, options in zip(self.settings.servers_of(provider), each, strict=True):
            log = self._outages.listener(server)
            gate = self._rate_limits.of(server, model)
            embedder = open_embedder(replace(options, on_headers=gate.saw))

            def listener(error: EmbedderError | None, outage_s: float, log: Listener = log) -> None:
                channels.wake()
                log(error, outage_s)

            channels.add(
                Channel(
                    self._observed(embedder, server_at(server, provider), model),
                    server=server,
                    requested_model=model,
                    listener=listener,
                    concurrency_limit=self._limits.of(
                        (server, provider, model), concurrency=self.settings.concurrency
                    ),
                    one_of_several=len(each) > 1,
                    accept=channels.identity.check,
                    gate=gate,
                )
            )
        return channels

    def _observed(self, embedder: Embedder, server: Server, model: str | None) -> Embedder:
        """The embedder, with its requests recorded if metrics or traces are on."""
        if self.observer is None:
            return embedder
        return ObservedEmbedder(embedder, self.observer, server=server, model=model)

    def truncator(self, source: str) -> Truncator | None:
        """The truncator of `source`; None unless WIKIEMBED_TRUNCATE is set."""
        if not self.settings.truncate:
            return None
        return self._truncators.setdefault(source, Truncator(source))

    async def channels_for(self, source: Source) -> tuple[Channels, str]:
        """The channels and the document prefix of `source`, pinned or compared on first use.

        Raises: ModelMismatch, EmbedderMisconfigured, Stopping, OutageTooLong.
        """
        resolved = for_documents(source, self.settings)
        provider, prefix = resolved.provider, resolved.prefix
        channels = self.channels(provider, resolved.model)

        async def prove(channel: Channel) -> str | None:
            count = self.settings.verify_chunks
            return await problem_with(channel, source, self.model_checks, prefix, chunks=count)

        info = await channels.describe(dimensions=source.dimensions, prove=prove)
        named = info.pins_as(source.model)
        mark = (source.name, provider.value, named, info.dimensions, prefix)
        if mark in self._pinned and (source.model, source.dimensions) == (
            named,
            info.dimensions,
        ):
            return channels, prefix
        if source.pinned and source.model != named:
            raise ModelMismatch(
                f"Source {source.name!r} is pinned to {source.provider} model {source.model!r},"
                f" this worker has {provider.value} {named!r}: set WIKIEMBED_EMBEDDER and"
                " WIKIEMBED_MODEL to the same, or change the source's model first."
            )
        if source.dimensions is not None and source.dimensions != info.dimensions:
            channels.forget()
            changed = changed_column(
                source,
                column=await self.store.column_dimensions(source.name),
                model=info.model,
                returned=info.dimensions,
            )
            raise EmbedderMisconfigured(
                changed
                or f"The column of source {source.name!r} holds {source.dimensions} dimensions,"
                f" model {info.model!r} gives {info.dimensions}: choose another model or column."
            )
        async with self._pinning:
            await self.store.pin_model(
                source.name,
                provider=provider.value,
                model=named,
                dimensions=info.dimensions,
                document_prefix=prefix,
                query_prefix=self.settings.query_prefix
                if "query_prefix" in self.settings.model_fields_set
                else None,
            )
        self._pinned.add(mark)
        return channels, prefix

    async def check_truncation(self, source: Source, channels: Channels, *, longest: int) -> None:
        """Check, unless known, whether the source's servers truncate texts of `longest` characters.

        Raises: DatabaseUnreachable, Stopping.
        """
        provider = for_documents(source, self.settings).provider
        info = await channels.describe()
        if provider.in_process or not self.settings.check_truncation:
            return
        for channel in channels.in_reach:
            await self._truncation_check.before(
                source.name,
                server=channel.server,
                model=info.pins_as(source.model),
                longest=longest,
                release=channel.release_canary,
            )

    def stop(self) -> None:
        """Let no job wait for a server any longer."""
        self._stopping = True
        self.budgets.stop()
        for channels in self._channels.values():
            channels.stop()

    async def aclose(self) -> None:
        """Close the connections to servers and to Postgres."""
        await self.recorder.aclose()
        for channels in self._channels.values():
            await channels.aclose()
        await self._outages.aclose()
        await self._rate_limits.aclose()
        await self._pool.close()
