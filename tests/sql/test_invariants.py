"""check_invariants reports each kind of damage, and nothing on sound data."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import add, clear_jobs, embed, fail, read
from tests.support.database import Database

WAITS = "every missing row waits in a job, in failures or is skipped"
PROVED = "every stored vector belongs to the row's text"
COUNTED = "the ledger's sums equal the counts of the table"
APART = "no row is both embedded and in failures"
NAMED = "no live job names a source that does not exist"

MARKED = "every chunk that is marked as truncated has a vector"
SPLIT = "every document is split as its text is now, or waits in a job or in failures"
TILED = "every chunk of a document is its text from starts_at to ends_at, at gapless positions"


def violations(database: Database, source: str | None = "docs") -> dict[str, int]:
    """Violations by invariant, without zeros."""
    rows = database.rows(
        "select name, violations from wikiembed.check_invariants(%s::text)", [source]
    )
    assert {row[0] for row in rows} == {
        *(WAITS, PROVED, COUNTED, APART, NAMED, MARKED, SPLIT, TILED)
    }
    return {name: count for name, count in rows if count}


@pytest.fixture
def sound(docs_table: Database) -> Database:
    """Row 1 embedded, 2 failed, 3 skipped, 4 in a job."""
    versions = read(docs_table, add(docs_table, "one", "two", "three", "four"))
    embed(docs_table, ["1"])
    fail(docs_table, {"2": versions["2"]})
    fail(docs_table, {"3": versions["3"]}, state="skipped")
    clear_jobs(docs_table)
    docs_table.execute("select wikiembed.enqueue('docs')")
    return docs_table


def test_sound_source_violates_nothing(sound: Database) -> None:
    """For one source and for all."""
    assert (violations(sound), violations(sound, None)) == ({}, {})


def test_missing_row_in_no_job_is_reported(sound: Database) -> None:
    """The first invariant."""
    clear_jobs(sound)
    assert violations(sound) == {WAITS: 1}


def test_manually_deleted_failure_is_reported(sound: Database) -> None:
    """The row is then in no job."""
    sound.execute("delete from wikiembed.failures")
    assert violations(sound) == {WAITS: 2}


PROVE = """
create function public.prove(p_text text, p_vector vector) returns boolean language sql
set search_path = public
as $$
  select p_text = 'passage: one' and p_vector = '[1,0,0,0]'::vector
$$;
update wikiembed.sources set prove_function = 'public.prove(text, vector)'::regprocedure,
  document_prefix = 'passage: ' where name = 'docs';
"""


def test_vector_of_another_text_is_reported(sound: Database) -> None:
    """Where a function can prove it; the prefix is part of the text."""
    sound.execute(PROVE)
    assert violations(sound) == {}
    sound.execute_without_triggers("update public.docs set vec = '[0,0,1,0]' where id = 1")
    assert violations(sound) == {PROVED: 1}


def test_vectors_are_not_proved_without_a_function(sound: Database) -> None:
    """Zero then means that nothing was checked."""
    sound.execute_without_triggers("update public.docs set vec = '[0,0,1,0]' where id = 1")
    assert violations(sound) == {}


@pytest.mark.parametrize(
    ("damage", "drift"),
    [
        ("insert into wikiembed.ledger (source, total) values ('docs', 2)", 2),
        ("insert into wikiembed.ledger (source, embedded) values ('docs', -1)", 1),
        ("insert into wikiembed.ledger (source, failed, skipped) values ('docs', 1, -1)", 2),
    ],
)
def test_wrong_ledger_is_reported(sound: Database, damage: str, drift: int) -> None:
    """The size of the difference, in all columns."""
    sound.execute(damage)
    assert violations(sound) == {COUNTED: drift}


def test_row_inserted_without_triggers_is_reported(sound: Database) -> None:
    """It is neither counted nor queued."""
    sound.execute_without_triggers("insert into public.docs (body) values ('x')")
    assert violations(sound) == {WAITS: 1, COUNTED: 1}


def test_embedded_row_in_failures_is_reported(sound: Database) -> None:
    """The fourth invariant."""
    sound.execute(
        "insert into wikiembed.failures (source, key, error_class) values ('docs', '1', 'x')"
    )
    assert violations(sound) == {APART: 1}


def test_job_without_a_source_is_reported(sound: Database) -> None:
    """The fifth invariant; jobs that ended do not count."""
    sound.execute("select wikiembed_private.requeue('none', array['1'], 0)")
    assert violations(sound) == {NAMED: 1}
    sound.execute(
        "update wikiembed_queue.procrastinate_jobs set status = 'failed'"
        " where queue_name = 'embed_none'"
    )
    assert violations(sound) == {}


def test_violations_of_all_sources_are_added(sound: Database) -> None:
    """Null means all, a name one."""
    sound.execute("insert into wikiembed.ledger (source, total) values ('docs', 1), ('wiki', 1)")
    assert violations(sound, None) == {COUNTED: 2}
    assert violations(sound, "wiki") == {COUNTED: 1}


def test_unknown_source_is_named(database: Database) -> None:
    """WE001, not six zeros."""
    with pytest.raises(psycopg.Error, match="no source is named") as caught:
        violations(database, "none")
    assert caught.value.sqlstate == "WE001"
