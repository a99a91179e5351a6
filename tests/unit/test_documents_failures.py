"""A job's documents that cannot be split or written: found alone, and recorded."""

from __future__ import annotations

import asyncio

import pytest
from psycopg import errors as pg

from tests.support.documents_fakes import (
    TEXT,
    FakeDocuments,
    break_splitter,
    event,
    run,
    runtime_of,
)
from wikiembed.documents.work import ROUNDS, SplitJob, process
from wikiembed.error_class import ErrorClass
from wikiembed.errors import (
    ConfigurationError,
    LockNotAvailable,
    WriteRefused,
)
from wikiembed.pipeline.stats import FailedChunk

pytestmark = pytest.mark.usefixtures("captured_warnings")


class Panic(BaseException):
    """As raised by a library in Rust."""


@pytest.mark.parametrize("error", [RecursionError(), ValueError("secret text"), Panic()])
async def test_document_that_the_splitter_fails_on_is_recorded(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are split; the message has the error's name, and nothing of the text."""
    break_splitter(monkeypatch, error)
    documents = FakeDocuments(a="A.", bad="Break.", c="C.")
    await run(documents)
    assert set(documents.written) == {"a", "c"}
    ((key, error_class, message),) = documents.failures
    assert (key, error_class) == ("bad", "document_unreadable")
    assert type(error).__name__ in message
    assert "Break" not in message
    assert "secret" not in message
    fields = event(caplog, "document_failed")
    assert fields == {"source": "docs", "error_class": "document_unreadable", "job_id": 7}


@pytest.mark.parametrize("error", [ConfigurationError("no library"), MemoryError()])
async def test_errors_of_the_process_are_no_fault_of_the_document(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are raised, and the job is retried."""
    break_splitter(monkeypatch, error)
    documents = FakeDocuments(bad="Break.")
    with pytest.raises(type(error)):
        await run(documents)
    assert documents.failures == []


async def test_document_that_changes_before_its_failure_is_recorded_is_read_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After all rounds it is requeued."""
    break_splitter(monkeypatch, ValueError())
    documents = FakeDocuments(bad="Break.")
    documents.stays_recorded = False
    await run(documents)
    assert len(documents.reads) == ROUNDS
    assert documents.requeued == [(["bad"], 0)]
    assert "document_failed" not in caplog.messages


async def test_document_whose_chunks_postgres_refuses_is_recorded() -> None:
    """A constraint of the chunk table: write_refused, without Postgres' message."""
    documents = FakeDocuments(a="A.", b="B.")
    documents.errors["a"] = pg.CheckViolation("row contains (A.)")
    await run(documents)
    assert documents.failures == [
        ("a", "write_refused", "Postgres refuses a chunk (SQLSTATE 23514).")
    ]
    assert set(documents.written) == {"b"}


async def test_column_that_the_chunk_table_lost_is_said() -> None:
    """An SQLSTATE alone would name nothing that an operator can look for."""
    documents = FakeDocuments(a="A.")
    documents.errors["a"] = pg.UndefinedColumn("column heading does not exist")
    await run(documents)
    assert documents.failures == [
        (
            "a",
            "write_refused",
            "Postgres refuses a chunk (SQLSTATE 42703): a column that the chunk table or its"
            " triggers need was dropped or renamed.",
        )
    ]


@pytest.mark.parametrize("error", [LockNotAvailable("55P03"), pg.DeadlockDetected("deadlock")])
async def test_errors_of_the_database_are_raised(error: Exception) -> None:
    """The job is retried; no document is blamed."""
    documents = FakeDocuments(a="A.")
    documents.errors["a"] = error
    with pytest.raises(type(error)):
        await run(documents)
    assert (documents.failures, documents.requeued) == ([], [])


async def test_documents_that_postgres_refuses_are_found_by_halving() -> None:
    """Two of eight: they alone are recorded, and the others are written."""
    documents = FakeDocuments(**{name: f"{name}." for name in "abcdefgh"})
    documents.errors["c"] = pg.CheckViolation("c")
    documents.errors["h"] = WriteRefused("A trigger prevents it.")
    await run(documents)
    assert documents.failures == [
        ("c", "write_refused", "Postgres refuses a chunk (SQLSTATE 23514)."),
        ("h", "write_refused", "Postgres refuses a chunk."),
    ]
    assert set(documents.written) == set("abdefg")
    assert len(documents.writes) <= 11
    assert documents.requeued == []


def test_documents_are_counted_and_failed_ones_are_reported() -> None:
    """In the statistics of the process; a failure with its key, once."""
    documents = FakeDocuments(a=TEXT, b=TEXT, c=TEXT)
    documents.errors["b"] = pg.CheckViolation("no")
    runtime = runtime_of(documents)
    reported: list[FailedChunk] = []
    runtime.stats.on_failure = reported.append
    job = SplitJob(source="docs", documents=["a", "b", "c"], job_id=7)
    asyncio.run(process(job, runtime))
    assert runtime.stats.documents == 2
    assert runtime.stats.documents_failed == {ErrorClass.WRITE_REFUSED: 1}
    assert not runtime.stats.failed
    ((key, document),) = [(one.key, one.document) for one in reported]
    assert (key, document) == ("b", True)
