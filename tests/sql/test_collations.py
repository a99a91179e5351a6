"""Keys, texts and names of any collation, in databases of any default: no statement fails.

The builtin provider has collations without ICU from Postgres 17 on; ICU is tested where the
server has it, like the one of `scripts/real.sh`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from tests.support.chunks import (
    VECTOR,
    clear_jobs,
    coverage,
    embed,
    fail,
    queued,
    read,
    write_cut,
)
from tests.support.database import DIMENSIONS, Database, create_database
from tests.support.icu import skip_without_icu
from tests.support.server import TestServer
from wikiembed.config import Provider, Settings
from wikiembed.db.migrate import upgrade

KEYS = ["a", "B", "ä", "it's"]
COLLATIONS = {
    "pg_c_utf8": (17, '"pg_c_utf8"'),
    "pg_unicode_fast": (18, '"pg_unicode_fast"'),
    "C": (0, '"C"'),
    "ucs_basic": (0, '"ucs_basic"'),
    "icu": (0, '"de-x-icu"'),
    "no_case": (0, "public.no_case"),
}
"""By name: the first Postgres that has it, and what stands after collate."""
LOCALES = {
    "builtin C.UTF-8": (17, "locale_provider builtin builtin_locale 'C.UTF-8'"),
    "builtin PG_UNICODE_FAST": (18, "locale_provider builtin builtin_locale 'PG_UNICODE_FAST'"),
    "libc C.UTF-8": (0, "locale 'C.UTF-8'"),
    "icu de": (0, "locale_provider icu icu_locale 'de' locale 'C.UTF-8'"),
}


def _version(server: TestServer) -> int:
    with server.admin() as connection:
        return connection.info.server_version // 10_000


@contextmanager
def _database_of(server: TestServer, locale: str) -> Iterator[Database]:
    """An empty, migrated database of that default collation."""
    first, options = LOCALES[locale]
    if _version(server) < first:
        pytest.skip(f"Postgres has this locale from {first} on")
    made = create_database(server, "template0")
    try:
        with server.admin() as connection:
            name = sql.Identifier(made.name)
            connection.execute(sql.SQL("drop database {}").format(name))
            try:
                connection.execute(
                    sql.SQL("create database {} template template0 encoding 'UTF8' ").format(name)
                    + sql.SQL(options)
                )
            except psycopg.Error as error:
                skip_without_icu(error)
        upgrade(made.url, Settings(database_url=made.url, dimensions=DIMENSIONS,
                                   embedder=Provider.LOCAL))  # fmt: skip
        yield made
    finally:
        made.close()


def _collation(database: Database, server: TestServer, name: str) -> str:
    """The argument of collate, where this server has the collation."""
    first, quoted = COLLATIONS[name]
    if _version(server) < first:
        pytest.skip(f"Postgres has this collation from {first} on")
    try:
        if name == "no_case":
            database.execute(
                "create collation public.no_case"
                " (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
            )
        database.execute(f"select 'a' < 'b' collate {quoted}")
    except psycopg.Error as error:
        skip_without_icu(error)
    return quoted


def _attach(database: Database, collation: str, *, partitioned: bool = False) -> None:
    """Attach table public.k with key and text of that collation as source k; two chunks failed."""
    database.execute(
        f"create table public.k (k text collate {collation} primary key,"
        f" body varchar collate {collation}, vec vector({DIMENSIONS}))"
        + (" partition by range (k)" if partitioned else "")
    )
    if partitioned:
        database.execute(
            "create table public.k_low partition of public.k for values from (minvalue) to ('b');"
            "create table public.k_high partition of public.k for values from ('b') to (maxvalue)"
        )
    database.execute("select wikiembed.attach('public.k', 'k', 'body', 'vec', 'k')")
    database.execute("insert into public.k select k, 'text' from unnest(%s::text[]) as k", [KEYS])
    fail(database, read(database, KEYS[:2], source="k"), source="k")
    embed(database, KEYS[2:3], source="k")
    write_cut(database, read(database, KEYS[3:4], source="k"), source="k")


STATEMENTS = [
    "update public.k set k = k || 'x'",
    "update public.k set k = upper(k)",
    "update public.k set body = body || 'x'",
    "update public.k set body = body || 'x' where k = 'a'",
    "update public.k set vec = null",
    "update public.k set body = null",
    "delete from public.k",
    "delete from public.k where k in ('a', 'B')",
    "insert into public.k values ('new', 'text')",
    "insert into public.k (k, body) values ('a', 'other')"
    " on conflict (k) do update set body = excluded.body",
    "merge into public.k using (values ('a'), ('c')) as v (k) on k.k = v.k"
    " when matched then delete when not matched then insert (k, body) values (v.k, 'text')",
    "truncate public.k",
    "update public.k set body = k",
]


def _run_statement(database: Database, statement: str) -> None:
    database.execute(statement)
    database.execute("select * from wikiembed.reconcile('k')")
    database.check_invariants()


@pytest.mark.parametrize("collation", COLLATIONS)
def test_statements_on_keys_of_any_collation(
    database: Database, postgres: TestServer, collation: str
) -> None:
    """Users' statements, each on a table with failed chunks."""
    quoted = _collation(database, postgres, collation)
    _attach(database, quoted)
    for statement in STATEMENTS:
        database.execute("truncate public.k")
        database.execute(
            "insert into public.k select k, 'text' from unnest(%s::text[]) as k", [KEYS]
        )
        fail(database, read(database, KEYS[:2], source="k"), source="k")
        _run_statement(database, statement)


