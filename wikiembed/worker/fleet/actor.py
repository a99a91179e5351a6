"""What runs on a node: the ordinary worker, as a Ray actor."""

from __future__ import annotations

import os
import socket

from wikiembed import __version__
from wikiembed.config import load_settings
from wikiembed.db.several import databases
from wikiembed.errors import ConfigurationError, WikiembedError
from wikiembed.metrics.opening import observing
from wikiembed.pipeline.stats import Stats
from wikiembed.telemetry import configure_logging
from wikiembed.worker.binding.process import Process
from wikiembed.worker.fleet.order import Ended, Order, Place, Report
from wikiembed.worker.several import Workers


class FleetWorker:
    """One worker per database; all of its methods run on the actor's one event loop.

    Ray holds nothing of its work: when the actor, its node or the head is lost, its jobs are
    rescued like those of any worker that died.
    """

    def __init__(self, order: Order, *, node: str, actor: str) -> None:
        self._order = order
        self._place = Place(host=socket.gethostname(), pid=os.getpid(), node=node, actor=actor)
        self._stats = Stats()
        self._workers: Workers | None = None
        self._stopping = False

    async def run(self) -> Ended:
        """Work until `stop` or `abort`, or until the worker cannot continue."""
        try:
            await self._run()
        except WikiembedError as error:
            return Ended(exit_code=error.exit_code, sentence=str(error), report=await self.report())
        return Ended(exit_code=0, report=await self.report())

    async def _run(self) -> None:
        order = self._order
        if order.version != __version__:
            raise ConfigurationError(
                f"Node {self._place.host} has wikiembed {__version__}, the fleet {order.version}:"
                " install the same on all nodes."
            )
        order.environment.apply()
        settings = load_settings()
        configure_logging(style="json", level=settings.log_level)
        with observing(settings) as observer:
            self._workers = Workers(
                databases(settings),
                settings,
                drain=False,
                concurrency=order.concurrency or settings.concurrency,
                stats=self._stats,
                observer=observer,
                poll_s=order.poll_s,
                signals=False,
                process=Process(node=self._place.node, actor=self._place.actor),
            )
            if self._stopping:
                self._workers.stop()
            await self._workers.run()

    async def stop(self) -> None:
        """End `run` when the batches in flight are done."""
        self._stopping = True
        if self._workers is not None:
            self._workers.stop()

    async def abort(self) -> None:
        """End `run` now; the running jobs are requeued."""
        self._stopping = True
        if self._workers is not None:
            self._workers.abort()

    async def report(self) -> Report:
        """What was done up to now."""
        workers = self._workers
        return Report(
            place=self._place,
            jobs=0 if workers is None else workers.finished,
            chunks=self._stats.chunks,
            documents=self._stats.documents,
            failed=dict(self._stats.failed),
            documents_failed=dict(self._stats.documents_failed),
            troubles=() if workers is None else workers.troubles,
        )
