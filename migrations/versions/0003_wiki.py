"""The wiki's own tables, attached as source wiki."""

from __future__ import annotations

from wikiembed.db.revision import dimensions, run, run_files, vector_schema

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and attach the chunks."""
    words = {"vector_schema": vector_schema(), "vector_dimensions": str(dimensions())}
    run_files(["wiki/wiki_pages_v01", "wiki/wiki_chunks_v01", "wiki/load_pages_v01"], **words)
    run("revoke all on function wikiembed.load_pages(jsonb) from public;")
    run("select wikiembed.attach('public.wiki_chunks', 'id', 'content', 'embedding', 'wiki');")


def downgrade() -> None:
    """Drop the tables with their rows."""
    run(
        "select wikiembed.detach(s.name) from wikiembed.sources as s where s.relation ="
        " 'public.wiki_chunks'::regclass;"
    )
    run("drop function wikiembed.load_pages(jsonb);")
    run("drop table public.wiki_chunks, public.wiki_pages;")
