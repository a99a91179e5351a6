"""Attach with p_check_only: it refuses what attach refuses, counts nothing and writes nothing."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.cli import RunCli
from tests.support.database import Database
from wikiembed.config import Provider

TABLE = "create table public.docs (id int primary key, body text, vec vector, num int)"
ATTACH = "select wikiembed.attach('public.docs', {columns}, 'docs', p_check_only => {check}{more})"
GOOD = "'id', 'body', 'vec'"


def created(database: Database) -> list[object]:
    """The objects and rows that an attach creates."""
    return [
        database.one("select count(*) from wikiembed.sources where name = 'docs'"),
        database.one("select count(*) from pg_trigger where tgrelid = 'public.docs'::regclass"),
        database.one("select count(*) from pg_class where relname = 'clock_embed_docs'"),
        database.one("select count(*) from pg_proc where proname like '%\\_docs'"),
        database.one("select count(*) from wikiembed.action_log where source = 'docs'"),
    ]


def test_check_reads_no_row_and_writes_nothing(database: Database) -> None:
    """It returns the name, and neither waits for writers nor blocks them."""
    database.execute(TABLE)
    database.execute("insert into public.docs values (1, 'one')")
    writer = database.connect(autocommit=False)
    writer.execute("insert into public.docs values (2, 'two')")
    with database.connect(autocommit=False) as checker:
        scans = "select seq_scan from pg_stat_xact_user_tables where relname = 'docs'"
        checker.execute("select set_config('lock_timeout', '1s', true)")
        statement = ATTACH.format(columns=GOOD, check="true", more="")
        assert checker.execute(statement.encode()).fetchone() == ("docs",)
        assert checker.execute(scans.encode()).fetchone() in (None, (0,))
        locks = checker.execute(
            "select mode from pg_locks where pid = pg_backend_pid()"
            " and relation = 'public.docs'::regclass and granted order by 1"
        ).fetchall()
        assert ("ShareRowExclusiveLock",) not in locks
    assert created(database) == [0] * 5
    writer.commit()
    database.execute(ATTACH.format(columns=GOOD, check="false", more=""))
    assert created(database)[0] == 1


@pytest.mark.parametrize(
    ("columns", "more", "state"),
    [
        ("'num', 'body', 'vec'", "", "WE005"),
        ("'id', 'num', 'vec'", "", "WE006"),
        ("'id', 'body', 'none'", "", "WE006"),
        ("'id', 'body', 'num'", "", "WE007"),
        (GOOD, ", p_batch_size => 0", "WE010"),
        (GOOD, ", p_dimensions => 0", "WE010"),
        (GOOD, ", p_provider => 'unknown'", "WE010"),
        ("'id', 'body$body$', 'vec'", "", "WE004"),
    ],
)
def test_check_refuses_what_attach_refuses(
    database: Database, columns: str, more: str, state: str
) -> None:
    """With the same SQLSTATE and message."""
    database.execute(TABLE)
    if "$body$" in columns:
        database.execute('alter table public.docs rename body to "body$body$"')
    said = []
    for check in ("true", "false"):
        with pytest.raises(psycopg.Error) as caught:
            database.execute(ATTACH.format(columns=columns, check=check, more=more))
        said.append((caught.value.sqlstate, caught.value.diag.message_primary))
        assert created(database) == [0] * 5
    assert said == [(state, said[0][1])] * 2


def test_check_detects_an_attached_column_or_name(docs_table: Database) -> None:
    """WE003, for the column and for the name."""
    with pytest.raises(psycopg.Error, match="attached already") as caught:
        docs_table.execute(ATTACH.format(columns=GOOD, check="true", more=""))
    assert caught.value.sqlstate == "WE003"


def test_check_needs_the_owner_of_every_partition(database: Database) -> None:
    """Otherwise the trigger that also fires for replication would be refused halfway: WE004."""
    database.execute(
        "create table public.docs (id int primary key, body text, vec vector(4))"
        " partition by range (id);"
        "create table public.docs_1 partition of public.docs for values from (0) to (9)"
    )
    role, other = database.create_role("owner"), database.create_role("other")
    database.execute(
        f'alter table public.docs owner to "{role}"; alter table public.docs_1 owner to "{other}";'
        f'grant all on public.docs, public.docs_1 to "{role}"'
    )
    for function in ("check_rights", "relations_of"):
        database.execute(f'grant execute on function wikiembed_private.{function} to "{role}"')
    database.execute(f'grant usage on schema wikiembed_private to "{role}"')
    check = b"select wikiembed_private.check_rights('public.docs')"
    with database.connect(role=role) as connection:
        with pytest.raises(psycopg.Error, match="does not own public") as caught:
            connection.execute(check)
        assert caught.value.sqlstate == "WE004"
        database.execute(f'grant "{other}" to "{role}"')
        connection.execute(check)


def test_command_counts_the_rows_once(database: Database, run_cli: RunCli) -> None:
    """The check before the index reads no rows; the existing index is used."""
    database.execute(TABLE.replace("vector,", "vector(4),"))
    database.execute("insert into public.docs select i, 'text' from generate_series(1, 100) as i")
    database.execute("create index mine on public.docs (id) where vec is null")
    database.execute("select pg_stat_force_next_flush()")  # else these scans count later
    before = database.one("select seq_scan from pg_stat_user_tables where relname = 'docs'")
    columns = ["--key", "id", "--text", "body", "--embedding", "vec"]
    result = run_cli("attach", "public.docs", *columns)
    assert (result.returncode, result.stderr) == (0, "")
    after = database.one("select seq_scan from pg_stat_user_tables where relname = 'docs'")
    assert after - before == 1
    assert database.one("select to_regclass('public.wikiembed_missing_docs') is null")


def test_providers_of_sql_are_those_of_the_package(database: Database) -> None:
    """One list in two languages, in the same order."""
    assert database.one("select wikiembed_private.providers()") == [one.value for one in Provider]
