"""The command line as users run it: ``wikiembed`` in a separate process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.support.eventually import eventually
from tests.support.forked import Forked
from tests.support.preloaded import can_fork, preloaded

Start = Callable[[int, int], "subprocess.Popen[bytes] | Forked"]
"""Starts a command whose output and errors go to these descriptors."""
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of a command."""

    returncode: int
    stdout: str
    stderr: str


class RunCli(Protocol):
    """Runs a command to its end in a process; see the fixture `run_cli`."""

    def __call__(
        self, *args: str, env: dict[str, str] | None = None, timeout: float = 60
    ) -> Result: ...


class StartCli(Protocol):
    """Starts a command; see the fixture `start_cli`."""

    def __call__(self, *args: str, env: dict[str, str] | None = None) -> Running: ...


class Call(Protocol):
    """Runs a command to its end within this process; see the fixture `call`."""

    def __call__(self, *args: str, env: dict[str, str] | None = None) -> Result: ...


class Running:
    """A running command; its output goes to files, so it never blocks on a pipe."""

    def __init__(self, start: Start, folder: Path) -> None:
        self._out, self._err = folder / "stdout", folder / "stderr"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = start(out.fileno(), err.fileno())

    @property
    def stdout(self) -> str:
        return self._out.read_text()

    @property
    def stderr(self) -> str:
        return self._err.read_text()

    def wait(self, timeout: float = 60) -> Result:
        """Wait until it exits.

        Raises: subprocess.TimeoutExpired.
        """
        code = self.process.wait(timeout)
        return Result(returncode=code, stdout=self.stdout, stderr=self.stderr)

    def wait_for(self, check: Callable[[], object], *, within_s: float = 30) -> None:
        """Wait until `check()` is true; the command must keep running."""
        wait_for(check, self, within_s=within_s)

    def stop(self, sent: signal.Signals = signal.SIGTERM, timeout: float = 15) -> Result:
        """Send a signal to this process alone, wait, and kill it if it does not exit."""
        if self.process.poll() is None:
            self.process.send_signal(sent)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.wait(timeout)


def launch(command: list[str], *, env: Mapping[str, str], folder: Path) -> Running:
    """Start any command; the caller stops it."""

    def start(out: int, err: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )

    return Running(start, folder)


def wait_for(check: Callable[[], object], *running: Running, within_s: float = 120) -> None:
    """Wait until `check()` is true; the commands `running` must keep running."""

    def met() -> object:
        ended = [one for one in running if one.process.poll() is not None]
        if found := check():
            return found
        assert not ended, [(one.process.returncode, one.stderr) for one in ended]
        return None

    eventually(met, within_s=within_s, message=lambda: [one.stderr for one in running], poll_s=0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cli:
    """Runs commands against one database, from an empty folder (so no ``.env`` is read)."""

    # Not shown in a failed test's output: the environment may hold secrets.
    env: Mapping[str, str] = field(repr=False)
    folder: Path
    _running: list[Running] = field(default_factory=list)

    def run(self, *args: str, env: Mapping[str, str] | None = None, timeout: float = 60) -> Result:
        """Run ``wikiembed`` with `args` to its end."""
        running = self.start(*args, env=env)
        try:
            return running.wait(timeout)
        except subprocess.TimeoutExpired:
            running.stop(signal.SIGKILL)
            raise AssertionError(
                f"wikiembed {' '.join(args)}: no end in {timeout} s: {running.stderr}"
            ) from None

    def start(self, *args: str, env: Mapping[str, str] | None = None) -> Running:
        """Start ``wikiembed`` with `args`; stopped at the end of the test."""
        whole = {**self.env, **(env or {})}
        if not can_fork(whole):
            return self.launch([sys.executable, "-m", "wikiembed", *args], env=env)
        folder = self._new_folder()

        def start(out: int, err: int) -> Forked:
            with Path(os.devnull).open("rb") as nothing:
                streams = (nothing.fileno(), out, err)
                return preloaded().fork(args, env=whole, folder=folder, streams=streams)

        running = Running(start, folder)
        self._running.append(running)
        return running

    def launch(self, command: list[str], *, env: Mapping[str, str] | None = None) -> Running:
        """Start any command in the same environment; stopped at the end of the test."""
        running = launch(command, env={**self.env, **(env or {})}, folder=self._new_folder())
        self._running.append(running)
        return running

    def _new_folder(self) -> Path:
        folder = self.folder / str(len(self._running))
        folder.mkdir(parents=True)
        return folder

    def close(self) -> None:
        """Stop the commands that still run."""
        for running in self._running:
            running.stop()


def environment(**settings: str) -> dict[str, str]:
    """This process's environment with only these ``WIKIEMBED_`` settings, by lower-case name."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WIKIEMBED_")}
    settings = {"check_truncation": "false", "verify_chunks": "0"} | settings
    ours = {f"WIKIEMBED_{name.upper()}": value for name, value in settings.items()}
    return {**kept, **ours, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200"}
