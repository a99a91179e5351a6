"""Splitting documents of a job: each outcome of a read, a split and a write."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import psycopg
import pytest
from procrastinate import JobContext
from procrastinate.jobs import Job
from psycopg import errors as pg

from wikiembed.app import new_app
from wikiembed.config import Settings
from wikiembed.db.pool import Pool
from wikiembed.documents import SplitOptions, split, work
from wikiembed.documents.work import ROUNDS, SplitJob, context_of, plan_of, process
from wikiembed.error_class import ErrorClass
from wikiembed.errors import (
    ConfigurationError,
    LockNotAvailable,
    SourceNotFound,
    WriteRefused,
)
from wikiembed.pipeline.runtime import Runtime
from wikiembed.pipeline.stats import FailedChunk
from wikiembed.store.chunks import ChunkStore
from wikiembed.store.documents import (
    Context,
    Document,
    DocumentOptions,
    DocumentStore,
    NewChunk,
    Split,
    StoredChunk,
)
from wikiembed.store.outcome import Outcome
from wikiembed.worker.retry import UNEXPECTED_BEFORE_BLAME
from wikiembed.worker.runtime_holder import RuntimeHolder
from wikiembed.worker.tasks.split import split as split_task

TEXT = "# First\n\nOne sentence here.\n\n# Second\n\nAnother sentence there.\n"
OPTIONS = DocumentOptions("markdown", 200, 0, "title_heading")
Before = Callable[["FakeDocuments", Document], None]


ALONE = " " * work.WRITE_CHARS
"""A text that is split and written alone."""


class FakeDocuments(DocumentStore):
    """Documents in memory; a write of `outcomes[key]` returns these, one after the other."""

    def __init__(self, **texts: str | None) -> None:
        super().__init__(cast("Pool", None))
        self.waiting = {key: Document(key, f"Title {key}", text, 1) for key, text in texts.items()}
        self.source_options: DocumentOptions | None = OPTIONS
        self.locked: set[str] = set()
        self.outcomes: dict[str, list[Outcome]] = {}
        self.errors: dict[str, Exception] = {}
        self.stays_recorded = True
        self.reads: list[list[str]] = []
        self.writes: list[list[str]] = []
        self.written: dict[str, list[NewChunk]] = {}
        self.requeued: list[tuple[list[str], int]] = []
        self.failures: list[tuple[str, ErrorClass, str]] = []
        self.after_write: Callable[[], None] = lambda: None

    async def options(self, source: str) -> DocumentOptions:
        if self.source_options is None:
            raise SourceNotFound("none")
        return self.source_options

    async def read(self, source: str, keys: Sequence[str], *, most_bytes: int) -> list[Document]:
        self.reads.append(list(keys))
        if "not a number" in keys:
            raise pg.InvalidTextRepresentation("a key")
        found: list[Document] = []
        for key in keys:
            if key in self.waiting and key not in self.locked:
                found.append(self.waiting[key])
            if sum(len(one.content or "") for one in found) >= most_bytes:
                break
        return found

    async def write(self, source: str, splits: Sequence[Split]) -> dict[str, Outcome]:
        self.writes.append([one.document.key for one in splits])
        for one in splits:
            if one.document.key in self.errors:
                raise self.errors[one.document.key]
        found = {}
        for one in splits:
            key = one.document.key
            found[key] = (self.outcomes.get(key) or [Outcome.WRITTEN]).pop(0)
            if found[key] is Outcome.WRITTEN:
                del self.waiting[key]
                self.written[key] = list(one.chunks)
        self.after_write()
        return found

    async def requeue(self, source: str, keys: Sequence[str], *, attempt: int) -> int:
        self.requeued.append((list(keys), attempt))
        return len(keys)

    async def record_failure(
        self,
        source: str,
        document: Document,
        *,
        error_class: ErrorClass,
        message: str,
        job_id: int | None,
    ) -> bool:
        if self.stays_recorded:
            self.failures.append((document.key, error_class, message))
        return self.stays_recorded


class FakeChunks(ChunkStore):
    """Only whether the source is paused."""

    def __init__(self) -> None:
        self.paused = False

    async def is_paused(self, source: str) -> bool:
        return self.paused


def runtime_of(documents: FakeDocuments) -> Runtime:
    runtime = Runtime(Settings(), cast("Pool", None))
    runtime.documents = documents
    runtime.store = FakeChunks()
    return runtime


async def run(documents: FakeDocuments, *keys: str, attempt: int = 0) -> Runtime:
    """Process one job of these keys, or of all documents."""
    runtime = runtime_of(documents)
    job = SplitJob(
        source="docs", documents=keys or list(documents.waiting), attempt=attempt, job_id=7
    )
    await process(job, runtime)
    return runtime


@pytest.fixture(autouse=True)
def _events(caplog: pytest.LogCaptureFixture) -> None:
    """Warnings are captured, whatever level another test has set."""
    caplog.set_level(logging.WARNING, "wikiembed")


def event(caplog: pytest.LogCaptureFixture, name: str) -> dict[str, object]:
    """The fields of the only event of that name."""
    (record,) = [one for one in caplog.records if one.getMessage() == name]
    fields: dict[str, object] = record.fields  # type: ignore[attr-defined]
    return fields


async def test_new_documents_are_split_and_written(caplog: pytest.LogCaptureFixture) -> None:
    """One chunk per section, with its context and offsets; the event has the counts."""
    caplog.set_level(logging.DEBUG, "wikiembed")
    documents = FakeDocuments(a=TEXT, b="Short.")
    await run(documents)
    first, second = documents.written["a"]
    assert (first.id, first.context, first.heading) == (None, "Title a: First", "First")
    assert second.context == "Title a: Second"
    assert second.content == TEXT[second.start : second.end]
    assert [chunk.context for chunk in documents.written["b"]] == ["Title b"]
    assert (documents.requeued, documents.failures) == ([], [])
    fields = event(caplog, "documents_split")
    seconds = fields.pop("seconds")
    assert isinstance(seconds, float)
    assert fields == {
        "source": "docs", "job_id": 7, "documents": 2,
        "kept": 0, "changed": 0, "inserted": 3, "deleted": 0,
    }  # fmt: skip


@pytest.mark.parametrize("text", [None, "", " \n\t "])
async def test_blank_document_is_written_without_chunks(text: str | None) -> None:
    """It waits no longer."""
    documents = FakeDocuments(a=text)
    await run(documents)
    assert documents.written == {"a": []}


def _plan(document: Document, context: Context = "title_heading") -> work.Plan:
    return plan_of(document, replace(OPTIONS, context=context))


def _stored(document: Document) -> tuple[StoredChunk, ...]:
    chunks = _plan(document).chunks
    return tuple(StoredChunk(10 + i, c.context, c.content) for i, c in enumerate(chunks))


def test_equal_chunks_keep_their_row_and_changed_ones_reuse_it() -> None:
    """An edit in the second section leaves the first; an added section gets a new row."""
    before = Document("a", "Title", TEXT, 1)
    after = replace(before, content=TEXT.replace("there", "elsewhere") + "\n# Third\n\nNew.\n")
    plan = _plan(replace(after, chunks=_stored(before)))
    assert [chunk.id for chunk in plan.chunks] == [10, 11, None]
    assert (plan.changes.kept, plan.changes.changed) == ([(10, 0)], [(11, 1)])
    assert (plan.changes.inserted, plan.changes.deleted) == ([2], [])


def test_title_that_changes_changes_all_chunks_in_their_rows() -> None:
    """The context is part of what is compared, unless the option leaves the title out."""
    before = Document("a", "Title", TEXT, 1)
    after = replace(before, title="Other", chunks=_stored(before))
    plan = _plan(after)
    assert [chunk.id for chunk in plan.chunks] == [10, 11]
    assert (plan.changes.kept, plan.changes.changed) == ([], [(10, 0), (11, 1)])
    kept = tuple(replace(chunk, context=None) for chunk in after.chunks)
    assert _plan(replace(after, chunks=kept), "none").changes.changed == []


def test_section_that_is_deleted_deletes_its_row() -> None:
    """The other one is kept."""
    before = Document("a", "Title", TEXT, 1)
    after = replace(before, content=TEXT[TEXT.index("# Second") :], chunks=_stored(before))
    changes = _plan(after).changes
    assert (changes.kept, changes.deleted) == ([(11, 0)], [10])


@pytest.mark.parametrize(
    ("context", "title", "heading", "expected"),
    [
        ("title_heading", "T", "H", "T: H"),
        ("title_heading", " T ", "", "T"),
        ("title_heading", None, "H", "H"),
        ("title_heading", " ", "", None),
        ("title", "T", "H", "T"),
        ("title", None, "H", None),
        ("heading", "T", "H", "H"),
        ("heading", "T", "", None),
        ("none", "T", "H", None),
    ],
)
def test_context_follows_the_option(
    context: Context, title: str | None, heading: str, expected: str | None
) -> None:
    """`Title: Heading`, one of them alone, or none."""
    assert context_of(title, heading, context) == expected


def test_context_has_the_beginning_of_a_long_title() -> None:
    """It is stored with every chunk: a title of a megabyte would take a gigabyte."""
    assert context_of("T" * 1_000_000, "H", "title_heading") == "T" * work.MAX_TITLE + ": H"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_end_of_the_process_is_no_fault_of_the_document(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends a dry run, which splits in the main thread."""
    _break(monkeypatch, error())
    with pytest.raises(error):
        plan_of(Document("bad", None, "Break.", 1), OPTIONS)


