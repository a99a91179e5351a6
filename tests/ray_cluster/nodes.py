"""A Ray cluster of several nodes on this machine, for the tests of `wikiembed fleet`."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

GCS_TIMEOUT_S = 10
"""How long Ray's processes wait for a lost head; by default 60 s."""
TRIES = 3


class Nodes:
    """A head and further nodes, which run as processes of this machine.

    A process of its own holds them: Ray's client of a head does not survive it. Paths of Unix
    sockets may have 107 characters, so its folder is directly below that of the system.
    """

    def __init__(self, number: int, *, cpus: int) -> None:
        self.folder = tempfile.mkdtemp(prefix="we-ray-")
        self.env: Mapping[str, str] = {
            "RAY_TMPDIR": self.folder,
            # Else Ray takes a token of this machine's for `auto`, and none for other addresses.
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": "0123456789abcdef0123456789abcdef0123456789abcdef",
            "RAY_gcs_rpc_server_reconnect_timeout_s": str(GCS_TIMEOUT_S),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self._cpus = cpus
        self._process: subprocess.Popen[str] | None = None
        self.address = ""
        self.start(number)

    def start(self, number: int) -> None:
        """Start a head without CPUs, so that no actor is on it, and `number` nodes.

        On a machine under load Ray's own limit of 30 s for a node is short: it is tried again.
        """
        for tried in range(1, TRIES + 1):
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "tests.ray_cluster.nodes", str(number),
                 str(self._cpus)],
                env={**os.environ, **self.env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                text=True,
            )  # fmt: skip
            try:
                self.address = self._answer()
            except AssertionError:
                self._process.communicate(timeout=60)
                if tried == TRIES:
                    raise
            else:
                return

    def _answer(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith('{"done"'):
                return str(json.loads(line)["done"])
        raise AssertionError("the cluster ended")

    def _tell(self, command: str) -> str:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self._answer()

    def remove(self) -> str:
        """Remove a node with all of its processes, as a machine that loses power; its id."""
        return self._tell("remove")

    def lose_head(self) -> None:
        """End the head's processes at once; the other nodes notice by themselves."""
        self._tell("lose head")

    def end(self) -> None:
        """End all nodes."""
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._tell("end")
            self._process.communicate(timeout=60)
            self._process = None

    def close(self) -> None:
        """End all nodes, and remove their folder."""
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def hold(number: int, cpus: int) -> None:
    """Hold a cluster, and do what standard input says, one command a line."""
    from ray.cluster_utils import Cluster

    cluster, nodes = _start(Cluster, number, cpus)
    _done(cluster.address)
    for line in sys.stdin:
        match line.strip():
            case "remove":
                node = nodes.pop()
                cluster.remove_node(node, allow_graceful=False)
                _done(node.node_id)
            case "lose head":
                cluster.remove_node(cluster.head_node, allow_graceful=False)
                _done("")
            case _:
                break
    _end(cluster, nodes)
    _done("")


def _start(make: Any, number: int, cpus: int) -> tuple[Any, list[Any]]:
    head = {"num_cpus": 0, "include_dashboard": False, **_ports()}
    cluster = make(initialize_head=True, head_node_args=head)
    return cluster, [cluster.add_node(num_cpus=cpus, **_ports()) for _ in range(number)]


def _ports() -> dict[str, int]:
    """Ports of a node's agents: where they choose them, Ray waits only 15 s until they have."""
    names = ("metrics_agent_port", "metrics_export_port", "runtime_env_agent_port",
             "dashboard_agent_listen_port")  # fmt: skip
    with contextlib.ExitStack() as opened:
        free = [opened.enter_context(socket.socket()) for _ in names]
        for one in free:
            one.bind(("", 0))
        return {name: one.getsockname()[1] for name, one in zip(names, free, strict=True)}


def _end(cluster: Any, nodes: list[Any]) -> None:
    for node in nodes:
        node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)
    if cluster.head_node is not None:
        cluster.head_node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)


def _done(answer: str) -> None:
    print(json.dumps({"done": answer}), flush=True)


if __name__ == "__main__":
    hold(int(sys.argv[1]), int(sys.argv[2]))
