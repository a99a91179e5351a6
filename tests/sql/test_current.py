"""Each migrate writes the contents of ``migrations/current`` over the existing objects."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest

from tests.sql.test_migrations import settings
from tests.support.chunks import add, jobs
from tests.support.database import Database
from wikiembed.db import migrations_dir, version
from wikiembed.db.digest import current_files, digest, digest_of
from wikiembed.db.migrate import upgrade
from wikiembed.errors import SchemaMismatch

FUNCTIONS = """
from pg_proc as p
where p.pronamespace in ('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace)
"""
SCHEMA = f"""
select p.oid::regprocedure::text, md5(pg_get_functiondef(p.oid)), p.proacl::text {FUNCTIONS}
 union all
select t.tgrelid::regclass || ' ' || t.tgname, md5(pg_get_triggerdef(t.oid)), t.tgenabled::text
  from pg_trigger as t where not t.tgisinternal
 union all
select c.oid::regclass::text, md5(pg_get_viewdef(c.oid)), c.relacl::text
  from pg_class as c where c.relkind = 'v' and c.relnamespace = 'wikiembed'::regnamespace
 order by 1
"""
CAN = """
select p.proname::text from pg_proc as p
 where p.proname = any (%s) and p.pronamespace = 'wikiembed'::regnamespace
   and has_function_privilege(%s, p.oid, %s) order by 1
"""


def migrate(database: Database) -> None:
    """As `wikiembed migrate` does."""
    upgrade(database.url, settings(database.url))


def test_repeated_migrate_changes_nothing(docs_table: Database) -> None:
    """Functions, triggers, views and their grants; an attached table's triggers stay."""
    docs_table.create_role("worker", grant="worker")
    before = docs_table.rows(SCHEMA)
    migrate(docs_table)
    assert docs_table.rows(SCHEMA) == before


def test_manually_changed_functions_are_restored(docs_table: Database) -> None:
    """A body, a dropped trigger, and a comment."""
    before = docs_table.rows(SCHEMA)
    docs_table.execute(
        "create or replace function wikiembed_private.require_read_committed() returns void"
        " language sql as 'select';"
        "drop trigger wikiembed_pause_gate on wikiembed_queue.procrastinate_jobs;"
        "alter table wikiembed_queue.procrastinate_jobs disable trigger wikiembed_notify_workers;"
    )
    assert docs_table.rows(SCHEMA) != before
    migrate(docs_table)
    assert docs_table.rows(SCHEMA) == before


# As a former migration left it.
FORMER = """
create function wikiembed_private.renamed() returns int language sql return 1;
comment on function wikiembed_private.renamed() is 'A former function.';
create function wikiembed.pause(int, text[]) returns int language sql return 1;
comment on function wikiembed.pause(int, text[]) is 'A former one.';
insert into wikiembed_private.written_functions
values ('wikiembed_private.renamed()'), ('wikiembed.pause(int4,_text)');
"""


def test_functions_without_a_file_are_dropped(docs_table: Database) -> None:
    """With another name or other parameters; those of other schemas and of sources stay."""
    before = docs_table.rows(SCHEMA)
    docs_table.execute(FORMER)
    migrate(docs_table)
    assert docs_table.rows(SCHEMA) == before


def test_functions_of_users_stay(docs_table: Database) -> None:
    """With or without a comment, and with owner and rights, through every migration."""
    role = docs_table.create_role("theirs")
    docs_table.execute(
        f"grant create, usage on schema wikiembed, wikiembed_private to {role}; set role {role};"
        "create function wikiembed_private.mine() returns int language sql return 1;"
        "comment on function wikiembed_private.mine() is 'Mine.';"
        "create function wikiembed.pause(int) returns int language sql return 1;"
        "comment on function wikiembed.pause(int) is 'Mine.';"
        "create function wikiembed.mine() returns int language sql return 1; reset role"
    )
    query = f"""
    select p.oid::regprocedure::text, p.proacl::text {FUNCTIONS}
       and p.proowner = '{role}'::regrole order by 1
    """
    before = docs_table.rows(query)
    assert [row[0] for row in before] == [
        "wikiembed.mine()", "wikiembed.pause(integer)", "wikiembed_private.mine()",
    ]  # fmt: skip
    migrate(docs_table)
    migrate(docs_table)
    assert docs_table.rows(query) == before


def test_written_functions_are_all_but_the_generated(docs_table: Database) -> None:
    """After the first migration, and after the next one."""
    unrecorded = (
        "select wikiembed_private.signature_of(p.oid)"
        f" {FUNCTIONS} and obj_description(p.oid, 'pg_proc')"
        " not like wikiembed_private.generated_comment('%%') order by 1"
    )
    recorded = "select w.function from wikiembed_private.written_functions as w order by 1"
    for _ in range(2):
        assert docs_table.rows(recorded) == docs_table.rows(unrecorded.replace("%%", "%"))
        assert docs_table.one(f"select bool_and(wikiembed_private.is_written(p.oid)) {FUNCTIONS}")
        migrate(docs_table)


def test_function_that_a_user_needs_stops_the_migration(docs_table: Database) -> None:
    """No object of a user is dropped with it, and nothing else is changed."""
    docs_table.execute(
        f"{FORMER} create view public.report as select wikiembed_private.renamed() as n;"
        "update wikiembed.schema_digest set digest = 'before'"
    )
    with pytest.raises(SchemaMismatch, match=r"view (public\.)?report depends on .*renamed\(\)\."):
        migrate(docs_table)
    assert docs_table.rows("select n from public.report") == [(1,)]
    assert docs_table.one("select digest from wikiembed.schema_digest") == "before"


def test_digest_is_that_of_the_files(database: Database) -> None:
    """It is in the database, and every byte, name and directory counts."""
    assert database.one("select digest from wikiembed.schema_digest") == digest()
    with database.connect() as connection:
        assert version.current(connection) == version.head()
        assert version.head() == f"{version.known()[-1]}.{digest()}"


def test_digest_distinguishes_files(tmp_path: Path) -> None:
    """A changed line, another name, another order."""
    shutil.copytree(migrations_dir() / "current", tmp_path / "current")
    folder = tmp_path / "current"
    assert digest_of(current_files(folder)) == digest()
    file = folder / "85_search" / "search.sql"
    found = {digest()}
    text = file.read_text()
    file.write_text(text.replace("v_depth * 4", "v_depth * 5"))
    found.add(digest_of(current_files(folder)))
    file.write_text(text)
    file.rename(file.with_name("other.sql"))
    found.add(digest_of(current_files(folder)))
    file.with_name("other.sql").rename(folder / "80_search.sql")
    found.add(digest_of(current_files(folder)))
    assert len(found) == 4


def test_database_with_other_functions_is_refused(database: Database) -> None:
    """Until it is migrated; the message names both digests."""
    database.execute("update wikiembed.schema_digest set digest = '0123456789abcdef'")
    with database.connect() as connection:
        found = version.current(connection)
    with pytest.raises(SchemaMismatch, match=r"another wikiembed \(\d+\.0123456789abcdef instead"):
        version.require_head(found)
    migrate(database)
    with database.connect() as connection:
        version.require_head(version.current(connection))


def test_functions_of_a_newer_package_are_not_downgraded(database: Database) -> None:
    """The older wikiembed refuses; its own and older ones are replaced."""
    database.execute(
        "update wikiembed.schema_digest set digest = 'newer', package_version = '999.1'"
    )
    with pytest.raises(SchemaMismatch, match=r"wikiembed 999\.1, which is newer"):
        migrate(database)
    assert database.one("select digest from wikiembed.schema_digest") == "newer"
    database.execute("update wikiembed.schema_digest set package_version = '0.0.1'")
    migrate(database)
    assert database.one("select digest from wikiembed.schema_digest") == digest()


def test_manually_granted_rights_survive_a_migration(docs_table: Database) -> None:
    """With their grant option, to public too; other roles get none."""
    operator, stranger = docs_table.create_role("Odd operator"), docs_table.create_role("stranger")
    names = ["attach", "pause", "retry_failures", "skip"]
    docs_table.execute(
        f'grant execute on function wikiembed.skip to "{operator}" with grant option;'
        f'grant execute on function wikiembed.retry_failures to "{operator}";'
        "grant execute on function wikiembed.pause to public"
    )
    migrate(docs_table)
    can = [
        [row[0] for row in docs_table.rows(CAN, [names, role, right])]
        for role, right in (
            (operator, "execute"), (operator, "execute with grant option"), (stranger, "execute"),
        )
    ]  # fmt: skip
    assert can == [["pause", "retry_failures", "skip"], ["skip"], ["pause"]]


def test_everything_belongs_to_one_owner(docs_table: Database) -> None:
    """Whichever role migrates: functions run with their owner's rights."""
    owner = docs_table.create_role("owner")
    docs_table.execute(f"alter table wikiembed.sources owner to {owner}")
    docs_table.execute(f"alter role {owner} superuser")
    migrate(docs_table)
    owners = docs_table.rows(
        "select distinct pg_get_userbyid(p.proowner) from pg_proc as p"
        " where p.pronamespace::regnamespace::text like 'wikiembed%' union"
        " select distinct pg_get_userbyid(c.relowner) from pg_class as c"
        " where c.relnamespace::regnamespace::text like 'wikiembed%'"
        " and c.relkind in ('r', 'v', 'S') and c.relname <> 'alembic_version'"
    )
    assert owners == [(owner,)]


@pytest.mark.parametrize("grant", ["by hand", "public"])
def test_reader_of_a_view_may_call_its_functions(docs_table: Database, grant: str) -> None:
    """A view calls functions with its reader's rights."""
    role = docs_table.create_role("someone")
    docs_table.execute(f"grant usage on schema wikiembed to {role}")
    to = role if grant == "by hand" else "public"
    docs_table.execute(f"grant select on wikiembed.coverage, wikiembed.queue to {to}")
    migrate(docs_table)
    add(docs_table, "one")
    with docs_table.connect() as connection:
        connection.execute(f"set role {role}".encode())
        row = connection.execute(b"select total, paused from wikiembed.coverage where total > 0")
        assert row.fetchall() == [(1, False)]
        row = connection.execute(b"select todo from wikiembed.queue where source = 'docs'")
        assert row.fetchall() == [(1,)]


def test_roles_get_rights_added_later(docs_table: Database) -> None:
    """A worker, a reader and a writer from before the digest may read it now."""
    roles = [docs_table.create_role(kind, grant=kind) for kind in ("worker", "reader", "writer")]
    stranger = docs_table.create_role("stranger")
    docs_table.execute(f"revoke all on wikiembed.schema_digest from {', '.join(roles)}")
    docs_table.execute(f"revoke all on function wikiembed.register_worker from {roles[0]}")
    migrate(docs_table)
    may_read = "select has_table_privilege(%s, 'wikiembed.schema_digest', 'select')"
    assert [docs_table.one(may_read, [role]) for role in (*roles, stranger)] == [
        True, True, True, False,
    ]  # fmt: skip
    may_call = "select has_function_privilege(%s, p.oid, 'execute') from pg_proc as p"
    registers = may_call + " where p.proname = 'register_worker'"
    assert [docs_table.one(registers, [role]) for role in roles] == [True, False, False]


def test_triggers_of_other_templates_are_regenerated(docs_table: Database) -> None:
    """The generated functions carry the digest of their templates; no version is incremented."""
    template = docs_table.one(
        "select pg_get_functiondef('wikiembed_private.generate_on_insert'::regproc)"
    )
    older = template.replace("'wikiembed.embed', 10,", "'wikiembed.embed', 11,")
    assert older != template
    docs_table.execute(older.encode())
    docs_table.execute("select wikiembed_private.write_triggers('docs')")
    docs_table.execute("insert into public.docs (body) values ('one')")
    migrate(docs_table)
    docs_table.execute("insert into public.docs (body) values ('two')")
    assert [job.priority for job in jobs(docs_table)] == [11, 10]
    versions = "select count(distinct trigger_version) from wikiembed.sources"
    assert docs_table.one(versions) == 1


def test_source_without_its_table_does_not_stop_the_migration(docs_table: Database) -> None:
    """The next reconcile detaches it."""
    docs_table.execute("update wikiembed.sources set trigger_version = 0")
    docs_table.execute("drop table public.docs")
    migrate(docs_table)
    docs_table.execute("select wikiembed.reconcile()")
    assert docs_table.rows("select name from wikiembed.sources") == [("wiki",)]


def test_every_name_of_a_template_is_known(docs_table: Database) -> None:
    """A template with an unknown name fails immediately, whatever the values hold."""
    with pytest.raises(psycopg.errors.RaiseException, match="unknown name"):
        docs_table.execute(
            "select wikiembed_private.render_template(s, 'select @keys@ from @table@')"
            " from wikiembed.sources as s where s.name = 'docs'"
        )


def test_values_are_not_searched_for_names(database: Database) -> None:
    """A column may have the name of a template variable, between two @."""
    database.execute(
        'create table public."@key@" ("@text@" int primary key, "@table@" text,'
        ' "a @ b" vector(4));'
        "select wikiembed.attach('public.\"@key@\"', '@text@', '@table@', 'a @ b', '@source@');"
        "insert into public.\"@key@\" values (1, 'one')"
    )
    assert [job.keys for job in jobs(database, "@source@")] == [["1"]]
    assert database.rows("select key, content from wikiembed.read_chunks('@source@', '{1}')") == [
        ("1", "one")
    ]
