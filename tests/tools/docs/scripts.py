"""docs/reference/scripts.md, from the scripts' own help."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

# ruff: noqa: E501 - rows of tables
from tests.tools.docs.markdown import code, table
from tests.tools.docs.pages import ROOT

INTRODUCTION = """\
# Scripts

The operator's come first, [those for contributors](#scripts-for-contributors) last.

Each of the operator's is a command of [`wikiembed`](commands.md) with its options and its exit codes;
`--help` says the same as this page. They run from a checkout, wherever they are called: settings come
from the environment, or from a file `.env` in the checkout. They use `wikiembed` of the checkout's
`.venv`, else that of the `PATH`; where there is none, they make `.venv` first.

What they do is in Postgres: they can be called on any machine that reaches it, and whoever has `psql`
can do the same with the [SQL interface](sql.md).
"""
FOR_CONTRIBUTORS = """\
## Scripts for contributors

They make `.venv` where it is needed, with everything that they run; `--help` says more.
"""
_SAYS = re.compile(r"#!.*\n# (?P<what>[^:\n]+): (?P<name>(?:scripts|\.ci)/\S+)")
LINES = """\
## What a backfill prints

Standard output is one JSON object a line; events for the log are on standard error. See
[events](events.md) for each field.

| line | fields | when |
| --- | --- | --- |
| `queued` | `source`, `jobs`, `chunks` | At the beginning, one a source. |
| `progress` | `done`, `total`, `missing`, `failed`, `chunks_per_s`, `eta_s`, `waits_for` while nothing goes on | After each `--report-every` batches of this process: where more ended within the quarter of a second between two looks, one line tells of them together. After 30 s without such a line, and at the end, in any case. |
| `chunk_failed` | `source`, `key`, `error_class`, `http_status`, `attempts`, `job_id`, `message` | A chunk went into [failures](failures.md) by this process. Its text is never shown. |
| `stopped` | `signal`, `chunks_left` | Ctrl-C or SIGTERM ended it before the queue was dry. |
| `backfilled` | the columns of `wikiembed.coverage`, `failed_by_class` | The queue is dry, or `--max-chunks` are embedded; one a source. |
| `would_queue`, `estimate` | see [events](events.md) | `--dry-run --json`. |

`done`, `missing`, `failed` and the rate are those of all workers together: two backfills at once tell of
the same progress, and each of its own failures. A chunk that [killed its worker](failures.md) three times
has no line, since no process was left to write it; it counts in `failed`.

## Stop, and go on

- Ctrl-C, once: the batches in hand finish and are written, and the last line says how to continue; twice:
  their jobs go back to the queue. Either way nothing is lost, and the same command goes on. Exit code 130;
  SIGTERM does the same with 143.
- `wiki_embeddings_pause.sh` from any machine: all backfills and workers begin no batch any more, and a
  backfill ends with 1 and says who paused and why. It goes on after `wiki_embeddings_resume.sh` and a new
  start.
- Two at once share the work, on one machine or two. A chunk is embedded by one of them.
"""


def scripts() -> list[Path]:
    """The scripts, by name."""
    return sorted((ROOT / "scripts").glob("wiki_embeddings_*.sh"))


def scripts_for_contributors() -> dict[str, str]:
    """The other scripts, and the purpose of each, from the first line of its comment."""
    files = (file for file in (ROOT / "scripts").iterdir() if file not in scripts())
    found = (_SAYS.match(file.read_text()) for file in [*files, ROOT / ".ci/run"] if file.is_file())
    return dict(sorted((said["name"], said["what"]) for said in found if said is not None))


def help_of(script: Path) -> str:
    """The output of a script's --help."""
    return subprocess.run(
        [str(script), "--help"], capture_output=True, text=True, check=True
    ).stdout.rstrip()


def scripts_page() -> str:
    """The page."""
    helps = {script.name: help_of(script) for script in scripts()}
    lines = [INTRODUCTION]
    lines += table(
        ["script", "what it does"],
        (
            [f"[{code(name)}](#{name.replace('.', '')})", said.split(":")[0] + "."]
            for name, said in helps.items()
        ),
    )
    for name, said in helps.items():
        lines += [f"## {name}", "", "```text", said, "```", ""]
    lines += [LINES, FOR_CONTRIBUTORS]
    lines += table(
        ["script", "what it does"],
        ([code(name), f"{what}."] for name, what in scripts_for_contributors().items()),
    )
    return "\n".join(lines)
