"""The views: coverage, queue, workers, throughput."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.support.chunks import VECTOR, add, clear_jobs, coverage, embed, fail, fetch, read
from tests.support.database import Database
from tests.support.wiki import load, split_pages


def test_coverage_adds_up(docs_table: Database) -> None:
    """Total is embedded, missing and skipped; failed is part of missing."""
    keys = add(docs_table, *["text"] * 7)
    versions = read(docs_table, keys)
    embed(docs_table, ["1", "2", "3"])
    fail(docs_table, {"4": versions["4"]})
    fail(docs_table, {"5": versions["5"]}, state="skipped")
    row = coverage(docs_table)
    assert [row[name] for name in ("total", "embedded", "missing", "failed", "skipped")] == [
        7, 3, 3, 1, 1,
    ]  # fmt: skip
    assert (row["coverage_pct"], row["ready"]) == (50, False)
    docs_table.check_invariants()


@pytest.mark.parametrize(
    ("total", "embedded", "skipped", "pct"),
    [
        (0, 0, 0, None),
        (3, 2, 0, "66.66"),
        (100000, 99999, 0, "99.99"),
        (2, 0, 2, None),
        (2, 1, 1, "100.00"),
        (3, 0, 0, "0.00"),
        (1, 5000, 0, "100.00"),
    ],
)
def test_coverage_is_rounded_down(
    docs_table: Database, total: int, embedded: int, skipped: int, pct: str | None
) -> None:
    """100 means all; an empty source has no share; a damaged ledger does not break the view."""
    docs_table.execute(
        "insert into wikiembed.ledger (source, total, embedded, skipped) values ('docs',"
        " %s, %s, %s)",
        [total, embedded, skipped],
    )
    found = docs_table.one("select coverage_pct from wikiembed.coverage where source = 'docs'")
    assert found == (None if pct is None else Decimal(pct))


def ready(database: Database, arguments: str = "'docs'") -> bool:
    """Return the result of is_ready()."""
    return bool(database.one(f"select wikiembed.is_ready({arguments})"))


def test_empty_source_is_not_ready_unless_that_is_allowed(docs_table: Database) -> None:
    """Nothing embedded means nothing to find; the view agrees."""
    row = coverage(docs_table)
    assert [row[name] for name in ("total", "coverage_pct", "ready", "eta")] == [
        0, None, False, "00:00:00",
    ]  # fmt: skip
    assert (ready(docs_table), ready(docs_table, "'docs', true")) == (False, True)
    assert ready(docs_table, "'docs', null") is False
    add(docs_table, "one")
    assert ready(docs_table, "'docs', true") is False


def test_source_with_only_skipped_rows_is_like_an_empty_one(docs_table: Database) -> None:
    """Until a single row has its vector."""
    add(docs_table, "one", "two")
    docs_table.execute("select wikiembed.skip('docs', array['1', '2'], 'not worth it')")
    row = coverage(docs_table)
    assert (row["missing"], row["coverage_pct"], row["ready"]) == (0, None, False)
    assert (ready(docs_table), ready(docs_table, "'docs', true")) == (False, True)
    add(docs_table, "three", vector=VECTOR)
    row = coverage(docs_table)
    assert (row["coverage_pct"], row["ready"], ready(docs_table)) == (100, True, True)


def test_is_ready_of_all_sources(docs_table: Database) -> None:
    """Each must be ready, except an unused wiki; without a source the result is false."""
    assert (ready(docs_table, ""), ready(docs_table, "null, true")) == (False, True)
    add(docs_table, "one", vector=VECTOR)
    assert coverage(docs_table, "wiki")["unused"] is True
    assert (ready(docs_table, ""), ready(docs_table, "'wiki'")) == (True, False)
    docs_table.execute("update wikiembed.sources set model = 'one' where name = 'wiki'")
    assert coverage(docs_table, "wiki")["unused"] is False
    assert (ready(docs_table, ""), ready(docs_table, "null, true")) == (False, True)
    docs_table.execute("select wikiembed.detach(name) from wikiembed.sources")
    assert (ready(docs_table, ""), ready(docs_table, "null, true")) == (False, False)


def test_is_ready_counts_a_loaded_or_only_wiki(docs_table: Database) -> None:
    """Its waiting pages and missing rows count; without other sources an empty wiki decides."""
    add(docs_table, "one", vector=VECTOR)
    load(docs_table, ("a", "b"))
    assert coverage(docs_table, "wiki")["unused"] is False
    assert ready(docs_table, "") is False
    split_pages(docs_table)
    assert coverage(docs_table, "wiki")["unused"] is False
    assert ready(docs_table, "") is False
    docs_table.execute("truncate public.wiki_pages cascade")
    assert ready(docs_table, "") is True
    docs_table.execute("select wikiembed.detach('docs')")
    assert coverage(docs_table, "wiki")["unused"] is False
    assert ready(docs_table, "") is False


def test_is_ready_reads_the_table_and_no_counter(docs_table: Database) -> None:
    """A row inserted without triggers is detected."""
    add(docs_table, "one", vector=VECTOR)
    assert ready(docs_table) is True
    docs_table.execute_without_triggers("insert into public.docs (body) values ('x')")
    assert coverage(docs_table)["ready"] is True
    assert ready(docs_table) is False


def test_rate_and_time_left_come_from_the_last_minute(docs_table: Database) -> None:
    """Null when nothing is embedded."""
    add(docs_table, *["text"] * 100)
    assert coverage(docs_table)["eta"] is None
    docs_table.execute(
        "insert into wikiembed.ledger (source, at, embedded, gained)"
        " values ('docs', clock_timestamp() - interval '10 s', 40, 40)"
    )
    row = coverage(docs_table)
    assert row["chunks_per_s"] == pytest.approx(4, abs=0.2)
    assert row["eta"] == "00:00:15"
    docs_table.execute("update wikiembed.ledger set at = at - interval '1 minute'")
    assert coverage(docs_table)["chunks_per_s"] == 0


def test_queue_shows_waiting_running_and_scheduled_jobs(docs_table: Database) -> None:
    """By source; the age is the oldest job's."""
    add(docs_table, "one")
    add(docs_table, "two")
    add(docs_table, "three")
    fetch(docs_table)
    docs_table.execute("select wikiembed_private.requeue('docs', array['1'], 5)")
    docs_table.execute(
        "update wikiembed_queue.procrastinate_jobs set queued_at = queued_at - interval '9 s'"
    )
    assert docs_table.rows(
        "select todo, doing, round(oldest_todo_s), scheduled_later from wikiembed.queue"
        " where source = 'docs'"
    ) == [(2, 1, 9, 1)]
    clear_jobs(docs_table)
    assert docs_table.rows("select * from wikiembed.queue where source = 'docs'") == [
        ("docs", 0, 0, None, 0)
    ]


