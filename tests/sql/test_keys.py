"""Keys of every type, with every character, work in every step."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import clear_jobs, coverage, embed, fail, queued, read
from tests.support.database import Database
from tests.support.icu import skip_without_icu

NASTY = [
    "it's",
    "100%",
    "two\nlines",
    '"quoted"',
    "back\\slash",
    "",
    "{a,b}",
    "%s %I",
    "ä",
    "A",
    "a",
    "NULL",
]
KEYS = {
    "smallint": ["-32768", "7"],
    "int": ["-2147483648", "7"],
    "bigint": ["-9223372036854775808", "7"],
    "uuid": ["00000000-0000-0000-0000-00000000000a", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    "text": NASTY,
    "varchar": NASTY,
    "varchar(40)": NASTY,
    'text collate "C"': NASTY,
    "public.short_key": ["a", "b"],
    "public.whole_key": ["1", "2"],
}


def attach(database: Database, key_type: str) -> None:
    """Attach table public.keyed with a key of that type as source keyed."""
    database.execute(
        "create domain public.short_key as varchar(10) check (value <> 'never');"
        "create domain public.base_key as bigint; create domain public.whole_key as"
        " public.base_key;"
        f"create table public.keyed (k {key_type} primary key, body text, vec vector(4))"
    )
    database.execute("select wikiembed.attach('public.keyed', 'k', 'body', 'vec', 'keyed')")


@pytest.mark.parametrize("key_type", KEYS)
def test_key_works_in_every_step(database: Database, key_type: str) -> None:
    """Insert, read, write, change, fail, retry, enqueue, reconcile, delete."""
    keys = KEYS[key_type]
    attach(database, key_type)
    database.execute(
        f"insert into public.keyed (k, body) select k::{key_type}, 'text' from"
        f" unnest(%s::text[]) as k",
        [keys],
    )
    assert queued(database, "keyed") == sorted(keys)
    assert embed(database, keys, source="keyed") == dict.fromkeys(keys, "written")
    clear_jobs(database)
    database.execute("update public.keyed set body = 'new'")
    assert queued(database, "keyed") == sorted(keys)
    database.check_invariants()
    versions = read(database, keys, source="keyed")
    assert fail(database, versions, source="keyed") == dict.fromkeys(keys, "recorded")
    assert database.rows("select chunks from wikiembed.retry_failures('keyed')") == [(len(keys),)]
    clear_jobs(database)
    assert database.rows("select chunks from wikiembed.enqueue('keyed')") == [(len(keys),)]
    assert queued(database, "keyed") == sorted(keys)
    database.execute("select * from wikiembed.reconcile('keyed')")
    fail(database, versions, source="keyed")
    database.execute("delete from public.keyed")
    assert coverage(database, "keyed")["failed"] == 0
    database.check_invariants()


def test_keys_of_a_nondeterministic_collation_stay_distinct(database: Database) -> None:
    """Keys that the collation considers equal are compared byte by byte in jobs and failures."""
    try:
        database.execute(
            "create collation public.no_case"
            " (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        )
    except psycopg.Error as error:
        skip_without_icu(error)
    attach(database, "text collate public.no_case")
    database.execute("insert into public.keyed values ('Key', 'text')")
    fail(database, read(database, ["Key"], source="keyed"), source="keyed")
    clear_jobs(database)
    database.execute("update public.keyed set k = 'KEY'")
    assert queued(database, "keyed") == ["KEY"]
    assert database.one("select count(*) from wikiembed.failures") == 0
    assert embed(database, ["KEY"], source="keyed") == {"KEY": "written"}
    database.check_invariants()


@pytest.mark.parametrize("key_type", ["numeric", "date", "char(4)", "int[]", "name", "jsonb"])
def test_other_key_types_are_refused(database: Database, key_type: str) -> None:
    """WE005, naming the supported types."""
    with pytest.raises(psycopg.Error, match="is of type") as caught:
        attach(database, key_type)
    assert caught.value.sqlstate == "WE005"
    assert "uuid" in str(caught.value.diag.message_primary)
    assert "row_id" in str(caught.value.diag.message_hint)


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ("k int, primary key (k) deferrable", "no unique index"),
        ("k int not null", "no unique index"),
        ("k int unique", "may be null"),
        ("k int not null, n int, unique (k, n)", "no unique index"),
        ("k int not null, n int, unique (n, k)", "no unique index"),
    ],
)
def test_keys_that_are_not_unique_are_refused(database: Database, columns: str, why: str) -> None:
    """WE005 with the statement that fixes it."""
    database.execute(f"create table public.keyed ({columns}, body text, vec vector(4))")
    refuse_key(database, why)


@pytest.mark.parametrize(
    "index",
    [
        "create unique index on public.keyed (k) where k > 0",
        "create unique index on public.keyed ((k + 1))",
        "create index on public.keyed (k)",
    ],
)
def test_partial_and_expression_indexes_are_refused(database: Database, index: str) -> None:
    """WE005: they do not cover every row, or not the column."""
    database.execute("create table public.keyed (k int not null, body text, vec vector(4))")
    database.execute(index)
    refuse_key(database, "no unique index")


def test_invalid_index_is_refused(database: Database) -> None:
    """The index that a failed concurrent build left guarantees nothing."""
    database.execute("create table public.keyed (k int not null, body text, vec vector(4))")
    database.execute("insert into public.keyed values (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.execute("create unique index concurrently on public.keyed (k)")
    refuse_key(database, "no unique index")


def test_index_with_included_columns_is_accepted(database: Database) -> None:
    """Only the key columns count."""
    database.execute(
        "create table public.keyed (k int not null, n int, body text, vec vector(4));"
        "create unique index on public.keyed (k) include (n)"
    )
    database.execute("select wikiembed.attach('public.keyed', 'k', 'body', 'vec', 'keyed')")
    assert coverage(database, "keyed")["total"] == 0


def refuse_key(database: Database, why: str) -> None:
    """Assert that attach refuses column k, with the reason and the fix."""
    with pytest.raises(psycopg.Error, match=why) as caught:
        database.execute("select wikiembed.attach('public.keyed', 'k', 'body', 'vec', 'keyed')")
    assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == ("WE005", True)
