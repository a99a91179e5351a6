"""Names that need quoting, and pgvector in another schema."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import clear_jobs, coverage, embed, fail, queued, read
from tests.support.database import Database

ODD = """o'd "d" %s $1 \\ :x {y}"""
TABLE = """
create schema {name};
create table {name}.{name} (
  {key} text primary key, {text} text, {vector} {type}
)
"""


def quoted(*names: str) -> list[str]:
    """Return the names as SQL identifiers."""
    return ['"' + name.replace('"', '""') + '"' for name in names]


@pytest.mark.parametrize("source", ["docs", ODD, "Über%I", "select", "a.b-c"])
def test_names_that_need_quoting_work_in_every_step(database: Database, source: str) -> None:
    """Schema, table, columns and source may have any printable name."""
    name, key, text, vector = quoted(ODD, ODD + "k", ODD + "t", ODD + "v")
    statement = TABLE.format(name=name, key=key, text=text, vector=vector, type="vector(4)")
    database.execute(statement)
    table = f"{name}.{name}"
    database.execute(
        "select wikiembed.attach(%s::regclass, %s, %s, %s, %s)",
        [table, ODD + "k", ODD + "t", ODD + "v", source],
    )
    database.execute(f"insert into {table} values ('1', 'one'), ('2', 'two')")
    assert queued(database, source) == ["1", "2"]
    assert embed(database, ["1"], source=source) == {"1": "written"}
    assert fail(database, read(database, ["2"], source=source), source=source) == {"2": "recorded"}
    clear_jobs(database)
    database.execute(f"update {table} set {text} = 'new'")
    assert queued(database, source) == ["1", "2"]
    database.execute("select * from wikiembed.enqueue(%s)", [source])
    database.execute("select * from wikiembed.reconcile(%s)", [source])
    database.execute("select * from wikiembed.retry_failures(%s)", [source])
    database.execute("select wikiembed.skip(%s, array['1'])", [source])
    assert database.one("select wikiembed.is_ready(%s)", [source]) is False
    database.check_invariants()
    database.execute(f"truncate {table}")
    assert coverage(database, source)["total"] == 0
    database.check_invariants()
    database.execute("select wikiembed.detach(%s)", [source])
    assert database.rows("select name from wikiembed.sources") == [("wiki",)]


@pytest.mark.parametrize(
    "name",
    ["x" * 33, "", " docs", "docs ", "two\nlines", "tab\there", "ü" * 17, "$body$", None],
)
def test_invalid_names_are_refused(docs_table: Database, name: str | None) -> None:
    """WE002: too long for a channel, or not printable."""
    docs_table.execute("alter table public.docs add vec2 vector(4)")
    with pytest.raises(psycopg.Error, match="1 to 32 bytes") as caught:
        docs_table.execute(
            "select wikiembed.attach('public.docs', 'id', 'body', 'vec2', %s::text)", [name]
        )
    assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == ("WE002", True)


def test_longest_name_has_its_own_objects(docs_table: Database) -> None:
    """32 bytes leave room in every identifier and channel derived from it."""
    docs_table.execute("alter table public.docs add vec2 vector(4), add vec3 vector(4)")
    for column, name in (("vec2", "x" * 31 + "a"), ("vec3", "x" * 31 + "b")):
        docs_table.execute(
            "select wikiembed.attach('public.docs', 'id', 'body', %s, %s)", [column, name]
        )
    docs_table.execute("insert into public.docs (body) values ('x')")
    for name in ("x" * 31 + "a", "x" * 31 + "b"):
        assert queued(docs_table, name) == ["1"]
        assert embed(docs_table, ["1"], source=name) == {"1": "written"}
    docs_table.check_invariants()


@pytest.mark.parametrize("vector", ["vector", "halfvec"])
def test_pgvector_may_live_in_another_schema(database: Database, vector: str) -> None:
    """Types and operators are schema-qualified."""
    database.execute('create schema "extensions"; alter extension vector set schema "extensions"')
    name, key, text, column = quoted("odd", "k", "t", "v")
    database.execute(
        TABLE.format(name=name, key=key, text=text, vector=column, type=f"extensions.{vector}(4)")
    )
    database.execute("select wikiembed.attach('odd.odd', 'k', 't', 'v', 'odd')")
    database.execute("insert into odd.odd values ('1', 'one')")
    assert embed(database, ["1"], source="odd") == {"1": "written"}
    database.execute("update odd.odd set t = 'new'")
    assert queued(database, "odd") == ["1", "1"]
    assert embed(database, ["1"], source="odd") == {"1": "written"}
    found = database.rows(
        "select key, distance from wikiembed.search('odd', '[1,0,0,0]'::extensions.vector)"
    )
    assert found == [("1", 0.0)]
    database.check_invariants()
