"""The task that splits: malformed arguments, errors and the end of its worker."""

from __future__ import annotations

import psycopg
import pytest
from procrastinate import JobContext
from procrastinate.jobs import Job

from tests.support.documents_fakes import FakeDocuments, break_splitter, runtime_of
from wikiembed.errors import (
    ConfigurationError,
)
from wikiembed.pipeline.runtime import Runtime
from wikiembed.worker.new_app import new_app
from wikiembed.worker.retry import UNEXPECTED_BEFORE_BLAME
from wikiembed.worker.runtime_holder import RuntimeHolder
from wikiembed.worker.tasks.split import split as split_task

pytestmark = pytest.mark.usefixtures("captured_warnings")


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
    break_splitter(monkeypatch, ConfigurationError("not installed"))
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
