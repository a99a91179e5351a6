"""docs/reference/doctor.md, from `wikiembed.control.doctor.ALARMS`."""

from __future__ import annotations

# ruff: noqa: E501 - lines of a page
from tests.tools.docs.markdown import code, table
from wikiembed.control.doctor import ALARMS
from wikiembed.control.ready import OBSTACLES

INTRODUCTION = """\
# Doctor

`wikiembed doctor` examines an installation and reports each finding as `ok`, a `warning` or a
`fault`, with its remedy. It changes nothing. It exits 0 without a fault, 1 with one, and if the database
cannot be examined, with that error's code: 3 out of reach, 2 for a wrong setting, schema or right; the rest is
still examined. Each line is printed as soon as it is known; with `--json` it prints one array of objects with
`name`, `level` and `sentence` at its end. Each model is checked once, all concurrently.

<!-- not run: depends on the reader's installation -->
```sh
wikiembed doctor
```

The names below are stable: alarms may be set on them. One name may occur several times, once per source,
and its sentence names the source and the command to run. `invariants` reads whole tables: the
smallest, up to 1,000,000 rows together (about half a second). It names the sources that it omitted;
`wikiembed doctor --full` reads all of them, which takes about half a second per million rows.
"""
CLOSING = """\
Not examined: the clock of the embedding server, since nothing in wikiembed depends on it; and what
is only in the server's log.
"""
READY = """\
## What is in the way of ready

`wikiembed ready` reads the tables themselves, which takes a moment, and if its answer is no it names what
is in the way, with the command for it; `--json` gives `name`, `source`, `chunks`, `sentence` and `command`
of each. With `--smoke` a ready source must also be searchable: the text of one of its chunks is embedded
anew, with the source's model and prefix, and the nearest chunk must be that one (or one of the same text),
no more than 0.05 away. A source without vectors has nothing to find; if none has any, the answer is no.
"""


def doctor_page() -> str:
    """The page."""
    return "\n".join(
        [
            INTRODUCTION,
            "## Alarms",
            "",
            *table(
                ["name", "level", "what it means", "what fixes it"],
                ([code(a.name), a.level, a.meaning, f"{a.fix}."] for a in ALARMS),
            ),
            CLOSING,
            READY,
            "",
            *table(
                ["in the way", "what it means"],
                ([code(name), meaning] for name, meaning in OBSTACLES.items()),
            ),
        ]
    )
