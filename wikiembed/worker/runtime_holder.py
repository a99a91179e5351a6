"""The process's resources for the tasks: ``context.additional_context["runtime"]``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wikiembed.config import Settings, load_settings
from wikiembed.db.connect import database_url
from wikiembed.metrics.observer import Observer
from wikiembed.pipeline.runtime import Runtime
from wikiembed.pipeline.stats import Stats
from wikiembed.servers.shared_limits import SharedLimits
from wikiembed.worker.binding.api import JobContext


class RuntimeHolder:
    """The tasks' resources, opened on first use and closed with the app."""

    def __init__(self) -> None:
        self.stats = Stats()
        self._observer: Observer | None = None
        self._limits: SharedLimits | None = None
        self._settings: Settings | None = None
        self._runtime: Runtime | None = None
        self._opening: asyncio.Lock | None = None
        self._wakers: set[Callable[[], object]] = set()

    def add_waker(self, waker: Callable[[], object]) -> None:
        """Call `waker` when a task has queued work itself."""
        self._wakers.add(waker)

    def remove_waker(self, waker: Callable[[], object]) -> None:
        """Call `waker` no longer."""
        self._wakers.discard(waker)

    def wake(self) -> None:
        """Let the workers of this process fetch now: a notification may be throttled."""
        for waker in self._wakers:
            waker()

    @property
    def settings(self) -> Settings:
        """The settings, read once.

        Raises: ConfigurationError.
        """
        if self._settings is None:
            self._settings = load_settings()
        return self._settings

    def use(
        self,
        settings: Settings,
        *,
        stats: Stats | None = None,
        observer: Observer | None = None,
        limits: SharedLimits | None = None,
    ) -> None:
        """Use these settings instead of the environment's, count into `stats`, and record."""
        self._settings = settings
        self.stats = stats or Stats()
        self._observer = observer
        self._limits = limits

    @property
    def opened(self) -> Runtime | None:
        """The runtime, if it is open."""
        return self._runtime

    async def get(self) -> Runtime:
        """The runtime, opened on first use.

        Raises: DatabaseUnreachable, ConfigurationError.
        """
        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            if self._runtime is None:
                url = await asyncio.to_thread(database_url, self.settings)
                self._runtime = await Runtime.open(
                    self.settings,
                    url,
                    stats=self.stats,
                    observer=self._observer,
                    limits=self._limits,
                )
            return self._runtime

    async def aclose(self) -> None:
        """Close the runtime, if it was opened."""
        runtime, self._runtime, self._opening = self._runtime, None, None
        if runtime is not None:
            await runtime.aclose()


async def runtime_of(context: JobContext) -> Runtime:
    """The process's runtime, from the job's context.

    Raises: DatabaseUnreachable, ConfigurationError.
    """
    holder: RuntimeHolder = context.additional_context["runtime"]
    return await holder.get()
