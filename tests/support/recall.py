"""A table whose index of vectors finds little at a low hnsw.ef_search."""

from __future__ import annotations

from tests.support.database import Database

FEW_LINKS = 6000
DIMENSIONS = 64


def few_links(database: Database, *, rows: int = FEW_LINKS) -> None:
    """``public.docs``: vectors without neighbourhoods, an index of few links."""
    database.execute(f"""
        create table public.docs (
          id bigint generated always as identity primary key, body text, tenant integer,
          vec public.vector({DIMENSIONS}));
        select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs',
          p_dimensions => {DIMENSIONS});
        select setseed(0.5);
        insert into public.docs (body, tenant, vec)
        select 'chunk ' || g, g % 100,
               array(select random() - 0.5 + 0 * g
                       from generate_series(1, {DIMENSIONS}))::public.vector
          from generate_series(1, {rows}) as g;
        create index wikiembed_hnsw_docs on public.docs
          using hnsw (vec public.vector_cosine_ops) with (m = 4, ef_construction = 16);
        analyze public.docs;
    """)
