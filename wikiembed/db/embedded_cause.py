"""Why a program of Postgres failed: the one line of its output that says so."""

from __future__ import annotations

import re

# initdb leaves its own line open, so that what its server says may come in the middle.
_SAID = re.compile(r"(?:^|[ ])(?P<level>PANIC|FATAL|ERROR|error): +(?P<text>.+)$")
_LEVELS = {"panic": 3, "fatal": 2, "error": 1}
_AFTERMATH = re.compile(
    r"terminating connection|the database system is (?:starting up|shutting down)"
    r"|could not start server|child process exited|canceling "
)
_START = "starting PostgreSQL"


def cause_of(output: str) -> str:
    """The line of `output`, of ``initdb`` or of a server's log, that says what went wrong.

    Of the last start the first line of the gravest level, without date and level; Postgres goes on
    to tell what it does about it. Where no line has a level, the last one.
    """
    lines = [line.strip() for line in output.rpartition(_START)[2].splitlines() if line.strip()]
    if not lines:
        return "it said nothing"
    found: list[tuple[int, str]] = []
    for line in lines:
        said = _SAID.search(line)
        if said is not None and not _AFTERMATH.search(line):
            found.append((_LEVELS[said["level"].lower()], said["text"]))
    gravest = max((level for level, _ in found), default=0)
    text = next((text for level, text in found if level == gravest), lines[-1])
    return text.rstrip(".")
