"""Revision 0012: the view of workers goes both ways, with those who may read it."""

from __future__ import annotations

from tests.harness.database import Database
from tests.sql.test_migrations import settings
from tests.sql.test_views import register
from wikiembed.db.migrate import downgrade, upgrade

COLUMNS = (
    "select count(*) from information_schema.columns"
    " where table_schema = 'wikiembed' and table_name = 'workers'"
)
MAY_READ = "select has_table_privilege(%s, 'wikiembed.workers', 'select')"


def test_workers_view_goes_both_ways(docs_table: Database) -> None:
    """A registration stands for itself again before it, and readers and workers read the view."""
    roles = [docs_table.create_role(kind, grant=kind) for kind in ("reader", "worker")]
    first, second = register(docs_table, 1), register(docs_table, 1)
    assert docs_table.rows("select worker_ids from wikiembed.workers") == [([first, second],)]
    downgrade(docs_table.url, settings(docs_table.url), revision="0011")
    assert docs_table.one(COLUMNS) == 5
    assert docs_table.rows("select worker_id from wikiembed.workers order by 1") == [
        (first,),
        (second,),
    ]
    assert [docs_table.one(MAY_READ, [role]) for role in roles] == [True, True]
    upgrade(docs_table.url, settings(docs_table.url))
    assert docs_table.one("select count(*) from wikiembed.workers where host is null") == 2
    assert [docs_table.one(MAY_READ, [role]) for role in roles] == [True, True]