@pytest.mark.parametrize("collation", ["pg_c_utf8", "C", "icu", "no_case"])
def test_statements_of_many_rows_on_keys_of_any_collation(
    database: Database, postgres: TestServer, collation: str
) -> None:
    """Statements of more than 500 rows read the failures in another way than small ones."""
    _attach(database, _collation(database, postgres, collation))
    database.execute("insert into public.k select 'k' || i, 't' from generate_series(1, 700) as i")
    fail(database, read(database, ["k1", "k2", "k699"], source="k"), source="k")
    failures = "select count(*) from wikiembed.failures"
    _run_statement(database, f"update public.k set vec = '{VECTOR}' where k <> 'k1'")
    assert database.one(failures) == 1
    _run_statement(database, "update public.k set k = k || 'x', body = k")
    assert database.one(failures) == 0
    fail(database, read(database, ["k1x"], source="k"), source="k")
    _run_statement(database, "delete from public.k")
    assert database.rows(
        "select key, how from wikiembed.failure_history where key like 'k%' order by key"
    ) == [("k1", "changed"), ("k1x", "deleted"), ("k2", "cured"), ("k699", "cured")]


def test_statements_on_partitions_of_keys_with_a_collation(
    database: Database, postgres: TestServer
) -> None:
    """Also rows that move from one partition to another."""
    _attach(database, _collation(database, postgres, "pg_c_utf8"), partitioned=True)
    _run_statement(database, "update public.k set k = 'z' || k")
    assert queued(database, "k")
    _run_statement(database, "truncate public.k_high")
    _run_statement(database, "delete from public.k")


@pytest.mark.parametrize("collation", COLLATIONS)
def test_functions_take_keys_and_names_of_any_collation(
    database: Database, postgres: TestServer, collation: str
) -> None:
    """Arguments from a user's column: their collation meets that of our tables."""
    quoted = _collation(database, postgres, collation)
    _attach(database, quoted)
    database.execute(
        f"create table public.names (name text collate {quoted} not null,"
        f' other text collate "C" not null);'
        "insert into public.names values ('k', 'k')"
    )
    keys = "array(select k from public.k where k in ('a', 'B'))"
    for name in ("n.name", "n.other", "'k'"):
        for call in (
            f"wikiembed.retry_failures({name}, {keys})",
            f"wikiembed.skip({name}, {keys}, {name})",
            f"wikiembed.retry_failures({name}, {keys}, 'skipped_by_operator')",
            f"wikiembed.retry_failures({name}, p_error_class => 'timeout' || left({name}, 0))",
            f"wikiembed.read_chunks({name}, {keys})",
            f"wikiembed.enqueue({name})",
            f"wikiembed.is_ready({name})",
            f"wikiembed.reconcile({name})",
            f"wikiembed.check_invariants({name})",
            f"wikiembed.pause({name}, {name})",
            f"wikiembed.resume({name})",
            f"wikiembed.search({name}, '{VECTOR}'::vector)",
            f"wikiembed.write_embeddings({name}, {keys}, array[1, 2],"
            f" array['{VECTOR}', '{VECTOR}']::vector[])",
            f"wikiembed.write_truncated({name}, {keys}, array[1, 2],"
            f" array['{VECTOR}', '{VECTOR}']::vector[], array[9, 9], array[1, 1])",
            f"wikiembed.record_truncation_check({name}, {name}, {name}, 'silent', 9, 9)",
            f"wikiembed.find_truncation_check({name}, {name}, {name})",
            f"wikiembed.record_failures({name}, {keys}, array[1, 2], {name}, {name})",
        ):
            database.execute(f"select c.* from public.names as n, {call} as c")
    database.execute("select wikiembed.detach(n.name) from public.names as n")
    attach = "wikiembed.attach('public.k', 'k', 'body', 'vec', n.name)"
    database.execute(f"select {attach} from public.names as n")
    database.execute("select * from wikiembed.enqueue('k')")
    database.check_invariants()


@pytest.mark.parametrize("locale", LOCALES)
def test_whole_way_in_a_database_of_any_default(postgres: TestServer, locale: str) -> None:
    """Statements, functions and a worker's writes where the default collation is not C."""
    with _database_of(postgres, locale) as database:
        for collation in ('"default"', '"C"'):
            _attach(database, collation)
            for statement in STATEMENTS:
                database.execute("truncate public.k")
                database.execute(
                    "insert into public.k select k, 'text' from unnest(%s::text[]) as k", [KEYS]
                )
                fail(database, read(database, KEYS[:2], source="k"), source="k")
                _run_statement(database, statement)
            database.execute("select wikiembed.skip('k', array(select k from public.k))")
            database.execute("select wikiembed.retry_failures('k', array(select k from public.k))")
            clear_jobs(database)
            database.execute("select * from wikiembed.enqueue('k')")
            waiting = queued(database, "k")
            assert set(embed(database, waiting, source="k").values()) <= {"written"}
            assert coverage(database, "k")["missing"] == 0
            database.check_invariants()
            database.execute("select wikiembed.detach('k'); drop table public.k")
