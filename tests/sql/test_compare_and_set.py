"""Compare and set: a vector is written only for the text that it was made from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import psycopg
import pytest

from tests.support.chunks import (
    VECTOR,
    add,
    clear_jobs,
    coverage,
    embed,
    fail,
    jobs,
    queued,
    read,
    write,
)
from tests.support.database import Database


def lock_row(database: Database, key: str) -> psycopg.Connection:
    """Open a user's transaction that locks one row."""
    connection = database.connect(autocommit=False)
    connection.execute("select from public.docs where id = %s for update", [key])
    return connection


def test_write_stores_the_vector(docs_table: Database) -> None:
    """Written once; the second write of the same batch changes nothing."""
    versions = read(docs_table, add(docs_table, "one", "two"))
    assert write(docs_table, versions) == {"1": "written", "2": "written"}
    assert docs_table.rows("select distinct vec::text from public.docs") == [(VECTOR,)]
    assert write(docs_table, versions, vector="[9,9,9,9]") == {"1": "stale", "2": "stale"}
    assert docs_table.rows("select distinct vec::text from public.docs") == [(VECTOR,)]
    docs_table.check_invariants()


def test_write_skips_a_changed_text(docs_table: Database) -> None:
    """The batch in flight is stale; the user's new text is in its own job."""
    versions = read(docs_table, add(docs_table, "one", "two"))
    docs_table.execute("update public.docs set body = 'new' where id = 1")
    before = queued(docs_table)
    assert write(docs_table, versions) == {"1": "stale", "2": "written"}
    assert queued(docs_table) == before == ["1", "1", "2"]
    assert docs_table.one("select vec is null from public.docs where id = 1")
    docs_table.check_invariants()


def test_write_reports_a_deleted_row(docs_table: Database) -> None:
    """A deleted row is not an error."""
    versions = read(docs_table, add(docs_table, "one", "two"))
    docs_table.execute("delete from public.docs where id = 2")
    assert write(docs_table, versions) == {"1": "written", "2": "gone"}


def test_write_clears_the_failure_in_its_transaction(docs_table: Database) -> None:
    """A row is never both embedded and in failures."""
    versions = read(docs_table, add(docs_table, "one"))
    fail(docs_table, versions)
    assert write(docs_table, versions) == {"1": "written"}
    assert docs_table.one("select count(*) from wikiembed.failures") == 0
    docs_table.check_invariants()


def test_locked_rows_are_skipped_and_requeued(docs_table: Database) -> None:
    """Neither reading nor writing nor recording a failure waits for a user's row lock."""
    keys = add(docs_table, "one", "two")
    versions = read(docs_table, keys)
    clear_jobs(docs_table)
    with lock_row(docs_table, "1"):
        assert list(read(docs_table, keys)) == ["2"]
        assert write(docs_table, versions) == {"1": "locked", "2": "written"}
        assert fail(docs_table, {"1": versions["1"]}) == {"1": "locked"}
    assert [(job.keys, job.priority, job.attempt) for job in jobs(docs_table)] == [
        (["1"], 5, 1)
    ] * 3
    docs_table.check_invariants()


@pytest.mark.parametrize(
    ("attempt", "delay_s"), [(0, 0.5), (1, 1), (4, 8), (9, 256), (10, 300), (5000, 300)]
)
def test_requeue_waits_longer_each_time(docs_table: Database, attempt: int, delay_s: float) -> None:
    """From half a second, doubled, to at most 300 s; the job keeps its attempt number."""
    keys = add(docs_table, "one")
    clear_jobs(docs_table)
    with lock_row(docs_table, "1"):
        assert read(docs_table, keys, attempt=attempt) == {}
    (job,) = jobs(docs_table)
    assert job.attempt == attempt + 1
    assert job.delay_s == pytest.approx(delay_s, abs=0.4)


