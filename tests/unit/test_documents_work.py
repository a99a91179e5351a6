"""A job's documents: each outcome of a read and a write."""

from __future__ import annotations

import asyncio
import logging
from typing import cast

import pytest

from tests.support.documents_fakes import (
    ALONE,
    TEXT,
    FakeChunks,
    FakeDocuments,
    event,
    run,
    runtime_of,
)
from wikiembed.documents import work
from wikiembed.documents.work import ROUNDS, SplitJob, process
from wikiembed.store.outcome import Outcome

pytestmark = pytest.mark.usefixtures("captured_warnings")


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
