"""Why a program of Postgres failed: the one line of its output with the cause."""

from __future__ import annotations

import re

# initdb leaves its own line open, so its server's output may be in the middle of a line.
_MESSAGE = re.compile(r"(?:^|[ ])(?P<level>PANIC|FATAL|ERROR|error): +(?P<text>.+)$")
_LEVELS = {"panic": 3, "fatal": 2, "error": 1}
_AFTERMATH = re.compile(
    r"terminating connection|the database system is (?:starting up|shutting down)"
    r"|could not start server|child process exited|canceling "
)
_START = "starting PostgreSQL"


def cause_of(output: str) -> str:
    """The cause in `output`, which is of ``initdb`` or a server's log.

    The first line of the most severe level since the last start, without date and level: later
    lines report the consequences. If no line has a level, the last one.
    """
    lines = [line.strip() for line in output.rpartition(_START)[2].splitlines() if line.strip()]
    if not lines:
        return "no output"
    found: list[tuple[int, str]] = []
    for line in lines:
        message = _MESSAGE.search(line)
        if message is not None and not _AFTERMATH.search(line):
            found.append((_LEVELS[message["level"].lower()], message["text"]))
    severest = max((level for level, _ in found), default=0)
    text = next((text for level, text in found if level == severest), lines[-1])
    return text.rstrip(".")