@pytest.mark.parametrize("call", ["read", "write", "fail"])
def test_table_lock_of_a_user_is_not_waited_for(docs_table: Database, call: str) -> None:
    """The lock timeout of 2 s ends the call."""
    keys = add(docs_table, "one")
    versions = read(docs_table, keys)
    calls: dict[str, Callable[[], object]] = {
        "read": partial(read, docs_table, keys),
        "write": partial(write, docs_table, versions),
        "fail": partial(fail, docs_table, versions),
    }
    with docs_table.connect(autocommit=False) as user:
        user.execute("lock table public.docs in access exclusive mode")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            calls[call]()


REWRITE = """
create function public.rewrite() returns trigger language plpgsql
as $$ begin
  if old.vec is null and new.vec is not null and new.body !~ '!' then
    new.body := new.body || '!';
  end if;
  return new;
end $$;
"""


@pytest.mark.parametrize("name", ["aaa_user", "zzzz_user"])
def test_text_rewritten_inside_our_update_is_stale(docs_table: Database, name: str) -> None:
    """The vector is nulled, the row is queued, and the next batch embeds it."""
    versions = read(docs_table, add(docs_table, "one", "two!"))
    docs_table.execute(REWRITE)
    docs_table.execute(
        f"create trigger {name} before update on public.docs"
        " for each row execute function public.rewrite()"
    )
    clear_jobs(docs_table)
    assert write(docs_table, versions) == {"1": "stale", "2": "written"}
    assert docs_table.rows("select body, vec is null from public.docs order by id") == [
        ("one!", True),
        ("two!", False),
    ]
    assert set(queued(docs_table)) == {"1"}
    docs_table.check_invariants()
    assert embed(docs_table, ["1"]) == {"1": "written"}
    docs_table.check_invariants()


def test_trigger_that_discards_a_vector_is_named(docs_table: Database) -> None:
    """WE012, and the whole batch is rolled back."""
    versions = read(docs_table, add(docs_table, "one", "two"))
    docs_table.execute(
        "create function public.refuse() returns trigger language plpgsql"
        " as $$ begin if new.id = 2 then return null; end if; return new; end $$;"
        "create trigger refuse before update on public.docs"
        " for each row execute function public.refuse()"
    )
    with pytest.raises(psycopg.Error, match="prevents a vector") as caught:
        write(docs_table, versions)
    assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == ("WE012", True)
    assert coverage(docs_table)["embedded"] == 0


def test_chunks_without_text_are_read_and_skipped(docs_table: Database) -> None:
    """A null text has a null version, under which it can be recorded."""
    versions = read(docs_table, add(docs_table, None))
    assert versions == {"1": None}
    assert fail(docs_table, versions, state="skipped") == {"1": "recorded"}
    assert read(docs_table, ["1"]) == {}
    assert docs_table.one("select wikiembed.is_ready('docs', true)")


def test_skipped_and_unknown_keys_are_not_read(docs_table: Database) -> None:
    """A worker never receives a chunk that is not due."""
    keys = add(docs_table, "one", "two")
    docs_table.execute("select wikiembed.skip('docs', array['1'])")
    assert list(read(docs_table, [*keys, "77"])) == ["2"]


def test_arrays_of_different_length_are_refused(docs_table: Database) -> None:
    """WE010 for vectors and for failures."""
    add(docs_table, "one")
    for call in (
        "wikiembed.write_embeddings('docs', array['1'], array[1, 2], array['[1,1,1,1]']::vector[])",
        "wikiembed.write_embeddings('docs', array['1'], array[1], array[]::vector[])",
        "wikiembed.record_failures('docs', array['1'], array[1, 2], 'x')",
    ):
        with pytest.raises(psycopg.Error, match="differ in length") as caught:
            docs_table.execute(f"select * from {call}")
        assert caught.value.sqlstate == "WE010"


def test_unknown_source_is_named(docs_table: Database) -> None:
    """WE001 on reading, writing and recording failures."""
    for call in (
        "wikiembed.read_chunks('none', array['1'])",
        "wikiembed.write_embeddings('none', array['1'], array[1], array['[1,1,1,1]']::vector[])",
        "wikiembed.record_failures('none', array['1'], array[1], 'x')",
    ):
        with pytest.raises(psycopg.Error, match="no source is named") as caught:
            docs_table.execute(f"select * from {call}")
        assert caught.value.sqlstate == "WE001"