def test_workers_shows_heartbeats(docs_table: Database) -> None:
    """Alive for 30 s after each."""
    add(docs_table, "one")
    fetch(docs_table)
    docs_table.execute(
        "insert into wikiembed_queue.procrastinate_workers (last_heartbeat)"
        " values (now() - interval '31 s')"
    )
    assert docs_table.rows(
        "select alive, doing, heartbeat_age_s < 5 from wikiembed.workers order by worker_id"
    ) == [(True, 1, True), (False, 0, False)]


PROCESS = "00000000-0000-4000-8000-00000000000{}"
REGISTER = "select wikiembed.register_worker(%s, %s, %s, 7, '1.0', 'ollama m', '2031-05-01T08:00Z')"


def register(database: Database, process: int, *, age_s: int = 0) -> int:
    """Register a slot of `process` whose last heartbeat was `age_s` seconds ago."""
    worker_id: int = database.one(
        "insert into wikiembed_queue.procrastinate_workers (last_heartbeat)"
        " values (now() - make_interval(secs => %s)) returning id",
        [age_s],
    )
    assert database.one(REGISTER, [worker_id, PROCESS.format(process), "gpu-1"]) is True
    return worker_id


def test_workers_has_a_row_per_process(docs_table: Database) -> None:
    """The slots of a process, before and after a loss of Postgres, are one row with summed jobs."""
    old, embed_slot, upkeep = (register(docs_table, 1, age_s=age_s) for age_s in (40, 0, 0))
    other = register(docs_table, 2, age_s=31)
    unknown = docs_table.one(
        "insert into wikiembed_queue.procrastinate_workers default values returning id"
    )
    add(docs_table, "one")
    add(docs_table, "two")
    docs_table.execute(
        "update wikiembed_queue.procrastinate_jobs set status = 'doing',"
        " worker_id = case when args -> 'keys' = '[\"1\"]' then %s else %s end"
        " where task_name = 'wikiembed.embed'",
        [old, embed_slot],
    )
    assert docs_table.rows(
        "select worker_ids, worker_id, alive, doing, host, pid, version, model,"
        " started_at = '2031-05-01T08:00Z' from wikiembed.workers order by worker_ids"
    ) == [
        ([old, embed_slot, upkeep], upkeep, True, 2, "gpu-1", 7, "1.0", "ollama m", True),
        ([other], other, False, 0, "gpu-1", 7, "1.0", "ollama m", True),
        ([unknown], unknown, True, 0, None, None, None, None, None),
    ]


def test_workers_row_is_deleted_with_its_registration(docs_table: Database) -> None:
    """When procrastinate deletes it, at its end or by heartbeat; an unknown one is refused."""
    register(docs_table, 1, age_s=31)
    docs_table.execute("select wikiembed_queue.procrastinate_prune_stalled_workers_v1(30)")
    assert docs_table.one("select count(*) from wikiembed.worker_processes") == 0
    assert docs_table.one(REGISTER, [999, PROCESS.format(1), "gpu-1"]) is False


def test_workers_names_are_truncated_and_updated(docs_table: Database) -> None:
    """A host name of any length does not stop a worker; the last registration counts."""
    worker_id = register(docs_table, 1)
    assert docs_table.one(REGISTER, [worker_id, PROCESS.format(2), "h" * 999]) is True
    assert docs_table.rows("select worker_ids, length(host) from wikiembed.workers") == [
        ([worker_id], 255)
    ]


def test_workers_show_the_node_and_the_actor(docs_table: Database) -> None:
    """Of an actor of a fleet; both are null for any other worker, and cut where too long."""
    worker_id = register(docs_table, 1)
    assert docs_table.rows("select node, actor from wikiembed.workers") == [(None, None)]
    placed = f"{REGISTER.removesuffix(')')}, %s, %s)"
    assert docs_table.one(placed, [worker_id, PROCESS.format(1), "gpu-1", "n0de", "a" * 999])
    assert docs_table.rows("select node, length(actor) from wikiembed.workers") == [("n0de", 255)]


def test_throughput_counts_vectors_per_minute(docs_table: Database) -> None:
    """Embedded rows, by source and minute; rows written with a vector do not count."""
    embed(docs_table, add(docs_table, "one", "two"))
    add(docs_table, "three", vector="[1,1,1,1]")
    assert docs_table.rows(
        "select source, sum(chunks)::int from wikiembed.throughput group by source"
    ) == [("docs", 2)]
