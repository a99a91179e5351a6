"""The Ray cluster: the only module that imports Ray, and only when it is used."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any, Protocol

from wikiembed.errors import ConfigurationError, RayUnreachable, WikiembedError, WrongUsage
from wikiembed.worker.fleet.actor import FleetWorker
from wikiembed.worker.fleet.order import Ended, Order, Report

LOCAL = "local"
NAMESPACE = "wikiembed"
ANSWER_S = 5.0
"""How long the head may take to answer."""
REPORT_S = 1.0
"""How long to wait for an actor's report; one that comes later is the next one's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What Ray reserves for each actor: CPUs and GPUs, which may be parts of one."""

    cpus: float
    gpus: float

    def __str__(self) -> str:
        """``1 CPU and 0.5 GPU``."""
        gpus = f" and {self.gpus:g} GPU" if self.gpus else ""
        return f"{self.cpus:g} CPU{gpus}"


class MemberLost(Exception):
    """The actor died, or its node; the message is for the log."""


class Member(Protocol):
    """One actor, from the request for it to its end."""

    name: str
    started_s: float

    async def run(self) -> Ended:
        """Work until the worker ends.

        Raises: MemberLost, WikiembedError when no node can run it.
        """

    async def report(self) -> Report | None:
        """What it has done; None while it starts, and when it does not answer."""

    def stop(self) -> None:
        """Let it finish the batches in flight."""

    def abort(self) -> None:
        """Let it requeue its running jobs now."""

    def kill(self) -> None:
        """End its process at once, or the request for it."""


class Cluster(Protocol):
    """Where actors run."""

    resources: Resources

    def start(self, name: str, order: Order) -> Member:
        """Request an actor; it runs when a node has room."""

    async def answers(self) -> bool:
        """Whether the head answers in time."""


class RayWorker(FleetWorker):
    """The actor's class, which knows its place from Ray."""

    def __init__(self, order: Order) -> None:
        import ray

        context = ray.get_runtime_context()
        super().__init__(order, node=context.get_node_id(), actor=context.get_actor_id() or "")


def require_ray() -> None:
    """Check that Ray is installed, without importing it.

    Raises: ConfigurationError.
    """
    if importlib.util.find_spec("ray") is None:
        raise ConfigurationError("`wikiembed fleet` needs Ray: run `pip install 'wikiembed[ray]'`.")


def check_address(address: str) -> None:
    """Refuse an address that is not of a cluster's head.

    Raises: WrongUsage.
    """
    if "://" in address:
        raise WrongUsage(
            f"--address {address} is of Ray's client or jobs, which a fleet does not use: run it on"
            " a node of the cluster, as by `ray job submit -- wikiembed fleet`."
        )


class RayCluster:
    """A cluster to which this process is connected; `resources` of each actor."""

    def __init__(self, address: str, resources: Resources) -> None:
        """Connect to the cluster at `address`: ``auto``, ``local`` (starts one), ``host:port``.

        Raises: RayUnreachable, ConfigurationError.
        """
        import ray

        self.resources = resources
        self._ray: Any = ray
        try:
            ray.init(
                address=address,
                namespace=NAMESPACE,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except Exception as error:
            raise _connection_error(address, error) from error

    def start(self, name: str, order: Order) -> RayMember:
        """Request an actor named `name`; what it needs makes an autoscaler add nodes."""
        actor = (
            self._ray.remote(RayWorker)
            .options(
                name=name,
                num_cpus=self.resources.cpus,
                num_gpus=self.resources.gpus,
                # Each node's server gets its share, and a lost node takes few actors with it.
                scheduling_strategy="SPREAD",
                # The fleet starts another one instead: it alone knows whether one is needed.
                max_restarts=0,
                max_task_retries=0,
            )
            .remote(order)
        )
        return RayMember(name, actor, self._ray)

    async def answers(self) -> bool:
        """Whether the head answers in time."""
        try:
            await asyncio.wait_for(asyncio.to_thread(self._ray.nodes), ANSWER_S)
        except Exception:
            return False
        return True

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        self._ray.shutdown()


class RayMember:
    """One Ray actor."""

    def __init__(self, name: str, actor: Any, ray: Any) -> None:
        self.name = name
        self.started_s = time.monotonic()
        self._actor = actor
        self._ray = ray
        self._asked: asyncio.Future[Report | None] | None = None
        self._has_answered = False

    async def run(self) -> Ended:
        """Work until the worker ends; then the actor is released.

        Raises: MemberLost, ConfigurationError.
        """
        try:
            ended: Ended = await self._actor.run.remote()
        except self._ray.exceptions.RayError as error:
            raise _loss(error) from error
        finally:
            self.kill()
        return ended

    async def report(self) -> Report | None:
        """What it has done; None while it starts, and when it does not answer.

        One question at a time: those to an actor that waits for a node would gather.
        """
        if self._asked is None:
            self._asked = asyncio.ensure_future(self._ask())
        await asyncio.wait([self._asked], timeout=REPORT_S if self._has_answered else 0)
        if not self._asked.done():
            return None
        found, self._asked = self._asked.result(), None
        self._has_answered = self._has_answered or found is not None
        return found

    async def _ask(self) -> Report | None:
        try:
            found: Report = await self._actor.report.remote()
        except self._ray.exceptions.RayError:
            return None  # `run` says why
        return found

    def stop(self) -> None:
        """Let it finish the batches in flight."""
        self._actor.stop.remote()

    def abort(self) -> None:
        """Let it requeue its running jobs now."""
        self._actor.abort.remote()

    def kill(self) -> None:
        """End its process at once, or the request for it."""
        threading.Thread(target=self._kill, daemon=True).start()  # it waits for the head

    def _kill(self) -> None:
        with contextlib.suppress(Exception):
            self._ray.kill(self._actor)


def _loss(error: Exception) -> Exception:
    """What became of an actor."""
    text = str(error)
    if "No module named" in text:
        module = text.partition("No module named")[2].strip().split()[0].strip("'\".;:,)")
        return ConfigurationError(
            f"The nodes have no Python module {module}: install this wikiembed there, for the same"
            " Python, with what its settings need."
        )
    cause = getattr(error, "cause", None)  # what the worker itself raised
    if isinstance(cause, Exception):
        return MemberLost(f"{type(cause).__name__}: {cause}"[:300])
    # Names and ids are indented; the lines after them say more than the first.
    lines = [line.strip() for line in text.splitlines() if line.strip() and line[0] != "\t"]
    return MemberLost(" ".join(lines[1:] or lines)[:300])


def _connection_error(address: str, error: Exception) -> WikiembedError:
    text = " ".join(str(error).split())
    if "ersion mismatch" in text:
        return ConfigurationError(
            f"The Ray cluster at {address} has other versions than this process: install the same"
            " Ray and Python here as there."
        )
    if type(error).__name__ == "AuthenticationError":
        return ConfigurationError(
            f"The Ray cluster at {address} refuses this process: set RAY_AUTH_TOKEN or"
            " RAY_AUTH_TOKEN_PATH to its token."
        )
    if address == LOCAL:
        return RayUnreachable(f"Ray does not start here: {text[:200].rstrip('.')}.")
    return RayUnreachable(
        f"No Ray cluster is in reach at {address}: start one with `ray start --head`, give its"
        " address with --address HOST:PORT, or use --address local."
    )
