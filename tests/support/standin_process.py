"""The stand-in as a process: its counts survive every killed worker."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import httpx

from tests.support.cli import ROOT


class StandInProcess:
    """Runs ``python -m tests.support.standin``; `controls`: see tests.support.standin.faults."""

    def __init__(self, **controls: object) -> None:
        self._controls = controls
        self._start(port=0)

    def _start(self, *, port: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.standin", "--port", str(port),
             "--control", json.dumps(self._controls)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.url: str = json.loads(self.process.stdout.readline())["url"]

    def control(self, **controls: object) -> None:
        """Set controls while it runs."""
        httpx.post(f"{self.url}/_control", json=controls, timeout=30).raise_for_status()

    def stats(self) -> dict[str, Any]:
        """Its counts; `repeated` is the texts that were embedded more than once."""
        counts: dict[str, Any] = httpx.get(f"{self.url}/_stats", timeout=30).json()
        return counts

    def kill(self) -> None:
        """``kill -9``; its counts are lost."""
        self.process.kill()
        self.process.communicate(timeout=10)

    def restart(self) -> None:
        """Start it again after `kill`, on the same port and with its first controls."""
        self._start(port=int(self.url.rpartition(":")[2]))

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.communicate(timeout=10)
