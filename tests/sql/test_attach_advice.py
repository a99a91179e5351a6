"""Each refusal by attach suggests a fix: its statement is run, then attach succeeds."""

from __future__ import annotations

import re

import psycopg
import pytest

from tests.support.database import Database

STEPS = 4
COLUMNS = "body text, vec public.vector(4)"
MULTI = (
    "create table public.t (tenant int, id int, body text, vec vector(4), primary key (tenant, id))"
)
ROW_ID = "alter table public.t add column {} bigint generated always as identity unique"
PLAIN = {"relation": "public.t", "key": "id", "text": "body", "embedding": "vec"}
# The objects, the arguments that differ from PLAIN, and the suggested statements.
CASES: dict[str, tuple[str, dict[str, str], list[str]]] = {
    "key may be null": (
        f"create table public.t (id int unique, {COLUMNS})",
        {},
        ["alter table public.t alter column id set not null"],
    ),
    "key without an index": (
        f"create table public.t (id int not null, {COLUMNS})",
        {},
        ["create unique index concurrently on public.t (id)"],
    ),
    "key in two steps, with odd names": (
        f'create table public."T t" ("I d" int, {COLUMNS})',
        {"relation": 'public."T t"', "key": "I d"},
        [
            'alter table public."T t" alter column "I d" set not null',
            'create unique index concurrently on public."T t" ("I d")',
        ],
    ),
    "key with a deferrable index": (
        f"create table public.t (id int primary key deferrable, {COLUMNS})",
        {},
        ["create unique index concurrently on public.t (id)"],
    ),
    "key that repeats": (
        f"create table public.t (id int not null, {COLUMNS}); insert into public.t values (1), (1)",
        {},
        [ROW_ID.format("row_id")],
    ),
    "key that is null in a row": (
        f"create table public.t (id int unique, {COLUMNS}); insert into public.t values (null)",
        {},
        [ROW_ID.format("row_id")],
    ),
    "one column of a key of two": (MULTI, {}, []),
    "key of two columns that is deferrable, where row_id is taken": (
        MULTI.replace("body", "row_id numeric, body").replace("id))", "id) deferrable)"),
        {},
        [ROW_ID.format("row_id_2")],
    ),
    "no such key, and a key of two columns": (MULTI, {"key": "idd"}, []),
    "key of another type": (
        f"create table public.t (id numeric primary key, {COLUMNS})",
        {},
        [ROW_ID.format("row_id")],
    ),
    "no such key": (
        f"create table public.t (day date primary key, {COLUMNS})",
        {},
        [ROW_ID.format("row_id")],
    ),
    "another key": (MULTI.replace("body", "uid uuid not null unique, body"), {}, []),
    "key of a table that is partitioned by it": (
        f"create table public.t (id int not null, {COLUMNS}) partition by range (id);"
        " create table public.t1 partition of public.t for values from (0) to (9)",
        {},
        ["create unique index on public.t (id)"],
    ),
    "no such text": (
        "create table public.t (id int primary key, vec vector(4))",
        {},
        ["alter table public.t add column body text"],
    ),
    "text of another type": (
        "create table public.t (id int primary key, body jsonb, vec vector(4))",
        {},
        ["alter table public.t add column body_2 text"],
    ),
    "another text": (
        "create table public.t (id int primary key, body int, title text, vec vector(4))",
        {},
        [],
    ),
    "generated text": (
        "create table public.t (id int primary key, body text generated always as ('x') stored,"
        " vec vector(4))",
        {},
        ["alter table public.t alter column body drop expression"],
    ),
    "no such embedding": (
        "create table public.t (id int primary key, body text)",
        {},
        ["alter table public.t add column vec public.vector(4)"],
    ),
    "embedding of another type": (
        "create table public.t (id int primary key, body text, vec real[])",
        {},
        ["alter table public.t add column vec_vector public.vector(4)"],
    ),
    "embedding that may not be null": (
        "create table public.t (id int primary key, body text, vec vector(4) not null)",
        {},
        ["alter table public.t alter column vec drop not null"],
    ),
    "generated embedding": (
        "create table public.t (id int primary key, body text,"
        " vec vector(4) generated always as ('[1,1,1,1]'::vector) stored)",
        {},
        ["alter table public.t alter column vec drop expression"],
    ),
    "empty embedding of other dimensions": (
        "create table public.t (id int primary key, body text, vec halfvec(4))",
        {"dimensions": "5"},
        ["alter table public.t alter column vec type public.halfvec(5)"],
    ),
    "embedding of other dimensions with vectors": (
        "create table public.t (id int primary key, body text, vec vector(4));"
        " insert into public.t values (1, 'x', '[1,0,0,0]')",
        {"dimensions": "5"},
        ["alter table public.t add column vec_vector public.vector(5)"],
    ),
    "a partition": (
        f"create table public.t (id int primary key, {COLUMNS}) partition by range (id);"
        " create table public.t1 partition of public.t for values from (0) to (9)",
        {"relation": "public.t1"},
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_hint_of_a_refusal_works(database: Database, case: str) -> None:
    """Run in order, each statement succeeds, and the last attach too."""
    setup, given, expected = CASES[case]
    database.execute(setup)
    arguments = PLAIN | given
    typed: list[str] = []
    for _ in range(STEPS):
        try:
            attach(database, arguments)
            break
        except psycopg.Error as error:
            if not (error.sqlstate or "").startswith("WE"):
                raise
            typed += follow(database, str(error.diag.message_hint), arguments)
    assert typed == expected
    assert database.one("select count(*) from wikiembed.sources where name = 'advised'") == 1
    database.check_invariants()


def attach(database: Database, arguments: dict[str, str]) -> None:
    """Attach with these arguments."""
    key, several = arguments["key"], "," in arguments["key"]
    database.execute(
        f"select wikiembed.attach(%s::text::regclass, %s{'::name[]' if several else ''}, %s, %s,"
        " 'advised', p_dimensions => %s::int)",
        [
            arguments["relation"],
            key.split(",") if several else key,
            arguments["text"],
            arguments["embedding"],
            arguments.get("dimensions"),
        ],
    )


def follow(database: Database, hint: str, arguments: dict[str, str]) -> list[str]:
    """Run the hint's statements and use the names that it gives; returns the statements."""
    statements: list[str] = re.findall(r"`([^`]+)`", hint)
    for statement in statements:
        database.execute(statement)
    before = dict(arguments)
    if found := re.search(r"name (\S+) as the (key|text|embedding)", hint):
        arguments[found[2]] = found[1]
    elif found := re.search(r"^Name another (key|text) ?(?:column)?: ([\w,]+)", hint):
        arguments[found[1]] = found[2]
    elif found := re.search(r"^Attach (public\.\w+)$", hint):
        arguments["relation"] = found[1]
    assert statements or arguments != before, hint
    return statements


def refusal(database: Database, **named: str) -> str:
    """Return the hint with which attach refuses."""
    with pytest.raises(psycopg.Error) as caught:
        attach(database, PLAIN | named)
    return str(caught.value.diag.message_hint)


def test_composite_key_of_a_partitioned_table_has_no_statement(database: Database) -> None:
    """No column can be unique alone, and no statement is suggested that Postgres would refuse."""
    database.execute(
        "create table public.t (id int, at date, body text, vec vector(4), primary key (id, at))"
        " partition by range (at);"
        "create table public.e (id int not null, body text, vec vector(4))"
        " partition by range ((id + 1));"
        "create table public.p (id int not null, body text, vec vector(4)) partition by range (id);"
        "create table public.p1 partition of public.p for values from (0) to (9);"
        "insert into public.p values (1), (1)"
    )
    hint = refusal(database)
    assert "`" not in hint
    assert "partitioned by (at)" in hint
    assert "name a key of several columns" in hint
    assert "(an expression)" in refusal(database, relation="public.e")
    assert refusal(database, relation="public.p").startswith("Rows repeat it")


def test_hint_keeps_the_case_of_names(database: Database) -> None:
    """For SQL, where case is not folded in an argument."""
    database.execute('create table public.t (id int primary key, "Body" text, vec vector(4))')
    assert refusal(database) == "Name it as it is written: Body"
    assert refusal(database, text='"Body"') == "Name it as it is written: Body"


def test_hint_uses_the_dimensions_of_the_model_where_known(database: Database) -> None:
    """The command line suggests them."""
    database.execute("create table public.t (id int primary key, body text)")
    with database.connect() as connection:
        connection.execute("select set_config('wikiembed.model_dimensions', '77', false)")
        with pytest.raises(psycopg.Error) as caught:
            connection.execute("select wikiembed.attach('public.t', 'id', 'body', 'vec', 't')")
    assert "add column vec public.vector(77)" in str(caught.value.diag.message_hint)


@pytest.mark.parametrize("owner", ["plain", "superuser"])
def test_hint_on_rights_works(database: Database, owner: str) -> None:
    """A superuser runs each statement, until wikiembed's owner may attach the table."""
    role, other = database.create_role("wikiembed"), database.create_role("app")
    database.execute(
        "create table public.t (id int primary key, body text, vec vector(4));"
        "alter table public.t enable row level security;"
        f"grant usage on schema wikiembed_private, public to {role};"
        f"grant all on all functions in schema wikiembed_private to {role}"
    )
    if owner == "plain":
        database.execute(f"alter table public.t owner to {other}")
    states = []
    for _ in range(STEPS):
        with database.connect(role=role) as connection:
            try:
                connection.execute("select wikiembed_private.check_rights('public.t')")
                break
            except psycopg.Error as error:
                states.append(error.sqlstate)
                (statement,) = re.findall(r"`([^`]+)`", str(error.diag.message_hint))
                database.execute(statement)
    else:
        pytest.fail("the advice does not end")
    assert states == ["WE004", "WE009", "WE004"]
