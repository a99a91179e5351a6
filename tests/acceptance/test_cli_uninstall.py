"""`wikiembed uninstall` lists what it drops, asks, and keeps tables of users."""

from __future__ import annotations

from psycopg.conninfo import make_conninfo

from tests.support.chunks import add_chunks
from tests.support.cli import Call, StartCli
from tests.support.commands import assert_done, assert_refused, events, served
from tests.support.database import Database
from tests.support.fingerprint import changed, fingerprint
from tests.support.standin import StandIn


def test_uninstall_lists_what_it_drops_and_asks(call: Call, docs_table: Database) -> None:
    """Without a terminal to ask, only --yes makes it drop anything."""
    add_chunks(docs_table, 2)
    before = fingerprint(docs_table)
    asked = call("uninstall")
    assert "nothing was done" in assert_refused(asked, 2)
    assert asked.stdout.splitlines()[1:] == [
        "Removes: 2 sources (docs, wiki), 1 job, 0 failures, and every trigger and count.",
        "Keeps, with every row and vector: public.docs.",
        "Keeps unless --and-wiki is given: public.wiki_chunks with 0 rows and public.wiki_pages"
        " with 0 rows.",
    ]
    assert changed(before, fingerprint(docs_table)) == set()
    done = call("uninstall", "--yes")
    assert_done(done)
    assert done.stdout.splitlines()[-1] == "wikiembed is removed from the database."
    assert docs_table.one("select count(*) from public.docs") == 2
    again = call("uninstall", "--yes")
    assert (again.returncode, again.stdout) == (0, "The database has no wikiembed schema.\n")
    assert_done(call("migrate"))


def test_uninstall_with_the_wiki(call: Call, database: Database) -> None:
    """Its tables are dropped too."""
    done = call("uninstall", "--and-wiki", "--yes")
    assert (
        "Removes: public.wiki_chunks with 0 rows and public.wiki_pages with 0 rows." in done.stdout
    )
    assert database.one("select to_regclass('public.wiki_pages') is null")


def test_uninstall_names_the_owner_and_dependents(call: Call, docs_table: Database) -> None:
    """For a role that does not own wikiembed, and for dependent objects."""
    docs_table.execute("create view public.report as select * from wikiembed.coverage")
    output = assert_refused(call("uninstall", "--yes"), 2)
    assert output.startswith("These are not wikiembed's and depend on it: ")
    assert output.endswith("Drop them first.")
    assert_done(call("status"))


def test_uninstall_keeps_tables_of_documents(call: Call, database: Database) -> None:
    """They are named beside their chunks."""
    database.execute(
        "create table public.articles (id int primary key, body text);"
        "insert into public.articles values (1, 'one')"
    )
    assert_done(
        call("attach", "public.articles", "--documents", "--text", "body", "--dimensions", "4")
    )
    done = call("uninstall", "--yes")
    assert_done(done)
    assert (
        "Keeps, with every row and vector: public.articles, public.articles_chunks." in done.stdout
    )
    assert database.rows("select id, body from public.articles") == [(1, "one")]


def test_other_roles_are_told_who_may_migrate_and_uninstall(call: Call, database: Database) -> None:
    """The owner of the schemas, whatever rights are missing; nothing is changed."""
    owner = database.one(
        "select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'wikiembed'"
    )
    for kind in (None, "worker", "reader"):
        role = database.create_role(f"a_{kind}", grant=kind)
        database.execute(
            f'alter role "{role}" login; grant create on schema public to "{role}";'
            f'grant create on database "{database.name}" to "{role}"'
        )
        env = {"WIKIEMBED_DATABASE_URL": make_conninfo(database.url, user=role)}
        for command in (["migrate"], ["uninstall", "--and-wiki", "--yes"]):
            output = assert_refused(call(*command, env=env), 2)
            assert output.endswith(
                f"; {command[0]} as role {owner}, which owns wikiembed's schemas, or as a"
                " superuser."
            ), output
    assert_done(call("status"))


def test_uninstall_ends_the_workers(
    call: Call, start_cli: StartCli, docs_table: Database, standin: StandIn
) -> None:
    """With one sentence, and events of one line; what they wrote stays."""
    worker = start_cli("worker", env=served(standin))
    add_chunks(docs_table, 3)
    vectors = "select count(vec) from public.docs"
    worker.wait_for(lambda: docs_table.one(vectors) == 3)
    assert_done(call("uninstall", "--yes"))
    assert_refused(ended := worker.wait(), 2)
    assert [event["event"] for event in events(ended)] == ["worker_started", "database_lost"]
    assert "\n" not in str(events(ended)[1]["reason"])
    assert docs_table.one(vectors) == 3
