"""The process of `wikiembed fleet`, and the one below it that is connected to Ray.

Ray ends a process whose cluster is lost, without an exception: so the connection to it has a
process of its own, and this one connects again, or says what happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType

from wikiembed.backoff import Backoff, Waits
from wikiembed.config import Settings
from wikiembed.db.connect import database_url
from wikiembed.db.several import databases
from wikiembed.errors import RayUnreachable, WikiembedError
from wikiembed.pipeline.stats import Stats
from wikiembed.store.coverage import Coverage
from wikiembed.telemetry import configure_logging, emit
from wikiembed.worker.connection_loss import LOST, unreachable
from wikiembed.worker.drain import DRAIN_POLL_S, OnProgress
from wikiembed.worker.fleet.cluster import RayCluster, Resources
from wikiembed.worker.fleet.fleet import Fleet
from wikiembed.worker.fleet.order import Order, environment_of
from wikiembed.worker.fleet.policy import Limits
from wikiembed.worker.fleet.queue_watch import QueueWatch

CONNECTED_WITHIN_S = 120.0
ENDED_WITHIN_S = 30.0
RECONNECT = Backoff(first_s=1.0, longest_s=30.0)
STOP, ABORT = "stop", "abort"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions:
    """Options of the command line; `concurrency` None: adaptive."""

    address: str
    resources: Resources
    limits: Limits
    concurrency: int | None
    drain: bool


@dataclass(frozen=True, slots=True)
class Connected:
    """The process below is connected to Ray."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is left of a drain, and what was done; see OnProgress and Stats."""

    rows: list[Coverage]
    outage_s: float
    stats: Stats


@dataclass(frozen=True, slots=True)
class Finished:
    """How the fleet ended: its error, if it has one, and what was done."""

    error: WikiembedError | None
    stats: Stats


