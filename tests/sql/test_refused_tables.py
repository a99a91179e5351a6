"""Tables that cannot be attached, and the reason in the refusal."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.database import Database

COLUMNS = "(id int primary key, body text, vec vector(4))"
REFUSED = {
    "it is a view": f"create table public.t {COLUMNS}; create view public.odd as table public.t",
    "it is a materialized view": (
        f"create table public.t {COLUMNS}; create materialized view public.odd as table public.t"
    ),
    "it inherits from a table": (
        f"create table public.t {COLUMNS};"
        "create table public.odd (primary key (id)) inherits (public.t)"
    ),
    "other tables inherit from it": (
        f"create table public.odd {COLUMNS}; create table public.t () inherits (public.odd)"
    ),
    "it is a foreign table": (
        "create foreign data wrapper nothing; create server nowhere foreign data wrapper nothing;"
        "create foreign table public.odd (id int not null, body text, vec vector(4)) server nowhere"
    ),
    "it is a partition": (
        f"create table public.t {COLUMNS} partition by range (id);"
        "create table public.odd partition of public.t for values from (0) to (9)"
    ),
    "a partition is a foreign table": (
        "create table public.odd (id int not null, body text, vec vector(4)) partition"
        " by range (id);"
        "create foreign data wrapper nothing; create server nowhere foreign data wrapper nothing;"
        "create foreign table public.t partition of public.odd for values from (0) to (9)"
        " server nowhere"
    ),
    "it is not a table": "create sequence public.odd",
}


@pytest.mark.parametrize("why", REFUSED)
def test_attach_refuses_anything_but_a_whole_table(database: Database, why: str) -> None:
    """The triggers would not see every row."""
    database.execute(REFUSED[why])
    with pytest.raises(psycopg.Error, match=why) as caught:
        database.execute("select wikiembed.attach('public.odd', 'id', 'body', 'vec', 'odd')")
    assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == ("WE004", True)
    assert database.one("select count(*) from wikiembed.sources where name = 'odd'") == 0


def test_attach_refuses_a_temporary_table(database: Database) -> None:
    """Workers cannot see another session's table."""
    with database.connect() as connection:
        connection.execute(f"create temporary table odd {COLUMNS}")
        with pytest.raises(psycopg.Error, match="it is a temporary table") as caught:
            connection.execute("select wikiembed.attach('odd', 'id', 'body', 'vec', 'odd')")
    assert caught.value.sqlstate == "WE004"


def test_attach_refuses_our_own_tables(database: Database) -> None:
    """A trigger on the ledger would fire itself."""
    database.execute("alter table wikiembed.action_log add vec vector(4)")
    with pytest.raises(psycopg.Error, match="belongs to wikiembed itself"):
        database.execute("select wikiembed.attach('wikiembed.action_log', 'id', 'why', 'vec', 'o')")


def test_attach_refuses_a_null_table(database: Database) -> None:
    """A name that was not found arrives as null."""
    with pytest.raises(psycopg.Error, match="does not exist") as caught:
        database.execute(
            "select wikiembed.attach(to_regclass('public.none'), 'id', 'body', 'vec', 'odd')"
        )
    assert caught.value.sqlstate == "WE004"
