"""A Ray cluster of several nodes on this machine, for the tests of `wikiembed fleet`."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from typing import Any

GCS_TIMEOUT_S = 10
"""How long Ray's processes wait for a lost head; by default 60 s."""


class Nodes:
    """A head and further nodes, which run as processes of this machine.

    Paths of Unix sockets may have 107 characters: its folder is directly below that of the system.
    """

    def __init__(self, number: int, *, cpus: int) -> None:
        self.folder = tempfile.mkdtemp(prefix="we-ray-")
        self.env: Mapping[str, str] = {
            "RAY_TMPDIR": self.folder,
            # Else Ray takes a token of this machine's for `auto`, and none for other addresses.
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": "0123456789abcdef0123456789abcdef0123456789abcdef",
            "RAY_gcs_rpc_server_reconnect_timeout_s": str(GCS_TIMEOUT_S),
            "RAY_raylet_start_wait_time_s": "120",
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        os.environ.update(self.env)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from ray.cluster_utils import Cluster
        self._cpus = cpus
        self._make = Cluster
        self.cluster: Any = None
        self.nodes: list[Any] = []
        self.start(number)

    def start(self, number: int) -> None:
        """Start a head without CPUs, so that no actor is on it, and `number` nodes."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.cluster = self._make(
                initialize_head=True,
                head_node_args={"num_cpus": 0, "include_dashboard": False},
            )
            self.nodes = [self.cluster.add_node(num_cpus=self._cpus) for _ in range(number)]

    @property
    def address(self) -> str:
        """Of the head, for ``--address``."""
        return str(self.cluster.address)

    def remove(self) -> str:
        """Remove a node with all of its processes, as a machine that loses power; its id."""
        node = self.nodes.pop()
        self.cluster.remove_node(node, allow_graceful=False)
        return str(node.node_id)

    def lose_head(self) -> None:
        """End the head's processes at once; the other nodes notice by themselves."""
        self.cluster.remove_node(self.cluster.head_node, allow_graceful=False)

    def end(self) -> None:
        """End all nodes."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for node in self.nodes:
                node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)
            self.nodes = []
            if self.cluster.head_node is not None:
                self.lose_head()

    def close(self) -> None:
        """End all nodes, and remove their folder."""
        self.end()
        for name in self.env:
            os.environ.pop(name, None)
        shutil.rmtree(self.folder, ignore_errors=True)