async def test_stale_document_is_read_again() -> None:
    """The next round writes it."""
    documents = FakeDocuments(a="A.", b="B.")
    documents.outcomes["a"] = [Outcome.STALE, Outcome.STALE, Outcome.WRITTEN]
    await run(documents)
    assert documents.writes == [["a", "b"], ["a"], ["a"]]
    assert (set(documents.written), documents.requeued) == ({"a", "b"}, [])


async def test_document_that_is_stale_in_each_round_is_requeued() -> None:
    """With backoff, and without the others."""
    documents = FakeDocuments(a="A.", b="B.")
    documents.outcomes["a"] = [Outcome.STALE] * ROUNDS
    await run(documents, "a", "b", attempt=2)
    assert documents.writes == [["a", "b"], *[["a"]] * (ROUNDS - 1)]
    assert documents.requeued == [(["a"], 2)]


async def test_locked_documents_are_requeued_together() -> None:
    """Locked at the read or at the write: one call, with the job's attempt."""
    documents = FakeDocuments(a="A.", b="B.", c="C.", d="D.")
    documents.locked = {"a"}
    documents.outcomes["c"] = [Outcome.LOCKED]
    await run(documents, "a", "b", "c", "d", attempt=3)
    assert documents.requeued == [(["a", "c"], 3)]
    assert set(documents.written) == {"b", "d"}


