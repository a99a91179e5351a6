"""The schema of procrastinate that the migrations create: its version and its text."""

from __future__ import annotations

from pathlib import Path

from wikiembed.db.location import migrations_dir

PROCRASTINATE_VERSION = "3.10.0"
"""The only version that workers run with; the queue's schema is of this version."""
QUEUE_SCHEMA = "wikiembed_queue"


def vendored_schema() -> Path:
    """procrastinate's own schema, unchanged; other versions may be beside it for later steps."""
    return migrations_dir() / "vendor" / "procrastinate" / PROCRASTINATE_VERSION / "schema.sql"