class Keeper:
    """Runs a fleet until it is drained or stopped, through losses of the Ray cluster.

    `stopped_by` is the signal received, if any; `stats` what was done.
    """

    def __init__(
        self, settings: Settings, options: FleetOptions, *, on_progress: OnProgress | None = None
    ) -> None:
        self._settings = settings
        self._options = options
        self._on_progress = on_progress
        self._connection: Connection | None = None
        self._waits = Waits(RECONNECT)
        self._lost_at: float | None = None
        self._connected_once = False
        self.stats = Stats()
        self._before = Stats()
        self.stopped_by: signal.Signals | None = None

    def run(self) -> None:
        """Work until drained or stopped.

        Raises: what `Fleet.run` raises; RayUnreachable when the cluster is out of reach at the
        start, for too long in a drain, or when asked to stop.
        """
        with self._signals():
            while True:
                ended = self._run_once()
                if isinstance(ended, Finished):
                    if ended.error is not None:
                        raise ended.error
                    return
                self._lost(ended)
                if not self._sleep(self._waits.next_s()):
                    raise RayUnreachable(
                        "The fleet was stopped while its Ray cluster was out of reach: nothing is"
                        " lost, what the actors had in flight is embedded again."
                    )

    def _lost(self, error: WikiembedError) -> None:
        """Report a loss once.

        Raises: `error` at the start, when stopped, and past the outage limit of a drain.
        """
        now_s = time.monotonic()
        if not self._connected_once or self.stopped_by is not None:
            raise error
        if self._lost_at is None:
            self._lost_at = now_s
            emit("ray_lost", level=30, reason=str(error))
        if self._options.drain and now_s - self._lost_at > self._settings.outage_limit_s:
            raise error

    def _run_once(self) -> Finished | RayUnreachable:
        """One connection to Ray: how the fleet ended, or why there is none."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=run_below, args=(self._settings, self._options, theirs), name="wikiembed-fleet"
        )
        process.start()
        theirs.close()
        self._connection = ours
        if self.stopped_by is not None:  # it came before there was a connection
            self._tell(STOP)
        ended: Finished | RayUnreachable | None = None
        try:
            ended = self._follow(ours, process)
            return ended
        finally:
            self._before, self._connection = self.stats, None
            process.join(ENDED_WITHIN_S if isinstance(ended, Finished) else 0.0)
            if process.exitcode is None:
                process.kill()
                process.join()
            ours.close()

    def _follow(self, ours: Connection, process: BaseProcess) -> Finished | RayUnreachable:
        began, connected = time.monotonic(), False
        while True:
            if not wait([ours, process.sentinel], timeout=1.0):
                if not connected and time.monotonic() - began > CONNECTED_WITHIN_S:
                    return RayUnreachable(
                        f"The Ray cluster at {self._options.address} has not answered for"
                        f" {CONNECTED_WITHIN_S:.0f} s: check its address and its head."
                    )
                continue
            try:
                message = ours.recv() if ours.poll() else None
            except (EOFError, OSError):  # the other end is closed, or was cut in a message
                process.join()
                return self._ended_by_ray()
            match message:
                case Connected():
                    connected = True
                    self._is_connected()
                case Progress(rows=rows, outage_s=outage_s, stats=stats):
                    self._add(stats)
                    if self._on_progress is not None:
                        self._on_progress(rows, outage_s)
                case Finished(error=error, stats=stats):
                    self._add(stats)
                    if isinstance(error, RayUnreachable) and not connected:
                        return error
                    return message
                case _ if process.exitcode is not None and not ours.poll():
                    return self._ended_by_ray()
                case _:
                    pass

    def _ended_by_ray(self) -> RayUnreachable:
        return RayUnreachable(
            f"The Ray cluster at {self._options.address} was lost: Ray has ended the connection and"
            " the actors, whose jobs are rescued."
        )

    def _is_connected(self) -> None:
        self._connected_once = True
        if self._lost_at is not None:
            emit("ray_back", seconds=round(time.monotonic() - self._lost_at, 1))
            self._lost_at = None
        self._waits.reset()

    def _add(self, stats: Stats) -> None:
        """What earlier connections did, and what this one has done up to now."""
        before = self._before
        self.stats = Stats(
            chunks=before.chunks + stats.chunks,
            documents=before.documents + stats.documents,
            failed=before.failed + stats.failed,
            documents_failed=before.documents_failed + stats.documents_failed,
        )

    def _sleep(self, seconds: float) -> bool:
        """Wait before the next try; False when stopped meanwhile."""
        until_s = time.monotonic() + seconds
        while self.stopped_by is None and time.monotonic() < until_s:
            time.sleep(0.1)
        return self.stopped_by is None

    def _tell(self, what: str) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.send(what)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        caught = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(number, self._on_signal) for number in caught]
        try:
            yield
        finally:
            for number, handler in zip(caught, before, strict=True):
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        again, self.stopped_by = self.stopped_by is not None, signal.Signals(number)
        if not again:
            emit("stop_requested", in_hand="finishes", again="gives the jobs back")
        self._tell(ABORT if again else STOP)


def run_below(settings: Settings, options: FleetOptions, connection: Connection) -> None:
    """The process below: connect to Ray, run the fleet, and send how it ended."""
    os.setsid()  # Ctrl-C is for the process above, which says when to stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_logging(style=settings.log_format, level=settings.log_level)
    stats = Stats(on_failure=_ignore)
    with contextlib.ExitStack() as opened:
        error: WikiembedError | None = None
        try:
            asyncio.run(_run(settings, options, connection, stats, opened))
        except LOST as lost:
            error = unreachable(lost)
        except WikiembedError as raised:
            error = raised
        except Exception as unexpected:
            traceback.print_exc()
            error = WikiembedError(f"The fleet ended with {type(unexpected).__name__}.")
        # Before the cluster is left, which may take long without its head.
        with contextlib.suppress(OSError):  # the process above was killed
            connection.send(Finished(error, stats))


def _ignore(failed: object) -> None:
    """In place of a function that cannot be sent to another process."""


async def _run(
    settings: Settings,
    options: FleetOptions,
    connection: Connection,
    stats: Stats,
    opened: contextlib.ExitStack,
) -> None:
    found = databases(settings)
    urls = [await asyncio.to_thread(database_url, one.settings) for one in found]
    watches = {str(one): QueueWatch(url) for one, url in zip(found, urls, strict=True)}
    if len(watches) == 1:  # of several, the fleet waits for those that are away
        await next(iter(watches.values())).store()
    cluster = RayCluster(options.address, options.resources)
    opened.callback(cluster.close)
    connection.send(Connected())

    def look(rows: list[Coverage], outage_s: float) -> None:
        with contextlib.suppress(OSError):
            connection.send(Progress(rows, outage_s, stats))

    fleet = Fleet(
        cluster,
        watches,
        Order(
            environment=environment_of(settings, " ".join(urls)),
            concurrency=options.concurrency,
            poll_s=DRAIN_POLL_S if options.drain else None,
        ),
        options.limits,
        drain=options.drain,
        outage_limit_s=settings.outage_limit_s,
        on_progress=look if options.drain else None,
        stats=stats,
    )
    loop = asyncio.get_running_loop()
    # After Ray, which sets its own.
    loop.add_signal_handler(signal.SIGTERM, fleet.stop)
    loop.add_reader(connection.fileno(), _hear, connection, fleet, loop)
    try:
        await fleet.run()
    finally:
        loop.remove_reader(connection.fileno())


def _hear(connection: Connection, fleet: Fleet, loop: asyncio.AbstractEventLoop) -> None:
    """Do what the process above says; stop when it is gone."""
    try:
        what = connection.recv()
    except (EOFError, OSError):
        loop.remove_reader(connection.fileno())
        what = STOP
    if what == ABORT:
        fleet.abort()
    else:
        fleet.stop()
