"""A chunk table that exists: attach_documents adopts it, or names what it lacks."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.database import Database

COLUMNS = {
    "id": "bigint generated always as identity primary key",
    "document_tenant": "int not null",
    "document_id": "varchar(40) not null",
    "position": "integer not null",
    "context": "text",
    "content": "text not null",
    "heading": "text not null default ''",
    "starts_at": "integer not null",
    "ends_at": "integer not null",
    "embedding": "vector(4)",
}
UNIQUE = "unique (document_tenant, document_id, position) deferrable initially deferred"
FOREIGN = (
    "foreign key (document_tenant, document_id) references public.articles (tenant, id)"
    " on update cascade on delete cascade"
)
ATTACH = (
    "select wikiembed.attach_documents('public.articles', array['tenant', 'id'], array['body'],"
    " 'articles', p_chunks => 'public.parts')"
)


def create(database: Database, columns: dict[str, str], *constraints: str) -> None:
    """Table articles, and table parts of these columns and constraints."""
    database.execute(
        "create table public.articles (tenant int, id text, body text, primary key (tenant, id))"
    )
    parts = [*(f"{name} {kind}" for name, kind in columns.items()), *constraints]
    database.execute(f"create table public.parts ({', '.join(parts)})")


def refusal(database: Database) -> tuple[str, str]:
    """Message and hint of the attach, which leaves no source."""
    with pytest.raises(psycopg.Error) as raised:
        database.execute(ATTACH)
    assert raised.value.sqlstate == "WE006"
    assert database.one("select count(*) from wikiembed.sources where name = 'articles'") == 0
    diag = raised.value.diag
    return diag.message_primary or "", diag.message_hint or ""


def test_table_of_the_shape_is_adopted(database: Database) -> None:
    """Types may differ where each value fits; columns of the user stay."""
    create(database, COLUMNS | {"position": "bigint", "seen_at": "timestamptz"}, UNIQUE, FOREIGN)
    database.execute("insert into public.articles values (1, 'a', 'One.')")
    database.execute(ATTACH)
    assert database.one("select count(*) from wikiembed.read_documents('articles', %s)", [
        ['[1, "a"]']
    ]) == 1  # fmt: skip
    database.execute("select wikiembed.enqueue('articles')")
    database.check_invariants()


@pytest.mark.parametrize(
    ("column", "kind", "message"),
    [
        (
            "id",
            "uuid primary key default gen_random_uuid()",
            'column "id" of public.parts is of type uuid, not smallint or integer or bigint',
        ),
        ("document_tenant", "text not null", 'column "document_tenant" of public.parts is of type'),
        ("position", "smallint not null", "is of type smallint, not integer or bigint"),
        ("content", "bytea not null", "is of type bytea, not text or character varying"),
        ("id", "bigint primary key", 'column "id" of public.parts has no default'),
        ("heading", "", "lacks columns of a chunk table: heading"),
    ],
)
def test_column_that_cannot_hold_its_value_is_named(
    database: Database, column: str, kind: str, message: str
) -> None:
    """At the attach, not when the first document is split."""
    columns = {name: of for name, of in (COLUMNS | {column: kind}).items() if of}
    create(database, columns)
    assert message in refusal(database)[0]


@pytest.mark.parametrize(
    ("constraints", "lacks"),
    [
        ((UNIQUE,), FOREIGN),
        ((UNIQUE, FOREIGN.removesuffix(" on delete cascade")), FOREIGN),
        ((UNIQUE, FOREIGN.replace("(tenant, id)", "")), None),
        ((FOREIGN,), UNIQUE),
        ((FOREIGN, "unique (document_tenant, document_id, position)"), UNIQUE),
        ((FOREIGN, UNIQUE), None),
    ],
)
def test_constraint_that_is_missing_is_named_with_its_statement(
    database: Database, constraints: tuple[str, ...], lacks: str | None
) -> None:
    """Without it chunks of deleted documents would stay, or a moved chunk would be refused."""
    create(database, COLUMNS, *constraints)
    if lacks is not None:
        message, hint = refusal(database)
        assert message.endswith(f"lacks a constraint of a chunk table: {lacks}")
        assert hint == f"Run `alter table public.parts add {lacks}`"
        database.execute(f"alter table public.parts add {lacks}")
    database.execute(ATTACH)
