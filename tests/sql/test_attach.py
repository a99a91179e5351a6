"""What attach accepts, counts and refuses, apart from keys, names and relations."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import OTHER, VECTOR, add, coverage, embed, queued, read, write
from tests.support.database import Database

ATTACH = "select wikiembed.attach('public.docs', 'id', 'body', '{column}', '{name}'{options})"


def attach(database: Database, column: str = "vec2", name: str = "two", options: str = "") -> None:
    """Attach another column of public.docs."""
    database.execute(ATTACH.format(column=column, name=name, options=options))


@pytest.fixture
def docs(docs_table: Database) -> Database:
    """`docs_table` with columns vec2 and half."""
    docs_table.execute("alter table public.docs add vec2 vector(4), add half halfvec(4)")
    return docs_table


def test_existing_rows_are_counted(docs: Database) -> None:
    """The ledger is exact from the start; enqueue queues the rows."""
    add(docs, "one", "two", "three")
    docs.execute("update public.docs set vec2 = %s where id = 1", [VECTOR])
    attach(docs)
    row = coverage(docs, "two")
    assert (row["total"], row["embedded"], row["missing"]) == (3, 1, 2)
    assert docs.rows("select chunks from wikiembed.enqueue('two')") == [(2,)]
    docs.check_invariants()


def test_two_columns_are_two_sources(docs: Database) -> None:
    """Each has its own jobs and vectors, and a changed text nulls both."""
    attach(docs)
    attach(docs, "half", "three")
    add(docs, "one")
    for source in ("docs", "two", "three"):
        assert queued(docs, source) == ["1"]
        assert embed(docs, ["1"], source=source) == {"1": "written"}
        assert queued(docs, source) == ["1"]
    docs.execute("update public.docs set body = 'new'")
    assert docs.rows("select vec, vec2, half from public.docs") == [(None, None, None)]
    for source in ("docs", "two", "three"):
        assert queued(docs, source) == ["1", "1"]
    docs.check_invariants()


def test_one_source_embeds_while_the_other_holds_the_row(docs: Database) -> None:
    """A row lock by the other source's worker acts like a user's: requeued, never waited for."""
    attach(docs)
    versions = read(docs, add(docs, "one"), source="two")
    with docs.connect(autocommit=False) as other:
        other.execute(
            "select * from wikiembed.write_embeddings('docs', array['1'], array[%s],"
            " array[%s::vector])",
            [versions["1"], VECTOR],
        )
        assert write(docs, versions, source="two") == {"1": "locked"}
        other.commit()
    assert write(docs, versions, source="two", vector=OTHER) == {"1": "written"}
    docs.check_invariants()


def test_halfvec_is_written_and_compared(docs: Database) -> None:
    """The vector is cast; a statement that sets a new one keeps it."""
    attach(docs, "half", "three")
    add(docs, "one")
    assert embed(docs, ["1"], source="three") == {"1": "written"}
    docs.execute("update public.docs set body = 'two', half = %s", [OTHER])
    assert docs.one("select half::text from public.docs") == OTHER


@pytest.mark.parametrize(("column", "name"), [("vec", "two"), ("vec2", "docs")])
def test_attached_column_or_name_is_refused(docs: Database, column: str, name: str) -> None:
    """WE003 for the column and for the name."""
    with pytest.raises(psycopg.Error, match="is attached already") as caught:
        attach(docs, column, name)
    assert caught.value.sqlstate == "WE003"


@pytest.mark.parametrize(
    ("options", "state"),
    [
        (", p_batch_size => 0", "WE010"),
        (", p_batch_size => 4097", "WE010"),
        (", p_batch_size => null", "WE010"),
        (", p_provider => 'unknown'", "WE010"),
        (", p_dimensions => 5", "WE007"),
    ],
)
def test_invalid_options_are_refused(docs: Database, options: str, state: str) -> None:
    """Before anything is written."""
    with pytest.raises(psycopg.Error) as caught:
        attach(docs, options=options)
    assert caught.value.sqlstate == state


@pytest.mark.parametrize(
    ("column", "state", "why"),
    [
        ("real[]", "WE007", "is of type"),
        ("vector(4) not null default '[0,0,0,0]'", "WE007", "is not null"),
        ("vector(4) generated always as ('[1,1,1,1]'::vector) stored", "WE007", "is generated"),
        ("sparsevec(4)", "WE007", "is of type"),
    ],
)
def test_columns_that_cannot_hold_vectors_are_refused(
    docs: Database, column: str, state: str, why: str
) -> None:
    """WE007 with what to do."""
    docs.execute(f"alter table public.docs add odd {column}")
    with pytest.raises(psycopg.Error, match=why) as caught:
        attach(docs, "odd")
    assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == (state, True)


@pytest.mark.parametrize("kind", ["int", "jsonb", "text[]", "bytea", "name"])
def test_columns_that_hold_no_text_are_refused(database: Database, kind: str) -> None:
    """WE006."""
    database.execute(f"create table public.docs (id int primary key, body {kind}, vec vector(4))")
    with pytest.raises(psycopg.Error, match="is of type") as caught:
        attach(database, "vec", "docs")
    assert caught.value.sqlstate == "WE006"


def test_missing_column_is_named(docs: Database) -> None:
    """WE006."""
    with pytest.raises(psycopg.Error, match='has no column "none"') as caught:
        attach(docs, "none")
    assert caught.value.sqlstate == "WE006"


@pytest.mark.parametrize("kind", ["varchar(20)", "char(20)", "public.title"])
def test_texts_may_be_of_any_string_type(database: Database, kind: str) -> None:
    """Varchar, char and domains are read as text."""
    database.execute("create domain public.title as varchar(20) check (value <> '')")
    database.execute(f"create table public.docs (id int primary key, body {kind}, vec vector)")
    attach(database, "vec", "docs", ", p_dimensions => 4")
    database.execute("insert into public.docs values (1, 'one')")
    assert database.rows("select content from wikiembed.read_chunks('docs', array['1'])") == [
        ("one",)
    ]
    assert embed(database, ["1"]) == {"1": "written"}
    database.execute("update public.docs set body = 'two'")
    assert queued(database) == ["1", "1"]
    database.check_invariants()


def test_index_on_missing_rows_is_created_once_and_dropped(docs: Database) -> None:
    """An existing one is used, and stays after detach."""
    count = (
        "select count(*) from pg_index where indrelid = 'public.docs'::regclass and"
        " indpred is not null"
    )
    assert docs.one(count) == 1
    docs.execute("create index mine on public.docs (id) where vec2 is null")
    attach(docs)
    assert docs.one(count) == 2
    docs.execute("select wikiembed.detach('two')")
    docs.execute("select wikiembed.detach('docs')")
    assert docs.one(count) == 1
    attach(docs, "vec", "docs", ", p_index => false")
    assert docs.one(count) == 1


def test_attach_and_detach_are_logged(docs: Database) -> None:
    """Actor, action, and table."""
    assert docs.rows(
        "select action, source, detail ->> 'relation' from wikiembed.action_log where"
        " source = 'docs'"
    ) == [("attach", "docs", "public.docs")]
