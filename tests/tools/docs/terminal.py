"""A command's final screen: it runs on a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyte

COLUMNS = 80
_ROWS = 24
_PAPER = 2000
"""Rows of the emulated screen: so many that nothing scrolls off it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """The exit code of a command, and the lines on its screen, without trailing blanks."""

    returncode: int
    text: str


def show(
    command: Sequence[str], *, env: Mapping[str, str], folder: Path, timeout_s: float
) -> Screen:
    """Run `command` to its end on a terminal of 80 columns.

    Raises: TimeoutError, after the command was killed.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, COLUMNS, 0, 0))
    size = {"COLUMNS": str(COLUMNS), "LINES": str(_ROWS), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        command,
        env={**env, **size},
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        written = _read_to_the_end(ours, timeout_s)
        returncode = process.wait(timeout_s)
    except (TimeoutError, subprocess.TimeoutExpired):
        process.kill()
        process.wait()
        raise TimeoutError(f"no end in {timeout_s} s: {command!r}") from None
    finally:
        os.close(ours)
    return Screen(returncode=returncode, text=_rendered(written))


def _read_to_the_end(terminal: int, timeout_s: float) -> bytes:
    """The output until the last process closed the terminal."""
    deadline = time.monotonic() + timeout_s
    written = bytearray()
    while (left_s := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([terminal], [], [], left_s)
        if not ready:
            break
        try:
            chunk = os.read(terminal, 1 << 16)
        except OSError:  # Linux: no process has it open
            return bytes(written)
        if not chunk:
            return bytes(written)
        written += chunk
    raise TimeoutError


def _rendered(written: bytes) -> str:
    screen = pyte.Screen(COLUMNS, _PAPER)
    pyte.ByteStream(screen).feed(written)
    return "\n".join(line.rstrip() for line in screen.display).rstrip()
