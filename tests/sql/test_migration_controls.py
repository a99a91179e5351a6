"""Revision 0005: functions that are replaced keep their grants and their owner, both ways."""

from __future__ import annotations

from tests.harness.database import Database
from tests.sql.test_migrations import settings
from wikiembed.db.migrate import downgrade, upgrade

NAMES = ["attach", "check_rights", "retry_failures", "skip"]
CAN = """
select p.proname::text, has_function_privilege(%s, p.oid, %s) from pg_proc as p
 where p.proname = any (%s) and p.pronamespace::regnamespace::text like 'wikiembed%%' order by 1
"""
FUNCTIONS = """
from pg_proc as p
where p.pronamespace in ('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace)
"""


def can(database: Database, role: str, right: str = "execute") -> list[str]:
    """Which of the replaced functions `role` may execute; each is there once."""
    rows = database.rows(CAN, [role, right, NAMES])
    assert [row[0] for row in rows] == NAMES
    return [name for name, may in rows if may]


def owners(database: Database) -> set[str]:
    """Who owns the functions of wikiembed."""
    return {row[0] for row in database.rows(f"select pg_get_userbyid(p.proowner) {FUNCTIONS}")}


def test_rights_given_by_hand_outlive_the_functions(docs_table: Database) -> None:
    """With their grant option; public and strangers get none."""
    operator, stranger = docs_table.create_role("Odd operator"), docs_table.create_role("stranger")
    owner = docs_table.create_role("owner")
    given = ["attach", "retry_failures", "skip"]
    docs_table.execute(
        f'grant execute on function wikiembed.skip to "{operator}" with grant option;'
        f'grant execute on function wikiembed.retry_failures, wikiembed.attach to "{operator}"'
    )
    expected: list[list[str]] = [given, ["skip"], [], []]

    def seen() -> list[list[str]]:
        return [
            can(docs_table, operator),
            can(docs_table, operator, "execute with grant option"),
            can(docs_table, stranger),
            can(docs_table, "public"),
        ]

    assert seen() == expected
    downgrade(docs_table.url, settings(docs_table.url), revision="0004")
    assert docs_table.rows("select jobs, chunks from wikiembed.retry_failures('docs')") == [(0, 0)]
    assert seen() == expected
    # What writes triggers, and the event trigger's function, run in their new owner's name.
    docs_table.execute(f'alter role "{owner}" superuser')
    for (function,) in docs_table.rows(f"select p.oid::regprocedure::text {FUNCTIONS}"):
        docs_table.execute(f'alter function {function} owner to "{owner}"')
    upgrade(docs_table.url, settings(docs_table.url))
    assert seen() == expected
    assert owners(docs_table) == {owner}
    downgrade(docs_table.url, settings(docs_table.url), revision="0004")
    assert seen() == expected
    assert owners(docs_table) == {owner}


def test_sources_pinned_before_go_on_being_compared(docs_table: Database) -> None:
    """Where their prefix is from is not known; one that is not pinned keeps its own."""
    docs_table.execute("create table public.more (id int primary key, body text, vec vector(4))")
    docs_table.execute(
        "select wikiembed.attach('public.more', 'id', 'body', 'vec', 'more',"
        " p_document_prefix => 'own: ')"
    )
    downgrade(docs_table.url, settings(docs_table.url), revision="0004")
    docs_table.execute("select wikiembed.pin_model('docs', 'ollama', 'nomic', 4, 'search: ')")
    upgrade(docs_table.url, settings(docs_table.url))
    found = "select name, document_prefix, prefix_pinned from wikiembed.sources order by name"
    expected = [("docs", "search: ", True), ("more", "own: ", False)]
    assert [row for row in docs_table.rows(found) if row[0] != "wiki"] == expected
    generation = "select generation from wikiembed.sources where name = 'docs'"
    assert docs_table.one(generation) == 1
    docs_table.execute("update wikiembed.sources set model = 'other' where name = 'docs'")
    assert docs_table.one(generation) == 2
    downgrade(docs_table.url, settings(docs_table.url), revision="0004")
    docs_table.execute("update wikiembed.sources set model = null where name = 'docs'")
    assert docs_table.one(generation) == 3
    upgrade(docs_table.url, settings(docs_table.url))
