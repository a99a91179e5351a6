"""The picture of the README: ``python -m tests.tools.docs.picture`` redraws ``status --watch``.

A worker embeds the sample wiki and a table of documents, and its server refuses one text; the
view is that of the command, and the drawing is rich's.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from tests.support.cli import environment
from tests.support.database import Database
from tests.support.eventually import eventually
from tests.support.server import start_server
from tests.support.standin import BadText, StandIn
from tests.tools.docs.pages import DOCS
from tests.tools.docs.reader import database_of, local_vectors
from wikiembed.cli.panel import Panel
from wikiembed.control.watch import View, look

FILE = DOCS / "status-watch.svg"
TITLE = "wikiembed status --watch"
WIDTH, HEIGHT = 80, 18
DIMENSIONS = 768
DOCUMENTS = """
create table public.docs (
  id bigint generated always as identity primary key, body text, vec vector(768));
select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs');
insert into public.docs (body)
select 'Document ' || n || case n when 100 then ' is refused' else '' end
  from generate_series(1, 4000) as n;
"""
NOTES = """
create table public.notes (
  id bigint generated always as identity primary key, body text, vec vector(768));
select wikiembed.attach('public.notes', 'id', 'body', 'vec', '한국어 노트');
insert into public.notes (body) select '노트 ' || n from generate_series(1, 300) as n;
select wikiembed.pause('한국어 노트', 'the GPU is being moved');
"""
# Rich's format, without the fonts that a reader's browser would fetch.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def drawn(view: View) -> str:
    """The view as an SVG document."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Panel(width=WIDTH, height=HEIGHT, plain=False).draw(view))
    return console.export_svg(title=TITLE, code_format=FORMAT, unique_id="wikiembed")


def look_at_half(database: Database, url: str) -> View:
    """The command's view once a worker has embedded half of the documents."""
    settings = environment(
        database_url=database.url, embedder="openai", embedder_url=url, model="bge-m3",
        concurrency="2", log_level="error",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        worker = subprocess.Popen(
            [sys.executable, "-m", "wikiembed", "worker"],
            env={**os.environ, **settings},
            cwd=folder,
        )
        try:
            half = "select count(vec) >= 2000 from public.docs"
            eventually(lambda: database.one(half), within_s=60, poll_s=0.1)
            return View(snapshot=look(database.connect()))
        finally:
            worker.terminate()
            worker.wait(30)


def main() -> None:
    """Draw the picture into docs/."""
    server = start_server()
    try:
        with (
            database_of(server, state="wiki", created=[]) as database,
            StandIn(
                dialect="openai", dimensions=DIMENSIONS, vectors=local_vectors, model="bge-m3",
                latency_s=0.2, bad_texts=[BadText(contains="is refused", status=400)],
            ) as standin,
        ):  # fmt: skip
            database.execute(DOCUMENTS)
            database.execute(NOTES)
            FILE.write_text(drawn(look_at_half(database, standin.url)))
    finally:
        server.end()


if __name__ == "__main__":
    main()
