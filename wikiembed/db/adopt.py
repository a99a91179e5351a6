"""Upgrade databases of the revisions before the baseline, 0009 to 0013, in place.

No release had these revisions, but databases did. Their contents are kept; missing tables are
created, and the functions, views and triggers are rewritten as in every database.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import inspect, text

from wikiembed.db.step import run, run_files
from wikiembed.db.version import BEFORE_BASELINE

_MISSING = ("ended_failures", "worker_processes", "truncation", "schema_digest")


def adopt() -> None:
    """Bring a database of a revision before the baseline to it; ignore every other."""
    connection = op.get_bind()
    if not inspect(connection).has_table("alembic_version", schema="wikiembed"):
        return
    found = connection.execute(text("select version_num from wikiembed.alembic_version")).scalar()
    if found in BEFORE_BASELINE:
        run_files(*(f"versions/0001_baseline/{table}" for table in _MISSING))
        run_files("versions/0001_baseline/from_0009")
        run("update wikiembed.alembic_version set version_num = '0001';")
