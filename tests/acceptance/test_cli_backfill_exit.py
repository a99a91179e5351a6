"""Exit codes of `backfill` and of a drain, for schedulers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.chunks import add_chunks, clear_jobs, fail, read
from tests.support.cli import Call
from tests.support.commands import assert_done, assert_refused, json_lines, served
from tests.support.database import Database
from tests.support.standin import StandIn
from wikiembed.control.actions import Enqueued, enqueue_all


def fail_keys(
    database: Database, *keys: str, error_class: str = "rejected", source: str = "docs"
) -> None:
    """Record a failure for each key, and leave no job."""
    versions = read(database, keys, source=source)
    fail(database, versions, error_class=error_class, message="No.", source=source)
    clear_jobs(database)


@pytest.fixture
def failed(docs_table: Database) -> Database:
    """Six rows: two failed, one skipped, three that can be embedded."""
    add_chunks(docs_table, 6)
    fail_keys(docs_table, "1", error_class="timeout")
    fail_keys(docs_table, "2")
    docs_table.execute("select wikiembed.skip('docs', array['3'], 'not worth it')")
    return docs_table


def test_backfill_exits_1_while_chunks_are_missing(
    call: Call, failed: Database, standin: StandIn
) -> None:
    """Those that failed before count too, skipped ones never; --allow-failures keeps 0."""
    output = assert_refused(call("backfill", "docs", env=served(standin)), 1)
    assert output.startswith(
        "2 chunks are missing (docs 1 rejected, 1 timeout): see `wikiembed fail"
    )
    allowed = call("backfill", "docs", "--allow-failures", env=served(standin))
    assert_done(allowed)
    assert json_lines(allowed)[-1]["failed_by_class"] == {"rejected": 1, "timeout": 1}
    failed.execute("select wikiembed.skip('docs', array['1', '2'])")
    assert_done(call("backfill", "docs", env=served(standin)))


def test_backfill_exit_code_covers_the_named_sources(
    call: Call, failed: Database, standin: StandIn
) -> None:
    """Failures of another source do not change its exit code; without a name all count."""
    failed.execute("create table public.more (id int primary key, body text, vec vector(4))")
    failed.execute("select wikiembed.attach('public.more', 'id', 'body', 'vec', 'more')")
    failed.execute("insert into public.more (id, body) values (1, 'text')")
    assert_done(call("backfill", "more", env=served(standin)))
    assert "docs 1 rejected" in assert_refused(call("backfill", env=served(standin)), 1)


def test_backfill_exits_0_at_its_bound(call: Call, failed: Database, standin: StandIn) -> None:
    """Exit 0 with --max-chunks embedded, whatever is left; not if failures prevent that number."""
    assert_done(call("backfill", "docs", "--max-chunks", "2", env=served(standin)))
    output = assert_refused(call("backfill", "docs", "--max-chunks", "2", env=served(standin)), 1)
    assert output.startswith("2 chunks are missing")


def test_backfill_counts_chunks_without_a_job(
    call: Call, docs_table: Database, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deleted job leaves missing chunks, which --allow-failures does not excuse."""
    add_chunks(docs_table, 2)

    def lose(*args: Any, **options: Any) -> list[Enqueued]:
        done = enqueue_all(*args, **options)
        clear_jobs(docs_table)
        return done

    monkeypatch.setattr("wikiembed.control.actions.enqueue_all", lose)
    output = assert_refused(call("backfill", "docs", "--allow-failures", env=served(standin)), 1)
    assert output.startswith("2 chunks are missing (docs 2 not queued)")


def test_drain_exit_code_covers_the_queue(call: Call, failed: Database, standin: StandIn) -> None:
    """No job is left, so it exits 0; `ready` says what failed."""
    assert_done(call("worker", "--drain", env=served(standin)))
    assert call("ready", "docs").returncode == 1
