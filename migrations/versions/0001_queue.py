"""procrastinate 3.10.0 in a schema of its own, and the schemas of wikiembed."""

from __future__ import annotations

from wikiembed.db.revision import run, run_files

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the schemas and the queue."""
    run("create schema if not exists wikiembed;")
    run("create schema wikiembed_queue;")
    run("create schema wikiembed_private;")
    run("set local search_path = wikiembed_queue, pg_catalog;")
    run_files(["queue/procrastinate_3_10_0"])
    run("set local search_path to default;")
    run_files(["queue/pin_search_path_v01", "queue/notify_off_v01", "queue/comments_v01"])


def downgrade() -> None:
    """Drop the queue; schema wikiembed stays, since it holds Alembic's own table."""
    run("drop schema wikiembed_queue cascade;")
    run("drop schema wikiembed_private cascade;")
