"""The new chunks of a document: their context, and the rows that they keep."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.documents_fakes import OPTIONS, TEXT, break_splitter
from wikiembed.documents import work
from wikiembed.documents.work import context_of, plan_of
from wikiembed.store.documents import (
    Context,
    Document,
    StoredChunk,
)


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
    break_splitter(monkeypatch, error())
    with pytest.raises(error):
        plan_of(Document("bad", None, "Break.", 1), OPTIONS)
