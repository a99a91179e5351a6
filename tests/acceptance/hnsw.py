"""A table with vectors, and queries about its HNSW index."""

from __future__ import annotations

from tests.support.database import Database

ROWS = 3000
INDEX = "public.wikiembed_hnsw_docs"
BUILD = ("index", "--source", "docs")
INDEXES = (
    "select i.indexrelid::regclass::text, i.indisvalid from pg_index as i"
    " join pg_class as c on c.oid = i.indexrelid join pg_am as a on a.oid = c.relam"
    " where a.amname = 'hnsw' order by 1"
)
SEARCH = "select * from wikiembed.search('docs', '[1,2,3,4]', p_limit => 5)"
PROGRESS = "select phase from pg_stat_progress_create_index where datname = current_database()"


def embedded(database: Database, rows: int = ROWS) -> None:
    """Insert `rows` chunks with distinct vectors."""
    database.execute(
        "insert into public.docs (body, vec) select 'chunk ' || g,"
        " array[sin(g), cos(g), sin(g * g), 1]::vector from generate_series(1, %s) as g",
        [rows],
    )
    database.execute("analyze public.docs")


def hnsw(database: Database) -> dict[str, bool]:
    """Every HNSW index and whether it is valid."""
    return dict(database.rows(INDEXES))


def scans(database: Database, index: str = INDEX) -> int:
    """The number of scans of `index` by one search."""
    with database.connect(autocommit=False) as connection:
        connection.execute(SEARCH)
        row = connection.execute(
            "select pg_stat_get_xact_numscans(%s::regclass)", [index]
        ).fetchone()
        connection.rollback()
    assert row is not None
    return int(row[0])
