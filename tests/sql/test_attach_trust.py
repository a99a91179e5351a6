"""The roles attach warns about: wikiembed would run their code with its owner's rights."""

from __future__ import annotations

import pytest

from tests.support.chunks import embed
from tests.support.cli import RunCli
from tests.support.database import Database

TABLE = "create table public.docs (id int primary key, body text, vec vector(4))"
ATTACH = "select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')"
SEES = """
create function public.sees() returns trigger language plpgsql as
  $$ begin new.body := current_user; return new; end $$;
create trigger sees before update on public.docs for each row execute function public.sees()
"""


def warnings(database: Database) -> list[str]:
    """The warnings of an attach."""
    said: list[str] = []
    with database.connect() as connection:
        connection.add_notice_handler(lambda one: said.append(one.message_primary or ""))
        connection.execute(ATTACH.encode())
    return said


@pytest.mark.parametrize(
    "grant",
    ["alter table public.docs owner to {role}", "grant trigger on public.docs to {role}"],
)
def test_attach_warns_about_roles_that_could_run_sql_as_its_owner(
    database: Database, grant: str
) -> None:
    """The owner of the table or a role with the trigger right, unless already trusted as much."""
    database.execute(TABLE)
    role = database.create_role("app")
    database.execute(grant.format(role=role))
    (said,) = warnings(database)
    assert said.startswith(f"{role} may give public.docs triggers")
    assert said.endswith(f"as role {database.one('select current_user')}")


def test_attach_warns_about_the_owner_of_a_partition(database: Database) -> None:
    """Their triggers fire as well."""
    database.execute(TABLE.replace(" int primary", " int primary") + " partition by range (id)")
    database.execute("create table public.docs_1 partition of public.docs default")
    role = database.create_role("app")
    database.execute(f"alter table public.docs_1 owner to {role}")
    assert len(warnings(database)) == 1


def test_attach_trusts_roles_that_already_have_the_rights(database: Database) -> None:
    """Superusers and members of the role that owns wikiembed."""
    database.execute(TABLE)
    role = database.create_role("app")
    database.execute(f"grant {database.one('select quote_ident(current_user)')} to {role}")
    database.execute(f"alter table public.docs owner to {role}")
    assert warnings(database) == []


PLAIN = "select wikiembed_private.owner_warning('public.docs')"


@pytest.mark.parametrize(
    ("gain", "warned"),
    [
        ("", 0),
        ("alter role {owner} createrole", 1),
        ("alter role {owner} bypassrls", 1),
        ("grant {other} to {owner}", 1),
        ("grant {other} to {owner}; grant {other} to {app}", 0),
        ("grant pg_read_all_data to {owner}", 1),
        ("create table public.more (); alter table public.more owner to {owner}", 1),
        ("create table public.more (); grant select on public.more to {owner}", 1),
        ("grant trigger on public.docs to {other}", 1),
        ("grant trigger on public.docs to public", 1),
    ],
)
def test_attach_warns_about_an_owner_who_gains_other_rights(
    database: Database, gain: str, warned: int
) -> None:
    """Attributes, memberships and tables of a role that is not superuser and owns wikiembed."""
    database.execute(TABLE)
    roles = {name: database.create_role(name) for name in ("owner", "app", "other")}
    database.execute(
        "alter table public.docs owner to {app}; grant {app} to {owner};"
        "alter function wikiembed_private.owner_warning owner to {owner};"
        "grant usage on schema wikiembed_private to {owner};"
        "grant execute on function wikiembed_private.relations_of to {owner}".format(**roles)
    )
    database.execute(f"select; {gain.format(**roles)}")
    said = database.one(PLAIN)
    assert (said is not None) == bool(warned)
    if said:
        assert said.endswith(f"as role {roles['owner']}")


def test_warning_is_true_and_the_command_prints_it(database: Database, run_cli: RunCli) -> None:
    """The limit of docs/reference/limits.md: a trigger runs as wikiembed's owner."""
    database.execute(TABLE)
    role = database.create_role("app")
    database.execute(f"alter table public.docs owner to {role}")
    attach = run_cli("attach", "public.docs", "--text", "body", "--embedding", "vec")
    assert attach.returncode == 0
    assert attach.stderr.startswith(f"Warning: {role} may give public.docs triggers")
    assert "Attached public.docs" in attach.stdout
    database.execute("insert into public.docs values (1, 'one')")
    database.execute(SEES)
    embed(database, ["1"])
    assert database.one("select body from public.docs") == database.one("select current_user")
