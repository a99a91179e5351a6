"""A source's index of text: its definition by configuration, and whether search uses it."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from wikiembed.control.index.build import Builder
from wikiembed.control.index.target import NewIndex, Target
from wikiembed.db.connect import translate_errors

Connection = psycopg.Connection[Any]
_LONGEST = 63
"""Bytes of a name in Postgres."""
_OF_PARTITION = 11
_CONFIGS = "select 'trigram' union select cfgname from pg_catalog.pg_ts_config"


def text_index(connection: Connection, target: Target, config: str) -> NewIndex:
    """The index of text by a text search configuration, or by ``trigram``.

    Raises: SearchRefused for a configuration that does not exist.
    """
    with translate_errors():
        row = connection.execute(
            "select wikiembed.text_index(%s, %s)", (target.source, config)
        ).fetchone()
    using = sql.SQL(str(row[0]) if row else "")
    return NewIndex(target=target, name=_name(target, config), using=using)


def search_by_text_with(connection: Connection, target: Target, config: str | None) -> None:
    """Have the source searched by text with `config`; None: not any more."""
    with translate_errors():
        connection.execute("select wikiembed.set_text_config(%s, %s)", (target.source, config))


def drop_others(
    connection: Connection, builder: Builder, target: Target, config: str | None
) -> list[str]:
    """Drop the source's indexes of other configurations than `config`; returns their names."""
    with translate_errors():
        configs = [row[0] for row in connection.execute(_CONFIGS).fetchall()]
    kept = None if config is None else _name(target, config)
    names = {_name(target, one) for one in configs} - {kept}
    dropped = []
    for name in sorted(names):
        dropped += builder.drop(NewIndex(target=target, name=name, using=sql.SQL("")))
    return dropped


def text_index_works(connection: Connection, target: Target) -> bool:
    """Whether a search by text of the source would use an index, as Postgres plans it.

    An index may be dropped or invalid, or be one of another version of wikiembed.
    """
    row = connection.execute(
        "select text_statement from wikiembed.search_statements where source = %s",
        (target.source,),
    ).fetchone()
    if row is None or row[0] is None:
        return False
    statement = "prepare wikiembed_text (text[], integer, integer) as " + "".join(row[0])
    with connection.transaction(force_rollback=True):
        connection.execute("set local enable_seqscan = off")
        connection.execute(statement.encode())
        plan = connection.execute(
            "explain (costs off) execute wikiembed_text (array['word'], 10, 10)"
        ).fetchall()
        connection.execute("deallocate wikiembed_text")
    return any("Bitmap Index Scan" in line for (line,) in plan)


def _name(target: Target, config: str) -> str:
    room = _LONGEST - len(f"wikiembed_text__{target.source}".encode()) - _OF_PARTITION
    word = config.rpartition(".")[2].encode()[:room].decode(errors="ignore")
    return f"wikiembed_text_{word}_{target.source}"
