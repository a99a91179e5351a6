"""A source moves to the table that replaced its table, with everything that is certainly valid."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import VECTOR, add, coverage, embed, fail, make_table, queued, read
from tests.support.database import Database

NEW = """
create table public.new (id bigint generated always as identity primary key, body text, vec {type});
insert into public.new (body) values ('same'), ('bad'), ('changed'), ('also bad'), ('new');
alter table public.docs rename to old;
alter table public.new rename to docs;
"""
# All but what describes the table, so that a setting that is added later is looked at too.
SETTINGS = """
select to_jsonb(s) - array['relation', 'attached_as', 'attached_at', 'held_back_at', 'written_as',
                           'key_type', 'key_types']
  from wikiembed.sources as s where s.name = 'docs'
"""
MOVE = "select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs', p_move => true{})"
REPLACED = "select source, name, attached_to from wikiembed.replaced_tables"
TRIGGERS = "select count(*) from pg_trigger where tgrelid = %s::regclass and not tgisinternal"


@pytest.fixture
def worked(docs_table: Database) -> Database:
    """Rows 1 and 3 have vectors, 2 failed, 4 is skipped; the source is pinned and paused."""
    add(docs_table, "same", "bad", "before", "not so bad")
    docs_table.execute(
        "update wikiembed.sources set model = 'model', document_prefix = 'p: ', batch_size = 7,"
        " pinned_at = now(), generation = 5, text_config = 'simple', ef_search = 80,"
        " quantise = 'binary', query_prefix = 'q: ', query_prefix_pinned = true, budgeted = true,"
        " bulk_opens_at = now() - interval '1 h', bulk_closes_at = now() + interval '1 h'"
        " where name = 'docs'"
    )
    embed(docs_table, ["1", "3"])
    fail(docs_table, read(docs_table, ["2", "4"]))
    docs_table.execute("select wikiembed.skip('docs', array['4'], 'not worth it')")
    docs_table.execute("select wikiembed.pause('docs', 'the import')")
    return docs_table


def swap(database: Database, kind: str = "vector(4)") -> None:
    """Replace the table by a bulk import: of five rows two are equal, one of them embedded."""
    database.execute(NEW.format(type=kind))


def vectors(database: Database) -> list[int]:
    """Return the keys of the rows that have a vector."""
    return [row[0] for row in database.rows("select id from public.docs where vec is not null")]


def test_swap_by_rename_is_detected_and_a_rename_is_not(worked: Database) -> None:
    """The name must belong to another table."""
    worked.execute("alter table public.docs rename to old")
    assert worked.rows(REPLACED) == []
    worked.execute("create view public.docs as select 1 as id")
    assert worked.rows(REPLACED) == [("docs", "public.docs", "public.old")]
    worked.execute("drop view public.docs; alter table public.old rename to docs")
    assert worked.rows(REPLACED) == []
    worked.execute("drop table public.docs; create table public.docs (id int)")
    assert worked.rows(REPLACED) == [("docs", "public.docs", None)]


def test_move_keeps_settings_and_valid_rows(worked: Database) -> None:
    """Vectors of equal texts, failures of equal rows, old failures; the rest waits."""
    before = worked.rows(SETTINGS)
    history = worked.rows("select * from wikiembed.failure_history")
    assert [row[1] for row in history] == ["4"]
    swap(worked)
    worked.execute(MOVE.format(""))
    assert worked.rows(SETTINGS) == before
    assert worked.rows("select * from wikiembed.failure_history") == history
    assert vectors(worked) == [1]
    assert worked.one("select vec = %s from public.docs where id = 1", [VECTOR]) is True
    assert worked.rows("select key, state from wikiembed.failures") == [("2", "failed")]
    row = coverage(worked)
    assert [row[name] for name in ("total", "embedded", "failed", "skipped", "held_back")] == [
        5, 1, 1, 0, 3,
    ]  # fmt: skip
    assert (worked.one(TRIGGERS, ["public.old"]), worked.rows(REPLACED)) == (0, [])
    worked.check_invariants()
    said = worked.one("select detail from wikiembed.action_log order by id desc limit 1")
    assert said == {
        "relation": "public.docs", "former": "public.old", "vectors": 1, "failures": 1,
    }  # fmt: skip
    worked.execute("update public.docs set body = 'other' where id = 1")
    assert (queued(worked), vectors(worked)) == (["1"], [])


def costs(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """The rows of docs in each table whose rows end with a source, and of its batches."""
    tables = database.rows(
        "select c.conrelid::regclass::text from pg_constraint as c"
        " where c.confrelid = 'wikiembed.sources'::regclass and c.confdeltype = 'c'"
        " and c.conrelid not in ('wikiembed.failures'::regclass,"
        " 'wikiembed.search_statements'::regclass)"
    )
    return {
        table: database.rows(
            f"select to_jsonb(t) from {table} as t where source = 'docs' order by 1"
        )
        for table in [*(row[0] for row in tables), "wikiembed_private.batch_ledger"]
    }


def test_move_keeps_what_the_source_cost(worked: Database) -> None:
    """Usage and lag, folded or not; prices, budgets with their pause and reservations, windows."""
    worked.execute("select wikiembed.resume('docs')")
    worked.execute("select wikiembed.set_price('docs', 0.02, p_currency => 'USD')")
    worked.execute("select wikiembed.set_price('docs', 0.04, '2031-01-01')")
    worked.execute("select wikiembed.set_schedule('docs', array['22:00-06:00'], 'Asia/Seoul')")
    batch = (
        "select wikiembed.record_batches('docs', {}, array[1, 0, 9, 90, 5]::bigint[], false,"
        " array[true], array[7]::smallint[], array[9])"
    )
    worked.execute(batch.format(1))
    worked.execute("update wikiembed_private.batch_ledger set at = at - interval '1 day'")
    worked.execute("select wikiembed.fold_ledger()")
    worked.execute(batch.format(2))
    worked.execute("select wikiembed.set_budget('docs', 100)")
    assert worked.one("select wikiembed.reserve_budget('docs', 1, 5)") is True
    assert worked.one("select wikiembed.reserve_budget('docs', 2, 6)") is False
    before = costs(worked), worked.rows(SETTINGS), worked.rows("select * from wikiembed.usage")
    assert {table for table, rows in before[0].items() if rows} == {
        "wikiembed.prices",
        *(f"wikiembed_private.{name}" for name in ("batch_ledger", "usage_days", "lag_hours")),
        *(f"wikiembed_private.{name}" for name in ("budgets", "budget_reservations", "schedules")),
    }
    swap(worked)
    worked.execute(MOVE.format(""))
    assert (costs(worked), worked.rows(SETTINGS), worked.rows("select * from wikiembed.usage")) == (
        before
    )
    assert worked.one("select reached from wikiembed.budgets") is True
    worked.execute("select wikiembed.set_budget('docs', 1000)")
    assert worked.one("select paused_at from wikiembed.sources where name = 'docs'") is None


def test_move_queues_rows_on_request(worked: Database) -> None:
    """Failures in the old table stay failed."""
    swap(worked)
    worked.execute(MOVE.format(", p_enqueue => true"))
    assert queued(worked) == ["3", "4", "5"]


@pytest.mark.parametrize(
    "doubt",
    [
        "update wikiembed.sources set model = null",
        "alter table public.old disable trigger zzz_wikiembed_docs",
        "create function public.f() returns trigger language plpgsql as"
        " $$ begin new.body := 'else'; return new; end $$;"
        " create trigger f before update on public.docs for each row execute function public.f()",
    ],
)
def test_move_leaves_out_vectors_that_may_be_wrong(worked: Database, doubt: str) -> None:
    """An unpinned model, disabled triggers, a trigger of the new table."""
    swap(worked)
    worked.execute(doubt)
    worked.execute(MOVE.format(""))
    assert vectors(worked) == []


def test_move_casts_vectors_to_the_other_type(worked: Database) -> None:
    """halfvec of the same dimensions."""
    swap(worked, "halfvec(4)")
    worked.execute(MOVE.format(""))
    assert vectors(worked) == [1]
    kinds = worked.rows("select embedding_type from wikiembed.sources where name = 'docs'")
    assert kinds == [("halfvec",)]


@pytest.mark.parametrize(
    ("kind", "more", "state"),
    [
        ("vector(5)", "", "WE007"),
        ("vector(4)", ", p_model => 'another'", "WE010"),
        ("vector(4)", ", p_batch_size => 8", "WE010"),
        ("vector", ", p_dimensions => 5", "WE007"),
    ],
)
def test_move_refuses_other_settings(worked: Database, kind: str, more: str, state: str) -> None:
    """And leaves the source unchanged."""
    swap(worked, kind)
    for check in ("", ", p_check_only => true"):
        with pytest.raises(psycopg.Error) as caught:
            worked.execute(MOVE.format(more + check))
        assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == (state, True)
    assert worked.rows(REPLACED) == [("docs", "public.docs", "public.old")]


def test_move_of_an_unknown_source_is_refused(worked: Database) -> None:
    """WE001: no such source."""
    with pytest.raises(psycopg.Error) as caught:
        worked.execute(MOVE.replace("'docs', p_move", "'none', p_move").format(""))
    assert caught.value.sqlstate == "WE001"


def test_move_to_its_own_table_records_the_name(worked: Database) -> None:
    """After an intended rename, when another table has the old name."""
    worked.execute("alter table public.docs rename to articles; create table public.docs (id int)")
    assert worked.rows(REPLACED) == [("docs", "public.docs", "public.articles")]
    worked.execute(MOVE.replace("public.docs", "public.articles").format(""))
    assert worked.rows(REPLACED) == []
    assert coverage(worked)["embedded"] == 2


def test_attach_replaces_a_source_without_its_table(worked: Database) -> None:
    """It is reported; without a move its settings are lost."""
    worked.execute("drop table public.docs")
    make_table(worked, key="int")
    notices: list[str | None] = []
    with worked.connect() as connection:
        connection.add_notice_handler(lambda said: notices.append(said.message_primary))
        statement = MOVE.replace(", p_move => true", "").format("")
        connection.execute(statement.replace("'docs')", "'docs', p_check_only => true)").encode())
        assert notices == []
        connection.execute(statement.encode())
    assert notices == ['source "docs" was attached to a table, or a column, that was dropped']
    assert worked.rows("select model from wikiembed.sources where name = 'docs'") == [(None,)]
    worked.check_invariants()


def test_move_from_a_dropped_table_keeps_the_settings(worked: Database) -> None:
    """Nothing can be compared, so no vector and no failure is moved."""
    before = worked.rows(SETTINGS)
    worked.execute("drop table public.docs")
    make_table(worked, key="int")
    worked.execute(MOVE.format(""))
    assert worked.rows(SETTINGS) == before
    assert worked.one("select count(*) from wikiembed.failures") == 0
    worked.check_invariants()


def test_attach_refuses_a_name_in_use(worked: Database) -> None:
    """With the statement that moves it."""
    swap(worked)
    with pytest.raises(psycopg.Error, match="attached already, to public") as caught:
        worked.execute(MOVE.replace(", p_move => true", "").format(""))
    assert caught.value.sqlstate == "WE003"
    assert "p_move => true" in str(caught.value.diag.message_hint)
