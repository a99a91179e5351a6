"""How a worker reads a source: without locks where it can, with the version of the source."""

from __future__ import annotations

import pytest

from tests.support.chunks import add
from tests.support.database import Database

READ = "select key, content from wikiembed.read_chunks('docs', array['1', '2'])"


@pytest.mark.parametrize(
    "change",
    [
        "update wikiembed.sources set batch_size = 7",
        "update wikiembed.sources set model = 'm'",
        "select wikiembed.pin_model('docs', 'tei', 'm', 4)",
        "select wikiembed.detach('docs');"
        " select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')",
    ],
)
def test_version_of_the_source_changes_with_every_change(docs_table: Database, change: str) -> None:
    """A worker that has the source's current version has its current values."""
    add(docs_table, "one")
    versions = "select source_version from wikiembed_private.read_docs(array['1'], 0)"
    before = docs_table.rows(versions)
    assert docs_table.rows(versions) == before
    docs_table.execute(change)
    after = docs_table.rows(versions)
    assert after != before
    assert after == docs_table.rows(
        "select xmin || ' ' || ctid from wikiembed.sources where name = 'docs'"
    )


def test_rows_that_are_not_held_are_read_without_a_lock(docs_table: Database) -> None:
    """Rows that were locked before, and are free, are read as well; none stays locked."""
    add(docs_table, "one")
    add(docs_table, "two")
    with docs_table.connect(autocommit=False) as other:
        other.execute("select from public.docs where id = 2 for key share")
        assert docs_table.rows(READ) == [("1", "one"), ("2", "two")]
        other.execute("select from public.docs where id = 2 for update")
        assert docs_table.rows(READ) == [("1", "one")]
        other.rollback()
    assert docs_table.rows(READ) == [("1", "one"), ("2", "two")]
    assert docs_table.rows("select xmax::text = '0' from public.docs order by id") == [
        (True,), (False,),
    ]  # fmt: skip
