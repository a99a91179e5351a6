"""Run the benchmark, ``python -m tests.tools.bench``: see ``scripts/bench --help``.

Exit code 0 when every row ran, whatever it measured; the table marks goals that are not reached.
Exit code 1 when a row failed: the others are measured and shown all the same.
"""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.tools.bench import table
from tests.tools.bench.place import Place, a_place
from tests.tools.bench.result import Form, Measured
from tests.tools.bench.rows import (
    budgets,
    console,
    documents,
    embedding,
    fleet,
    growth,
    inserts,
    limits,
    living,
    looking,
    observing,
    peers,
    quality,
    quantise,
    searching,
    several,
    shell,
    transformers,
    whole,
    written,
)

Row = Callable[[Place, Form], Iterator[Measured]]
ROWS: dict[str, Row] = {
    "share": embedding.share,
    "throughput": embedding.throughput,
    "scaling": embedding.scaling,
    "several": several.several,
    "written": written.written,
    "whole": whole.whole,
    "bulk": inserts.bulk,
    "single": inserts.single,
    "clients": inserts.clients,
    "enqueue": looking.enqueue,
    "coverage": looking.coverage,
    "fetch": looking.fetch,
    "latency": living.latency,
    "trickle": living.trickle,
    "memory": living.memory,
    "pause": living.pause,
    "metrics": observing.observing,
    "budget": budgets.budgets,
    "limits": limits.limits,
    "documents-edits": documents.edits,
    "documents-resplit": documents.resplit,
    "documents-split": documents.split,
    "documents-insert": documents.insert,
    "documents-latency": documents.latency,
    "search": searching.search,
    "search-quality": quality.quality,
    "first-answer": shell.first_answer,
    "search-quantise": quantise.quantise,
    "console": console.console,
    "listeners": console.listeners,
    "growth": growth.growth,
    "transformers": transformers.transformers,
    "peers": peers.peers,
    "fleet": fleet.fleet,
}
ASKED_FOR = frozenset(
    {"search", "search-quantise", "growth", "limits", "peers", "transformers", "fleet"}
)
"""Rows that the short form leaves out unless they are named: each takes longer than all others."""
NEEDS_A_PEER = frozenset({"peers", "transformers", "fleet"})
"""Rows that the long form leaves out, too: they need what is not installed with the tests."""


def chosen(named: list[str] | None, *, full: bool) -> list[str]:
    """The rows to measure: those named, else those of the form."""
    return named or [row for row in ROWS if row not in (NEEDS_A_PEER if full else ASKED_FOR)]


def main() -> int:
    """Measure, then print the table and write the requested files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the long form: an hour and a half")
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), help="these only")
    parser.add_argument(
        "--sizes", nargs="+", type=int, default=[], help="chunks, for growth and whole"
    )
    parser.add_argument("--dimensions", type=int, default=0, help="of --sizes; default 768")
    parser.add_argument("--pgai", help="for peers: pgai's command, in an environment of its own")
    parser.add_argument("--json", type=Path, help="write all numbers here")
    parser.add_argument("--markdown", type=Path, help="write the table here")
    parser.add_argument("--png", type=Path, help="draw plots into this folder (extra bench)")
    arguments = parser.parse_args()
    form = Form(
        short=not arguments.full,
        sizes=tuple(sorted(arguments.sizes)),
        dimensions=arguments.dimensions,
        pgai=arguments.pgai,
    )
    results: list[Measured] = []
    failed: list[str] = []
    with a_place() as place:
        for name in chosen(arguments.rows, full=arguments.full):
            print(f"measuring {name}", file=sys.stderr, flush=True)
            try:
                results += ROWS[name](place, form)
            except Exception:
                traceback.print_exc()
                failed.append(name)
    table.show(results)
    if arguments.json:
        table.save(results, arguments.json, form="short" if form.short else "full")
    if arguments.markdown:
        arguments.markdown.write_text(table.markdown(results))
    if arguments.png:
        table.plot(results, arguments.png)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    # Left by an exception, so that the database's folder is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
