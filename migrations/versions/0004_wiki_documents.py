"""The wiki's pages are documents: a page holds its text, and workers split it."""

from __future__ import annotations

from wikiembed.db.location import migrations_dir
from wikiembed.db.step import run_after_current, run_files

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FOLDER = "versions/0004_wiki_documents"


def upgrade() -> None:
    """Give pages their text and chunks their offsets, then make the wiki a source of documents."""
    run_files(f"{FOLDER}/loaders", f"{FOLDER}/tables")
    attach = migrations_dir() / f"{FOLDER}/attach.sql"
    run_after_current(attach.read_text(encoding="utf-8"))
