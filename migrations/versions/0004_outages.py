"""Outages of embedding servers, and the right to write and to read them."""

from __future__ import annotations

from wikiembed.db.revision import run, run_files

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and its functions; workers and readers of before get their rights."""
    run_files(["tables/outages_v01"])
    run_files(f"functions/{name}_v01" for name in ("report_outage", "end_outage", "grant_again"))
    run_files(f"functions/{name}_v02" for name in ("grant_worker", "grant_reader"))
    run(
        "revoke all on function wikiembed.report_outage, wikiembed.end_outage,"
        " wikiembed_private.grant_again from public;"
    )
    run("select wikiembed_private.grant_again();")


def downgrade() -> None:
    """Drop them, and take the grants of before."""
    run("drop function wikiembed.grant_worker(name), wikiembed.grant_reader(name);")
    run_files(f"functions/{name}_v01" for name in ("grant_worker", "grant_reader"))
    run("revoke all on function wikiembed.grant_worker, wikiembed.grant_reader from public;")
    run(
        "drop function wikiembed.report_outage, wikiembed.end_outage,"
        " wikiembed_private.grant_again;"
    )
    run("drop table wikiembed.outages;")
