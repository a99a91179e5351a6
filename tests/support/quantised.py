"""Source ``docs`` with vectors, indexes of them, and searches that use one."""

from __future__ import annotations

from tests.support.database import Database

N = 32
ROWS = 1200
NEAREST = (
    "select array_agg(d.id::text) from (select id from public.docs where {} order by"
    " (vec <=> '{}') + 0 limit {}) as d"
)
INDEXES = "select index_name, is_valid, quantise, is_used from wikiembed.vector_indexes('docs')"
SCANS = "select coalesce(pg_stat_get_xact_numscans(to_regclass('public.{}')), 0)"


def make_docs(database: Database, *, vector: str = f"vector({N})") -> None:
    """Source ``docs``: vectors without neighbourhoods, of 100 tenants."""
    database.execute(f"""
        create table public.docs (
          id bigint generated always as identity primary key, body text, tenant integer,
          "vec" public.{vector});
        select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs', p_dimensions => {N});
        select setseed(0.5);
        insert into public.docs (body, tenant, vec)
        select 'chunk ' || g, g % 100,
               array(select random() - 0.5 + 0 * g from generate_series(1, {N}))::public.{vector}
          from generate_series(1, {ROWS}) as g;
        analyze public.docs;
    """)


def build(database: Database, quantise: str, *, name: str | None = None) -> str:
    """Build an index of this kind and have search use it, as the command does."""
    name = name or f"wikiembed_{quantise}_docs"
    using = database.one("select wikiembed.vector_index('docs', %s)", [quantise])
    database.execute(f"create index {name} on public.docs {using}")
    database.execute("select wikiembed.set_quantise('docs', %s)", [quantise])
    return name


def question(database: Database, number: int = 7) -> str:
    """The vector of a chunk."""
    return str(database.one("select vec::text from public.docs where id = %s", [number]))


def search(database: Database, more: str = "", *, index: str, number: int = 7) -> list[str]:
    """The keys that a search finds, by the index of that name."""
    asked = question(database, number)
    with database.connect(autocommit=False) as connection:
        connection.execute("set local enable_seqscan = off")
        rows = connection.execute(
            f"select key from wikiembed.search('docs', '{asked}'{more})".encode()
        ).fetchall()
        assert connection.execute(SCANS.format(index).encode()).fetchone() == (1,)
    return [key for (key,) in rows]


def exact(database: Database, limit: int, *, where: str = "true", number: int = 7) -> list[str]:
    """The keys of the nearest chunks."""
    found = database.one(NEAREST.format(where, question(database, number), limit))
    assert isinstance(found, list)
    return found
