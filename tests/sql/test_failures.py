"""Failures: recorded by compare and set, retried, skipped."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import add, clear_jobs, coverage, embed, fail, jobs, queued, read, write
from tests.support.database import Database
from wikiembed.error_class import ErrorClass


def retry(database: Database, arguments: str = "") -> tuple[int, int]:
    """Jobs and chunks of one retry call."""
    (row,) = database.rows(f"select jobs, chunks from wikiembed.retry_failures('docs'{arguments})")
    return row[0], row[1]


@pytest.fixture
def failed(docs_table: Database) -> Database:
    """Row 1 failed as bad_chunk, 2 as write_refused, 3 skipped as empty_text; no jobs."""
    versions = read(docs_table, add(docs_table, "one", "two", ""))
    fail(docs_table, {"1": versions["1"]})
    fail(docs_table, {"2": versions["2"]}, error_class="write_refused")
    fail(docs_table, {"3": versions["3"]}, error_class="empty_text", state="skipped")
    clear_jobs(docs_table)
    return docs_table


def keys_of(database: Database) -> list[str]:
    """Return the keys in failures."""
    return [row[0] for row in database.rows("select key from wikiembed.failures order by key")]


def test_failure_holds_the_reported_fields(docs_table: Database) -> None:
    """Class, status, message, attempts, job; the message is bounded."""
    versions = read(docs_table, add(docs_table, "one"))
    docs_table.execute(
        "select wikiembed.record_failures('docs', array['1'], %s, 'bad_chunk', %s, 413, 3, 77)",
        [[versions["1"]], "m" * 2000],
    )
    assert docs_table.rows(
        "select state, error_class, http_status, length(message), attempts, job_id"
        " from wikiembed.failures"
    ) == [("failed", "bad_chunk", 413, 1000, 3, 77)]


def test_second_failure_adds_its_attempts(failed: Database) -> None:
    """The first time stays, the rest is replaced."""
    fail(failed, read(failed, ["1"]), error_class="timeout")
    assert failed.rows(
        "select error_class, attempts, first_at < last_at from wikiembed.failures where key = '1'"
    ) == [("timeout", 2, True)]


def test_failure_is_recorded_only_for_the_same_text(docs_table: Database) -> None:
    """Compare and set, as for vectors."""
    versions = read(docs_table, add(docs_table, "one", "two", "three", "four"))
    docs_table.execute("update public.docs set body = 'new' where id = 1")
    embed(docs_table, ["2"])
    docs_table.execute("delete from public.docs where id = 3")
    assert fail(docs_table, versions) == {
        "1": "stale",
        "2": "stale",
        "3": "gone",
        "4": "recorded",
    }
    assert keys_of(docs_table) == ["4"]
    docs_table.check_invariants()


def test_failure_does_not_undo_a_skip(docs_table: Database) -> None:
    """A chunk that an operator skipped while the batch was in flight stays skipped."""
    versions = read(docs_table, add(docs_table, "one"))
    docs_table.execute("select wikiembed.skip('docs', array['1'], 'private')")
    assert fail(docs_table, versions) == {"1": "recorded"}
    assert docs_table.rows("select state, message from wikiembed.failures") == [
        ("skipped", "private")
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", ["1", "2"]),
        (", p_keys => array['1']", ["1"]),
        (", p_keys => array['3', '9']", ["3"]),
        (", p_error_class => 'write_refused'", ["2"]),
        (", p_error_class => 'empty_text'", ["3"]),
        (", p_keys => array['1'], p_error_class => 'write_refused'", []),
    ],
)
def test_retry_selects_by_key_or_class(
    failed: Database, arguments: str, expected: list[str]
) -> None:
    """All failed ones, or by key or class; skipped ones only by key."""
    assert retry(failed, arguments) == (min(1, len(expected)), len(expected))
    assert queued(failed) == expected
    assert keys_of(failed) == [key for key in ["1", "2", "3"] if key not in expected]
    failed.check_invariants()


def test_retry_is_idempotent(failed: Database) -> None:
    """The first call ended the failure."""
    assert retry(failed) == (1, 2)
    assert retry(failed) == (0, 0)
    assert failed.one("select count(*) from wikiembed.action_log where action = 'retry'") == 1


def test_retry_makes_batches_that_may_begin_immediately(docs_table: Database) -> None:
    """Of the source's size, with zero attempts."""
    fail(docs_table, read(docs_table, add(docs_table, *["text"] * 100)))
    clear_jobs(docs_table)
    assert retry(docs_table) == (2, 100)
    assert sorted((len(job.keys), job.attempt) for job in jobs(docs_table)) == [(36, 0), (64, 0)]
    assert all((job.delay_s or 0) <= 0 for job in jobs(docs_table))


def test_skip_removes_missing_rows_from_the_backlog(docs_table: Database) -> None:
    """They are no longer due; embedded and unknown keys are skipped over."""
    keys = add(docs_table, "one", "two", "three")
    embed(docs_table, ["3"])
    assert docs_table.one("select wikiembed.is_ready('docs')") is False
    skipped = docs_table.one("select wikiembed.skip('docs', %s, 'not for search')", [[*keys, "99"]])
    assert skipped == 2
    assert docs_table.one("select wikiembed.is_ready('docs')") is True
    row = coverage(docs_table)
    assert (row["total"], row["missing"], row["skipped"], row["coverage_pct"]) == (3, 0, 2, 100)
    assert docs_table.rows(
        "select source, why, detail from wikiembed.action_log where action = 'skip'"
    ) == [("docs", "not for search", {"chunks": 2})]
    docs_table.check_invariants()


def test_skip_turns_a_failure_into_a_skip(failed: Database) -> None:
    """The counts are updated."""
    failed.execute("select wikiembed.skip('docs', array['1'])")
    row = coverage(failed)
    assert (row["failed"], row["skipped"], row["missing"]) == (1, 2, 1)
    failed.check_invariants()


def test_skip_of_an_unknown_source_is_refused(database: Database) -> None:
    """WE001."""
    with pytest.raises(psycopg.Error, match="no source is named") as caught:
        database.execute("select wikiembed.skip('none', array['1'])")
    assert caught.value.sqlstate == "WE001"


def test_failed_chunk_can_still_be_written(failed: Database) -> None:
    """A later success ends the failure, of a skipped chunk too."""
    assert write(failed, read(failed, ["1", "2"])) == {"1": "written", "2": "written"}
    assert keys_of(failed) == ["3"]
    failed.check_invariants()


def test_error_classes_of_sql_are_those_of_the_package(database: Database) -> None:
    """One list in two languages, in the same order."""
    (row,) = database.rows("select wikiembed_private.error_classes()")
    assert row[0] == [one.value for one in ErrorClass]


def test_retry_refuses_an_unknown_class(failed: Database) -> None:
    """A misspelling does not silently return 0; any class present in failures is accepted."""
    with pytest.raises(psycopg.Error, match="no such error class: 'timeuot'") as raised:
        retry(failed, ", p_error_class => 'timeuot'")
    assert raised.value.sqlstate == "WE010"
    assert "text_too_long" in (raised.value.diag.message_hint or "")
    assert retry(failed, ", p_error_class => 'timeout'") == (0, 0)
    assert retry(failed, ", p_error_class => 'bad_chunk'") == (1, 1)
