"""What a search from the shell imports: its libraries take more time than the search."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.support.chunks import add, make_source
from tests.support.database import Database
from wikiembed.config import LOCAL_DIMENSIONS
from wikiembed.embedders.local_model import load_wordllama

NOT_NEEDED = (
    *("psycopg_pool", "procrastinate", "httpx", "aiohttp", "requests", "urllib3", "alembic"),
    *("sqlalchemy", "markdown_it", "wcwidth", "wordllama"),
)
TEXT = "Bees make honey of nectar."
RUN = f"""
import atexit, sys
atexit.register(lambda: print([one for one in {NOT_NEEDED} if one in sys.modules]))
from wikiembed.__main__ import main
main()
"""


def test_a_search_with_the_local_model_imports_what_it_needs(database: Database) -> None:
    """Its vector comes from the files of wordllama; no pool is opened, no server asked."""
    make_source(database, vector=f"vector({LOCAL_DIMENSIONS})")
    (vector,) = load_wordllama().embed([TEXT])
    add(database, TEXT, vector=str(vector.tolist()))
    done = subprocess.run(
        [sys.executable, "-c", RUN, "search", TEXT, "--json"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"WIKIEMBED_DATABASE_URL": database.url, "WIKIEMBED_EMBEDDER": "local"},
    )
    hit, imported = done.stdout.splitlines()
    assert json.loads(hit)["similarity"] == pytest.approx(1, abs=1e-5)
    assert imported == "[]"
