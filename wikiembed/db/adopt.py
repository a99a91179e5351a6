"""Prepare databases for the first step that are not empty.

Those of the revisions before the baseline, 0009 to 0013, are upgraded in place. No release had
these revisions, but databases did. Their contents are kept; missing tables are created, and the
functions, views and triggers are rewritten as in every database. In a database without wikiembed
the wiki's tables may have outlived an uninstall.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import inspect, text

from wikiembed.db.step import run, run_files
from wikiembed.db.version import BEFORE_BASELINE

_MISSING = ("ended_failures", "worker_processes", "truncation", "schema_digest")


def adopt() -> None:
    """Bring a database of a revision before the baseline to it, and remaining tables of the wiki
    to what the first step expects; ignore every other.
    """
    connection = op.get_bind()
    found = None
    if inspect(connection).has_table("alembic_version", schema="wikiembed"):
        query = text("select version_num from wikiembed.alembic_version")
        found = connection.execute(query).scalar()
    if found is None:
        run_files("versions/0004_wiki_documents/before_baseline")
    if found in BEFORE_BASELINE:
        run_files(*(f"versions/0001_baseline/{table}" for table in _MISSING))
        run_files("versions/0001_baseline/from_0009")
        run("update wikiembed.alembic_version set version_num = '0001';")
