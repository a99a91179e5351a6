"""Documents in memory, and a job of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import pytest
from psycopg import errors as pg

from wikiembed.config import Settings
from wikiembed.db.pool import Pool
from wikiembed.documents import SplitOptions, split, work
from wikiembed.documents.work import SplitJob, process
from wikiembed.error_class import ErrorClass
from wikiembed.errors import (
    SourceNotFound,
)
from wikiembed.pipeline.runtime import Runtime
from wikiembed.store.chunks import ChunkStore
from wikiembed.store.documents import (
    Document,
    DocumentOptions,
    DocumentStore,
    NewChunk,
    Split,
)
from wikiembed.store.outcome import Outcome

TEXT = "# First\n\nOne sentence here.\n\n# Second\n\nAnother sentence there.\n"
OPTIONS = DocumentOptions("markdown", 200, 0, "title_heading")
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


def event(caplog: pytest.LogCaptureFixture, name: str) -> dict[str, object]:
    """The fields of the only event of that name."""
    (record,) = [one for one in caplog.records if one.getMessage() == name]
    fields: dict[str, object] = record.fields  # type: ignore[attr-defined]
    return fields


def break_splitter(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make the splitter raise `error` on the text ``Break.``."""

    def split_or_raise(text: str, *, options: SplitOptions) -> object:
        if text == "Break.":
            raise error
        return split(text, options=options)

    monkeypatch.setattr(work, "split", split_or_raise)
