"""What the documentation shows works: every block runs, or says why it does not."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql

from tests.docs.pages import (
    BEGINS_WITH,
    ROOT,
    RUN_AS_SHELL,
    RUN_AS_SQL,
    Block,
    blocks_of,
    pages,
    strays_of,
    yours_from,
)
from tests.docs.running import Shell, is_shown, path_with_tools, run_block, steps_of
from tests.harness.cli import environment
from tests.harness.database import Database, create_database
from tests.harness.server import TestServer
from tests.standin import StandIn
from wikiembed.config import Provider, Settings
from wikiembed.control.load import load_articles
from wikiembed.db.migrate import upgrade
from wikiembed.wiki import LoadCounts, read_articles

DIMENSIONS = 768
SHOWN_ONLY = frozenset({"text", "json", "yaml"})
NOT_RUN = {
    "README.md": 5,
    "docs/WIKI_EMBEDDINGS_POLICY.md": 1,
    "docs/ko/README.md": 5,
    "docs/ko/WIKI_EMBEDDINGS_POLICY.md": 1,
    "docs/STEP_BY_STEP.md": 3,
    "docs/tutorial.md": 1,
    "docs/how-to/priorities.md": 1,
    "docs/how-to/upgrade.md": 1,
    "docs/how-to/several-sources.md": 1,
    "docs/deploy/docker.md": 3,
    "docs/deploy/kubernetes.md": 1,
    "docs/deploy/systemd.md": 2,
    "docs/explanation/scale.md": 1,
    "docs/reference/doctor.md": 1,
    "docs/reference/performance.md": 1,
}
"""How many blocks of each page no test runs: raise it only with a reason in the page."""
DOCS = """
create table public.docs (
  id bigint generated always as identity primary key, body text, vec vector(768));
select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs');
insert into public.docs (body) select 'Document ' || n from generate_series(1, 3) as n;
"""
SAMPLE = ROOT / "wikiembed" / "sample" / "articles.jsonl"
CREATED_ROLE = re.compile(r"^create role (\w+)", re.MULTILINE)
TRANSLATED = ROOT / "docs" / "ko"
"""Not run again: another test holds their blocks to those of the originals."""
RUNNABLE = [
    page
    for page in pages()
    if page.parent != TRANSLATED and any(block.runs for block in blocks_of(page))
]


def _name(page: Path) -> str:
    return str(page.relative_to(pages()[0].parent))


def _all_blocks() -> list[Block]:
    return [block for page in pages() for block in blocks_of(page)]


@contextlib.contextmanager
def empty_database(server: TestServer, *, roles: list[str]) -> Iterator[Database]:
    """A database with nothing in it; dropped with the roles that its page creates."""
    made = create_database(server, "template0")
    try:
        yield made
    finally:
        made.close()
        with server.admin() as connection:
            for name in roles:
                connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(name)))


def _begins_with(page: Path) -> str:
    marked = BEGINS_WITH.search(page.read_text())
    return marked["state"] if marked else "docs"


def _prepare(database: Database, page: Path) -> None:
    """Bring the database to what `page` begins with: `docs`, unless it says otherwise."""
    state = _begins_with(page)
    if state in {"empty", "nothing"}:
        return
    url = database.url
    upgrade(url, Settings(database_url=url, dimensions=DIMENSIONS, embedder=Provider.LOCAL))
    if state == "docs":
        database.execute(DOCS)
    if state == "wiki":
        load_articles(database.connect(), read_articles(SAMPLE, LoadCounts()))


@pytest.mark.parametrize("page", RUNNABLE, ids=_name)
def test_blocks_of_a_page_run_in_order(page: Path, postgres: TestServer, tmp_path: Path) -> None:
    """Commands and SQL of a page do what it says, from an empty folder, with a server.

    A page that begins with nothing has the embedded Postgres and the local model, up to where it
    goes on with a database of the reader's own.
    """
    blocks = [block for block in blocks_of(page) if block.runs]
    roles = [name for b in blocks for name in CREATED_ROLE.findall(b.text)]
    folder = tmp_path / "empty"
    folder.mkdir()
    with (
        empty_database(postgres, roles=roles) as database,
        StandIn(dialect="all", dimensions=DIMENSIONS) as server,
        # Not under tmp_path: each pytest of root closes their common parent to other accounts,
        # and Postgres does not run as root.
        tempfile.TemporaryDirectory(prefix="we-docs-") as data,
    ):
        _prepare(database, page)
        # A machine with nothing on it: the embedded Postgres and the local model.
        env = environment(data_dir=data)
        env["PATH"] = path_with_tools(tmp_path / "bin")
        yours = {
            "WIKIEMBED_DATABASE_URL": database.url,
            "WIKIEMBED_EMBEDDER": "ollama",
            "WIKIEMBED_EMBEDDER_URL": server.url,
            "WIKIEMBED_DOCUMENT_PREFIX": "search_document: ",
            "WIKIEMBED_QUERY_PREFIX": "search_query: ",
        }
        shell = Shell(env=env, folder=folder, state=tmp_path / "state")
        begins = yours_from(page) if _begins_with(page) == "nothing" else 0
        for block in blocks:
            if block.line > begins:
                shell.export(yours)
            run_block(block, shell=shell, database=database)
        if any(block.line > begins for block in blocks):
            database.check_invariants()


def test_every_block_runs_or_says_why_not() -> None:
    """No block is silently left out: the marked ones are counted."""
    marked = [block for block in _all_blocks() if block.not_run is not None]
    assert [b.place for b in marked if b.language not in RUN_AS_SHELL | RUN_AS_SQL] == []
    counted = {_name(page): sum(b.page == page for b in marked) for page in pages()}
    assert {name: count for name, count in counted.items() if count} == NOT_RUN


def test_every_block_has_a_known_language() -> None:
    """A block of another language would be run by nobody; commands do not hide in one."""
    known = RUN_AS_SHELL | RUN_AS_SQL | SHOWN_ONLY
    assert [b.place for b in _all_blocks() if b.language not in known] == []
    shown = [b for b in _all_blocks() if b.language in SHOWN_ONLY]
    assert [b.place for b in shown if "\n$ " in f"\n{b.text}"] == []


@pytest.mark.parametrize("page", pages(), ids=_name)
def test_no_block_hides_from_these_tests(page: Path) -> None:
    """Every fence is understood, and code is never shown by indenting alone."""
    assert strays_of(page) == []


def test_console_blocks_have_commands() -> None:
    """Each console block, run or not, begins with a command."""
    for block in _all_blocks():
        if block.language in RUN_AS_SHELL:
            assert steps_of(block)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("docs: 3 chunks queued in 1 job.", True),
        ("docs: 4 chunks queued in 1 job.", False),
        ("… 3 chunks …", True),
        ("docs: …", True),
        ("3 chunks …", False),
    ],
)
def test_shown_output_is_compared(line: str, shown: bool) -> None:  # noqa: FBT001
    """A shown line must be a whole line of the output, … apart."""
    assert is_shown(line, "Hello\ndocs:  3 chunks queued in 1 job.\n") is shown
