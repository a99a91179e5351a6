"""Revision 0007: what workers call of a source is rewritten both ways, and stays theirs."""

from __future__ import annotations

import pytest

from tests.harness.database import Database
from tests.sql.chunks import add
from tests.sql.test_migrations import settings
from wikiembed.db.migrate import downgrade, upgrade

READ = "select key, content from wikiembed.read_chunks('docs', array['1', '2'])"
OWN = "select key, source_version is not null from wikiembed_private.read_docs(array['1'], 0)"
CALLABLE = (
    "select p.proname from pg_proc as p where p.pronamespace = 'wikiembed_private'::regnamespace"
    " and p.proname in ('read_docs', 'store_docs')"
    " and has_function_privilege(%s, p.oid, 'execute') order by 1"
)


def test_worker_of_before_may_call_what_is_new(docs_table: Database) -> None:
    """Down, up: the role keeps its rights, and texts are read at every step."""
    add(docs_table, "one")
    worker = docs_table.create_role("worker", grant="worker")
    downgrade(docs_table.url, settings(docs_table.url), revision="0006")
    assert docs_table.rows(CALLABLE, [worker]) == []
    with docs_table.connect(role=worker) as connection:
        assert connection.execute(READ.encode()).fetchall() == [("1", "one")]
    upgrade(docs_table.url, settings(docs_table.url))
    assert docs_table.rows(CALLABLE, [worker]) == [("read_docs",), ("store_docs",)]
    with docs_table.connect(role=worker) as connection:
        assert connection.execute(READ.encode()).fetchall() == [("1", "one")]
        assert connection.execute(OWN.encode()).fetchall() == [("1", True)]
    docs_table.check_invariants()


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
def test_version_of_the_source_tells_every_change(docs_table: Database, change: str) -> None:
    """A worker that knows the source by its version knows it as it is."""
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


def test_rows_that_nobody_holds_are_read_without_a_lock(docs_table: Database) -> None:
    """Those that were locked once, and are free, are read as well; none is left locked."""
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
