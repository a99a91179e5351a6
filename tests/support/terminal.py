"""Commands on a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping

from tests.support.cli import Cli

WIDTH = 80


def run_on_terminal(
    cli: Cli,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    stop_when: Callable[[str], bool] | None = None,
) -> tuple[int, str]:
    """Run ``wikiembed`` on a terminal of `WIDTH` columns: exit code and raw output.

    Sends Ctrl-C once `stop_when` is true of the output.
    """
    ours, theirs = pty.openpty()
    given = {**cli.env, **(env or {}), "TERM": "xterm", "COLUMNS": str(WIDTH)}
    cli.folder.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "wikiembed", *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, env=given, cwd=cli.folder,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    try:
        while data := os.read(ours, 65536):
            seen += data
            if stop_when is not None and stop_when(seen.decode(errors="ignore")):
                process.send_signal(signal.SIGINT)
                stop_when = None
    except OSError:  # the terminal's other end is closed
        pass
    os.close(ours)
    return process.wait(30), seen.decode()
