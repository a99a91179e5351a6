"""docs/reference/doctor.md, from `wikiembed.control.doctor.ALARMS`."""

from __future__ import annotations

# ruff: noqa: E501 - lines of a page
from tests.tools.docs.markdown import code, table
from wikiembed.control.doctor import ALARMS
from wikiembed.control.ready import OBSTACLES

INTRODUCTION = """\
# Doctor

`wikiembed doctor` examines an installation and says of each thing whether it is `ok`, a `warning` or a
`fault`, and what to do. It changes nothing. It exits 0 without a fault, 1 with one, and where the database
cannot be examined as that error does: 3 out of reach, 2 for a wrong setting, schema or right; what can be examined
without it is. Each line is printed as soon as it is known; with `--json` it prints one array of objects with
`name`, `level` and `sentence` at its end. Each model is asked once, all at the same time.

<!-- not run: says of each reader's installation something else -->
```sh
wikiembed doctor
```

The names below are stable: alarms may be set on them. One name may come several times, once for each source,
and its sentence names the source and the command as it is to be run. `invariants` reads whole tables: the
smallest, up to 1,000,000 rows together (about half a second). It names the sources that it left out;
`wikiembed doctor --full` reads all of them, which takes about half a second per million rows.
"""
CLOSING = """\
Not examined: the clock of the embedding server, since nothing that wikiembed does depends on it; and what
only the server's log knows.
"""
READY = """\
## What is in the way of ready

`wikiembed ready` asks the tables themselves, which takes a moment, and where its answer is no it names what
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
