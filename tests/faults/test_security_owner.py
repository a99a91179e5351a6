"""A table owner's code runs as wikiembed's owner: harmless if that role has few rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.support.cli import Cli, RunCli, environment
from tests.support.database import DIMENSIONS, Database, create_database
from tests.support.server import TestServer
from tests.support.standin import StandIn

PASSWORD = "three words more"
PREPARED = """
create extension vector;
create table public.secrets (word text);
insert into public.secrets values ('swordfish');
alter table public.secrets owner to {other};
create schema app authorization {app};
grant create on schema public to {owner};
grant {app} to {owner};
grant create on database {database} to {owner};
"""
OF_THE_APP = """
create table app.docs (id int primary key, body text, vec public.vector(4));
create table app.loot (what text, who text);
"""
HOSTILE = """
create function app.rob(p_when text) returns boolean language plpgsql as $$
begin
  begin
    alter role {app} superuser;
    insert into app.loot values (p_when || ' superuser', current_user);
  exception when others then
    insert into app.loot values (p_when || ' refused ' || sqlstate, current_user);
  end;
  begin
    insert into app.loot select p_when || ' read ' || s.word, current_user from public.secrets as s;
  exception when others then
    insert into app.loot values (p_when || ' refused ' || sqlstate, current_user);
  end;
  return true;
end $$;
create function app.fires() returns trigger language plpgsql as
  $$ begin perform app.rob('trigger'); return new; end $$;
create trigger fires before update on app.docs for each row execute function app.fires();
alter table app.docs enable always trigger fires;
alter table app.docs add constraint robs check (app.rob('check'));
"""


class Place:
    """A database without wikiembed, and four login roles."""

    def __init__(self, postgres: TestServer, folder: Path) -> None:
        self.database = create_database(postgres, "template0")
        self.roles = {n: self.database.create_role(n) for n in ("owner", "app", "worker", "other")}
        for role in self.roles.values():
            self.database.execute(f"alter role {role} login password '{PASSWORD}'")
        self.execute(PREPARED)
        self._folder = folder
        self._clis: list[Cli] = []

    def execute(self, statements: str, role: str | None = None) -> None:
        """Run statements, `{name}` standing for a role or the database; as superuser or `role`."""
        text = statements.format(**self.roles, database=self.database.name)
        with psycopg.connect(self.url(role), autocommit=True) as connection:
            connection.execute(text.encode())

    def url(self, role: str | None) -> str:
        """The URL of a role; None: the superuser."""
        if role is None:
            return self.database.url
        return make_conninfo(self.database.url, user=self.roles[role], password=PASSWORD)

    def cli(self, role: str | None, standin: StandIn) -> Cli:
        """The command line of a role."""
        settings = environment(
            database_url=self.url(role),
            dimensions=str(DIMENSIONS),
            embedder="openai",
            embedder_url=standin.url,
            model="standin-model",
            data_dir=str(self._folder / "data"),
        )
        self._clis.append(Cli(env=settings, folder=self._folder / str(len(self._clis))))
        return self._clis[-1]

    def close(self) -> None:
        """End the commands and drop the database."""
        for cli in self._clis:
            cli.close()
        self.database.close()


@pytest.fixture
def place(postgres: TestServer, tmp_path: Path) -> Iterator[Place]:
    """A database for this test."""
    made = Place(postgres, tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("owner", ["owner", None], ids=["few rights", "superuser"])
def test_owner_of_few_rights_gives_hostile_code_nothing(
    place: Place, standin: StandIn, owner: str | None
) -> None:
    """The remedy of docs/reference/limits.md; with a superuser the same code succeeds."""
    owner_cli = place.cli(owner, standin)
    assert owner_cli.run("migrate").returncode == 0
    place.execute(OF_THE_APP, "app")
    columns = ["--key", "id", "--text", "body", "--embedding", "vec", "--name", "docs"]
    attached = owner_cli.run("attach", "app.docs", *columns)
    assert attached.returncode == 0, attached.stderr
    place.execute(HOSTILE, "app")
    place.execute(
        "insert into app.docs select i, 'text ' || i from generate_series(1, 3) as i", "app"
    )
    place.execute("select wikiembed.grant_worker('{worker}')", owner)
    drained = place.cli("worker", standin).run("worker", "--drain")
    assert drained.returncode == 0, drained.stderr
    seen = place.database
    assert seen.one("select embedded from wikiembed.coverage where source = 'docs'") == 3
    seen.check_invariants()
    runs_as = place.roles["owner"] if owner else seen.one("select current_user")
    robbed = seen.rows("select distinct what from app.loot where who = %s", [runs_as])
    loot = {what for (what,) in robbed}
    found = json.loads(owner_cli.run("doctor", "--json").stdout)
    warned = [one["sentence"] for one in found if one["name"] == "owner"]
    is_super = seen.one("select rolsuper from pg_roles where rolname = %s", [place.roles["app"]])
    if owner:
        assert loot == {"trigger refused 42501", "check refused 42501"}
        assert (is_super, attached.stderr, warned) == (False, "", [])
    else:
        assert {"trigger superuser", "check read swordfish"} <= loot
        assert is_super
        assert attached.stderr.startswith(f"Warning: {place.roles['app']} may give app.docs")


def test_doctor_finds_a_later_owner(docs_table: Database, run_cli: RunCli) -> None:
    """The table's owner changed after it was attached."""

    def warned() -> list[dict[str, str]]:
        found = json.loads(run_cli("doctor", "--json").stdout)
        return [one for one in found if one["name"] == "owner"]

    assert warned() == []
    role = docs_table.create_role("app")
    docs_table.execute(f"alter table public.docs owner to {role}")
    (one,) = warned()
    assert one["level"] == "warning"
    assert one["sentence"].startswith(f"Source docs: {role} may give public.docs triggers")