async def test_document_that_is_gone_is_dropped() -> None:
    """Deleted between read and write: neither requeued nor failed."""
    documents = FakeDocuments(a="A.")
    documents.outcomes["a"] = [Outcome.GONE]
    await run(documents)
    assert (documents.written, documents.requeued, documents.failures) == ({}, [], [])


class Panic(BaseException):
    """As raised by a library in Rust."""


@pytest.mark.parametrize("error", [RecursionError(), ValueError("secret text"), Panic()])
async def test_document_that_the_splitter_fails_on_is_recorded(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are split; the message has the error's name, and nothing of the text."""
    _break(monkeypatch, error)
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


def _break(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make the splitter raise `error` on the text ``Break.``."""

    def split_or_raise(text: str, *, options: SplitOptions) -> object:
        if text == "Break.":
            raise error
        return split(text, options=options)

    monkeypatch.setattr(work, "split", split_or_raise)


@pytest.mark.parametrize("error", [ConfigurationError("no library"), MemoryError()])
async def test_errors_of_the_process_are_no_fault_of_the_document(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are raised, and the job is retried."""
    _break(monkeypatch, error)
    documents = FakeDocuments(bad="Break.")
    with pytest.raises(type(error)):
        await run(documents)
    assert documents.failures == []


async def test_document_that_changes_before_its_failure_is_recorded_is_read_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After all rounds it is requeued."""
    _break(monkeypatch, ValueError())
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


async def test_worker_that_stops_returns_the_rest_at_once() -> None:
    """No document begins after it; the rest is requeued at attempt 0."""
    documents = FakeDocuments(**dict.fromkeys("abcdefg", ALONE))
    runtime = runtime_of(documents)
    documents.after_write = lambda: runtime.stop() if len(documents.written) == 5 else None
    job = SplitJob(source="docs", documents=list("abcdefg"), attempt=5)
    await process(job, runtime)
    assert list(documents.written) == list("abcde")
    assert documents.requeued == [(["f", "g"], 0)]


async def test_source_that_is_paused_returns_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stale ones keep the job's attempt."""
    monkeypatch.setattr(work, "CHECK_PAUSE_EVERY_S", -1.0)
    documents = FakeDocuments(**dict.fromkeys("abc", ALONE))
    documents.outcomes["a"] = [Outcome.STALE]
    runtime = runtime_of(documents)
    chunks = cast("FakeChunks", runtime.store)
    documents.after_write = lambda: setattr(chunks, "paused", True)
    await process(SplitJob(source="docs", documents=list("abc"), attempt=1), runtime)
    assert documents.writes == [["a"]]
    assert documents.requeued == [(["b", "c"], 0), (["a"], 1)]


async def test_source_that_is_gone_drops_the_job(caplog: pytest.LogCaptureFixture) -> None:
    """Detached since the job was queued."""
    caplog.set_level(logging.INFO, "wikiembed")
    documents = FakeDocuments(a="A.")
    documents.source_options = None
    await run(documents)
    assert event(caplog, "source_gone")["reason"]
    assert documents.writes == []


async def test_key_of_a_wrong_type_is_skipped(caplog: pytest.LogCaptureFixture) -> None:
    """The others are split."""
    documents = FakeDocuments(a="A.", b="B.")
    await run(documents, "a", "b", "not a number")
    assert set(documents.written) == {"a", "b"}
    assert caplog.messages.count("job_malformed") == 1


async def test_large_texts_are_read_one_after_the_other() -> None:
    """What a read leaves out for its size is read next; what is locked is requeued."""
    documents = FakeDocuments(**{f"k{n}": "Text." for n in range(10)})
    await run(documents)
    assert [len(keys) for keys in documents.reads] == [10]
    large = " " * work.READ_BYTES
    documents = FakeDocuments(a="Text.", b=large, c="Text.", d=large, e=large, f="Text.")
    documents.locked = {"c", "f"}
    await run(documents, *"abcdef")
    assert documents.reads == [list("abcdef"), list("cdef"), list("cef"), list("cf")]
    assert (set(documents.written), documents.requeued) == (set("abde"), [(list("cf"), 0)])


async def test_writes_are_small_for_large_texts() -> None:
    """Documents are written together up to a number of characters, a large one alone."""
    long = "word " * (work.WRITE_CHARS // 10)
    documents = FakeDocuments(a="A.", b="B.", c=long, d=long, e=3 * long, f="F.")
    runtime = runtime_of(documents)
    await process(SplitJob(source="docs", documents=list("abcdef")), runtime)
    assert documents.writes == [["a", "b", "c"], ["d"], ["e"], ["f"]]


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


async def test_each_document_of_a_write_is_treated_by_its_outcome() -> None:
    """Stale ones are read again, locked ones requeued, gone ones dropped; others are written."""
    documents = FakeDocuments(**{name: f"{name}." for name in "abcde"})
    documents.outcomes = {
        "b": [Outcome.STALE, Outcome.WRITTEN], "c": [Outcome.LOCKED], "d": [Outcome.GONE],
    }  # fmt: skip
    await run(documents, *"abcde", attempt=2)
    assert documents.writes == [list("abcde"), ["b"]]
    assert (set(documents.written), documents.requeued) == (set("abe"), [(["c"], 2)])


async def test_splits_at_the_same_time_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight jobs of one process: at most two documents are split at a time."""
    running = most = 0
    real = asyncio.to_thread

    async def counted(*args: object, **options: object) -> object:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await real(*args, **options)  # type: ignore[arg-type]
        finally:
            running -= 1

    monkeypatch.setattr(asyncio, "to_thread", counted)
    documents = FakeDocuments(**{f"k{n}": "Text." for n in range(16)})
    runtime = runtime_of(documents)
    await asyncio.gather(
        *(
            process(SplitJob(source="docs", documents=[f"k{n}", f"k{n + 8}"]), runtime)
            for n in range(8)
        )
    )
    assert (len(documents.written), most) == (16, 2)


class Holder(RuntimeHolder):
    def __init__(self, runtime: Runtime) -> None:
        super().__init__()
        self._runtime = runtime


async def _run_task(runtime: Runtime, /, **arguments: object) -> None:
    await _run_task_with(Holder(runtime), **arguments)


async def _run_task_with(holder: Holder, /, **arguments: object) -> None:
    job = Job(
        id=7, queue="embed_docs", lock=None, queueing_lock=None, task_name="wikiembed.split",
    )  # fmt: skip
    context = JobContext(
        start_timestamp=0.0,
        app=new_app(),
        job=job,
        abort_reason=lambda: None,
        additional_context={"runtime": holder},
    )
    await split_task(context, **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"source": "docs"},
        {"source": 7, "documents": ["a"]},
        {"source": "docs", "documents": "a"},
        {"source": "docs", "documents": [None, {}]},
        {"malformed": [1]},
    ],
)
async def test_task_drops_malformed_arguments(
    arguments: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    """As the embed task does."""
    documents = FakeDocuments(a="A.")
    await _run_task(runtime_of(documents), **arguments)
    assert caplog.messages == ["job_malformed"]
    assert documents.reads == []


async def test_task_splits() -> None:
    """Keys that are neither text nor numbers are left out."""
    documents = FakeDocuments(**{"1": "One.", "2": "Two."})
    await _run_task(
        runtime_of(documents), source="docs", documents=[1, "2", None], attempt="x", rescues=1
    )
    assert set(documents.written) == {"1", "2"}


async def test_task_wakes_the_workers_of_its_process_for_the_chunks() -> None:
    """Once they are written; the notification may have been throttled."""
    documents = FakeDocuments(a="A.", b="B.")
    runtime = runtime_of(documents)
    holder = Holder(runtime)
    woken: list[set[str]] = []

    def waker() -> None:
        woken.append(set(documents.written))

    holder.add_waker(waker)
    await _run_task_with(holder, source="docs", documents=["a"])
    assert woken == [{"a"}]
    holder.remove_waker(waker)
    await _run_task_with(holder, source="docs", documents=["b"])
    assert woken == [{"a"}]


async def test_task_gives_up_after_five_unexpected_errors() -> None:
    """Its documents are recorded as internal_error; those locked meanwhile are requeued."""
    documents = FakeDocuments(a="A.", b="B.")
    documents.errors["a"] = ZeroDivisionError()
    runtime = runtime_of(documents)
    for _ in range(UNEXPECTED_BEFORE_BLAME - 1):
        with pytest.raises(ZeroDivisionError):
            await _run_task(runtime, source="docs", documents=["a", "b"])
        assert documents.failures == []
    documents.locked = {"b"}
    await _run_task(runtime, source="docs", documents=["a", "b"], attempt=1)
    message = "The job ended 5 times with ZeroDivisionError."
    assert documents.failures == [("a", "internal_error", message)]
    assert documents.requeued == [(["b"], 1)]
    assert runtime.unexpected == {}


async def test_task_ends_the_worker_that_cannot_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker may have the library."""
    _break(monkeypatch, ConfigurationError("not installed"))
    runtime = runtime_of(FakeDocuments(a="Break."))
    with pytest.raises(ConfigurationError):
        await _run_task(runtime, source="docs", documents=["a"])
    assert isinstance(runtime.fatal, ConfigurationError)


async def test_task_retries_transient_errors_however_often() -> None:
    """No document is blamed."""
    documents = FakeDocuments(a="A.")
    documents.errors["a"] = psycopg.DatabaseError("out of memory for query result")
    runtime = runtime_of(documents)
    for _ in range(2 * UNEXPECTED_BEFORE_BLAME):
        with pytest.raises(psycopg.DatabaseError):
            await _run_task(runtime, source="docs", documents=["a"])
    assert (documents.failures, runtime.unexpected) == ([], {})


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
