"""Stale vectors: a changed text nulls the vector, whatever changes it."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import OTHER, VECTOR, add, clear_jobs, coverage, embed, queued
from tests.support.database import Database

REWRITE = """
create function public.rewrite() returns trigger language plpgsql
as $$ begin
  if new.title is distinct from old.title then new.body := new.title; end if;
  return new;
end $$;
"""


@pytest.fixture
def embedded(docs_table: Database) -> Database:
    """Row 1 with text one, title null and a vector; no jobs."""
    docs_table.execute("alter table public.docs add title text")
    add(docs_table, "one")
    embed(docs_table, ["1"])
    clear_jobs(docs_table)
    return docs_table


def vector_of(database: Database) -> str | None:
    """The vector of row 1, as text."""
    found = database.one("select vec::text from public.docs where id = 1")
    return None if found is None else str(found)


def test_changed_text_nulls_the_vector(embedded: Database) -> None:
    """Search never finds the vector of another text."""
    embedded.execute("update public.docs set body = 'two'")
    assert (vector_of(embedded), queued(embedded)) == (None, ["1"])
    embedded.check_invariants()


def test_statement_may_set_its_own_vector(embedded: Database) -> None:
    """A client that computes embeddings itself keeps its vector."""
    embedded.execute("update public.docs set body = 'two', vec = %s", [OTHER])
    assert (vector_of(embedded), queued(embedded)) == (OTHER, [])
    embedded.check_invariants()


@pytest.mark.parametrize("name", ["aaa_user", "zzzz_user"])
def test_text_rewritten_by_a_trigger_nulls_the_vector(embedded: Database, name: str) -> None:
    """A user's trigger before ours or after it has the same effect."""
    embedded.execute(REWRITE)
    embedded.execute(
        f"create trigger {name} before update on public.docs"
        " for each row execute function public.rewrite()"
    )
    embedded.execute("update public.docs set title = 'rewritten'")
    assert embedded.one("select body from public.docs") == "rewritten"
    assert (vector_of(embedded), queued(embedded)) == (None, ["1"])
    assert coverage(embedded)["embedded"] == 0
    embedded.check_invariants()


def test_trigger_fires_for_a_replica(embedded: Database) -> None:
    """Edits applied by replication null the vector too."""
    embedded.execute_without_triggers("update public.docs set body = 'two'")
    assert vector_of(embedded) is None


def test_text_that_differs_only_in_bytes_counts_as_changed(embedded: Database) -> None:
    """Texts are compared byte by byte."""
    embedded.execute("update public.docs set body = 'ONE'")
    assert vector_of(embedded) is None


@pytest.mark.parametrize("kind", ["stored", "virtual"])
def test_generated_text_is_refused(database: Database, kind: str) -> None:
    """A stored one would always be nulled, a virtual one would go stale."""
    if (
        kind == "virtual"
        and database.one("select current_setting('server_version_num')::int") < 180000
    ):
        kind = "stored"
    database.execute(
        "create table public.made (id int primary key, raw text,"
        f" body text generated always as (upper(raw)) {kind}, vec vector(4))"
    )
    with pytest.raises(psycopg.Error, match="generated") as caught:
        database.execute("select wikiembed.attach('public.made', 'id', 'body', 'vec', 'made')")
    assert caught.value.sqlstate == "WE006"


def test_null_text_and_empty_text_differ(embedded: Database) -> None:
    """From null to empty is a change, from null to null is not."""
    embedded.execute("update public.docs set body = null")
    embedded.execute("update public.docs set vec = %s", [VECTOR])
    embedded.execute("update public.docs set body = null")
    assert vector_of(embedded) == VECTOR
    embedded.execute("update public.docs set body = ''")
    assert vector_of(embedded) is None
