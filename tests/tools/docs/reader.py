"""A simulated reader of a page: an empty folder, a database, a server, and the page's blocks."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from psycopg import sql

from tests.support.chunks import attach_sql, table_sql
from tests.support.cli import environment
from tests.support.database import Database, create_database, make_template, url_of
from tests.support.server import TestServer
from tests.support.standin import StandIn
from tests.support.wiki import split_pages
from tests.tools.docs.outputs import as_shown
from tests.tools.docs.pages import BEGINS_WITH, ROOT, Block, blocks_of, yours_from
from tests.tools.docs.running import Shell, path_with_tools, run_block
from wikiembed.config import LOCAL_DIMENSIONS
from wikiembed.control.load import load_articles
from wikiembed.embedders.local import StaticModel
from wikiembed.embedders.local_model import load_wordllama
from wikiembed.vectors import Matrix
from wikiembed.wiki import LoadCounts, read_articles

DIMENSIONS = 768
DOCS = f"""
{table_sql(vector=f"vector({DIMENSIONS})")};
{attach_sql()};
insert into public.docs (body) select 'Document ' || n from generate_series(1, 3) as n;
"""
SAMPLE = ROOT / "wikiembed" / "sample" / "articles.jsonl"
CREATED = re.compile(r"^create (?P<what>role|database) (?P<name>\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A block that was run, and its output with the names of a reader's machine."""

    block: Block
    printed: str


@cache
def _model() -> StaticModel:
    return load_wordllama()


def local_vectors(texts: Sequence[str], dimensions: int, salt: str) -> Matrix:
    """Vectors of the local model, `(n, dim) float32`, repeated to `dimensions`.

    They preserve its similarities, so that a search on a page finds the same as a reader's.
    """
    matrix = _model().embed([salt + text for text in texts])
    repeated: Matrix = np.tile(matrix, (1, dimensions // LOCAL_DIMENSIONS))
    return repeated


MOST_CHARS = 3_000
"""Of a text, as Ollama's models have a context that is longer than any chunk of the pages."""


def follow(
    page: Path, *, server: TestServer, folder: Path, also: str | None = None
) -> Iterator[Followed]:
    """Run the blocks of `page` in order, in `folder`; with `also` those not run for that reason.

    A page without prerequisites has the embedded Postgres and the local model, up to where it
    continues with the reader's database. At the end the invariants must hold.
    """
    blocks = [block for block in blocks_of(page) if block.runs or (also and block.not_run == also)]
    created = [(found["what"], found["name"]) for b in blocks for found in CREATED.finditer(b.text)]
    home = folder / "empty"
    home.mkdir()
    _model()  # Loading takes seconds under load, and `attach` waits three for the server's answer.
    with (
        database_of(server, state=begins_with(page), created=created) as database,
        StandIn(
            dialect="all", dimensions=DIMENSIONS, vectors=local_vectors, max_chars=MOST_CHARS
        ) as standin,
        # Not under pytest's folder: each pytest of root makes their common parent private to root
        # and Postgres does not run as root.
        tempfile.TemporaryDirectory(prefix="we-docs-") as data,
    ):
        env = environment(data_dir=data, check_truncation="true")
        env["PATH"] = path_with_tools(folder / "bin")
        yours = {
            "WIKIEMBED_DATABASE_URL": database.url,
            "WIKIEMBED_EMBEDDER": "ollama",
            "WIKIEMBED_EMBEDDER_URL": standin.url,
            "WIKIEMBED_DOCUMENT_PREFIX": "search_document: ",
            "WIKIEMBED_QUERY_PREFIX": "search_query: ",
        }
        names = names_of(database, standin_url=standin.url, data=data, home=home)
        for what, name in created:
            if what == "database":  # which a page names by a variable: its URL is the reader's own
                env[name.upper()] = url_of(server, name)
        shell = Shell(env=env, folder=home, state=folder / "state")
        begins = yours_from(page) if begins_with(page) == "nothing" else 0
        for block in blocks:
            if block.line > begins:
                shell.export(yours)
            printed = run_block(block, shell=shell, database=database)
            yield Followed(block=block, printed=as_shown(printed, names))
        is_there = database.one("select to_regnamespace('wikiembed') is not null")
        if any(block.line > begins for block in blocks) and is_there:
            database.check_invariants()


def names_of(database: Database, *, standin_url: str, data: str, home: Path) -> dict[str, str]:
    """This run's names, and those of a reader's machine."""
    url = urlsplit(database.url)
    info = database.connect().info
    return {
        f"{url.hostname}:{url.port}": "localhost:5432",
        f"{info.host}:{info.port}": "localhost:5432",
        database.name: "wiki",
        standin_url: "http://localhost:11434",
        data: "~/.local/share/wikiembed",
        str(home): "~",
        f"port={url.port}": "port=5432",
    }


def begins_with(page: Path) -> str:
    """The stated prerequisite of `page`; `docs` by default."""
    marked = BEGINS_WITH.search(page.read_text())
    return marked["state"] if marked else "docs"


@contextlib.contextmanager
def database_of(
    server: TestServer, *, state: str, created: list[tuple[str, str]]
) -> Iterator[Database]:
    """A database in the `state` of `begins_with`; dropped with what its page creates beside it.

    `created`: roles and databases, by kind and name.
    """
    bare = state in {"empty", "nothing"}
    made = create_database(server, "template0" if bare else make_template(server, DIMENSIONS))
    try:
        if state == "docs":
            made.execute(DOCS)
        if state == "wiki":
            load_articles(made.connect(), read_articles(SAMPLE, LoadCounts()))
            split_pages(made)
        yield made
    finally:
        made.close()
        with server.admin() as connection:
            for what, name in sorted(created):  # databases first: they may be owned by a role
                drop = sql.SQL(
                    "drop {} if exists {}" + (" with (force)" if what == "database" else "")
                )
                connection.execute(drop.format(sql.SQL(what), sql.Identifier(name)))
