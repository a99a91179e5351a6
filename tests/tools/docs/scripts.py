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
`--help` says the same as this page. They run from a checkout, in any working directory: settings come
from the environment, or from a file `.env` in the checkout. They use `wikiembed` of the checkout's
`.venv`, else that of the `PATH`; without either, they create `.venv` first.

They act on Postgres only: they run on any machine that reaches it, and an operator with `psql`
can do the same with the [SQL interface](sql.md).
"""
FOR_CONTRIBUTORS = """\
## Scripts for contributors

They create `.venv` if needed, with everything that they run; see `--help`.
"""
_SAYS = re.compile(r"#!.*\n# (?P<what>[^:\n]+): (?P<name>(?:scripts|\.ci)/\S+)")
LINES = """\
## What a backfill prints

Standard output is one JSON object per line; events for the log are on standard error. See
[events](events.md) for each field.

| line | fields | when |
| --- | --- | --- |
| `queued` | `source`, `jobs`, `chunks` | At the start, one per source. |
| `progress` | `done`, `total`, `missing`, `failed`, `chunks_per_s`, `eta_s`, `waits_for` during a standstill | After each `--report-every` batches of this process; batches that end within the same quarter of a second share one line. Also after 30 s without such a line, and at the end. |
| `chunk_failed` | `source`, `key`, `error_class`, `http_status`, `attempts`, `job_id`, `message` | This process recorded a chunk in [failures](failures.md). Its text is never shown. |
| `stopped` | `signal`, `chunks_left` | Ctrl-C or SIGTERM ended it before the queue was empty. |
| `backfilled` | the columns of `wikiembed.coverage`, `failed_by_class` | The queue is empty, or `--max-chunks` are embedded; one per source. |
| `would_queue`, `estimate` | see [events](events.md) | `--dry-run --json`. |

`done`, `missing`, `failed` and the rate are those of all workers together: two concurrent backfills report
the same progress, and each one its own failures. A chunk that [killed its worker](failures.md) three times
has no line, since no process was left to write it; it counts as `failed`.

## Stop and continue

- Ctrl-C, once: the batches in flight finish and are written, and the last line says how to continue; twice:
  their jobs return to the queue. Either way nothing is lost, and the same command continues. Exit code 130;
  SIGTERM does the same with 143.
- `wiki_embeddings_pause.sh` from any machine: no backfill or worker starts another batch, and a
  backfill exits with 1 and reports who paused and why. It continues after `wiki_embeddings_resume.sh` and a
  restart.
- Two concurrent backfills share the work, on one machine or two. Each chunk is embedded by one of them.
"""


def scripts() -> list[Path]:
    """The scripts, by name."""
    return sorted((ROOT / "scripts").glob("wiki_embeddings_*.sh"))


def scripts_for_contributors() -> dict[str, str]:
    """The other scripts, and the purpose of each, from the first line of its comment."""
    files = (file for file in (ROOT / "scripts").iterdir() if file not in scripts())
    found = (_SAYS.match(file.read_text()) for file in [*files, ROOT / ".ci/run"] if file.is_file())
    return dict(sorted((output["name"], output["what"]) for output in found if output is not None))


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
            [f"[{code(name)}](#{name.replace('.', '')})", output.split(":")[0] + "."]
            for name, output in helps.items()
        ),
    )
    for name, output in helps.items():
        lines += [f"## {name}", "", "```text", output, "```", ""]
    lines += [LINES, FOR_CONTRIBUTORS]
    lines += table(
        ["script", "what it does"],
        ([code(name), f"{what}."] for name, what in scripts_for_contributors().items()),
    )
    return "\n".join(lines)
