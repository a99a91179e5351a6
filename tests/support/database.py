"""A separate database per test, cloned from one that is migrated once per session."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import psycopg
from filelock import FileLock
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.support.server import TestServer, drop_database, dropping
from wikiembed.config import Provider, Settings

DIMENSIONS = 4
_NUMBERS = itertools.count(1)


class Database:
    """One database; its connections are closed when the test ends."""

    def __init__(self, server: TestServer, name: str) -> None:
        self.name = name
        self.url = url_of(server, name)
        self._server = server
        self._connections: list[psycopg.Connection] = []
        self._roles: list[str] = []
        self._own: psycopg.Connection | None = None

    def connect(self, *, role: str | None = None, autocommit: bool = True) -> psycopg.Connection:
        """A new connection, as `role` alone if one is given."""
        connection = psycopg.connect(self.url, autocommit=autocommit)
        self._connections.append(connection)
        if role is not None:
            connection.execute(sql.SQL("set session authorization {}").format(sql.Identifier(role)))
            if not autocommit:
                connection.commit()
        return connection

    def create_role(self, suffix: str, *, grant: str | None = None) -> str:
        """A new role, dropped with the database; `grant` is writer, worker or reader."""
        name = f"{self.name}_{suffix}"
        self._roles.append(name)
        self.execute(sql.SQL("create role {}").format(sql.Identifier(name)))
        if grant is not None:
            function = sql.Identifier("wikiembed", f"grant_{grant}")
            self.execute(sql.SQL("select {}({})").format(function, sql.Literal(name)))
        return name

    def execute(
        self, query: str | sql.SQL | sql.Composed, params: Params = None
    ) -> psycopg.Cursor[Row]:
        """Run `query` on the database's own autocommit connection."""
        if self._own is None or self._own.closed:
            self._own = self.connect()
        return self._own.execute(query.encode() if isinstance(query, str) else query, params)

    def rows(self, query: str | sql.SQL | sql.Composed, params: Params = None) -> list[Row]:
        """All rows of `query`."""
        return self.execute(query, params).fetchall()

    def one(self, query: str | sql.SQL | sql.Composed, params: Params = None) -> Any:
        """The single value of `query`'s single row."""
        rows = self.rows(query, params)
        assert [len(row) for row in rows] == [1], f"not one value: {rows!r}"
        return rows[0][0]

    def advisory_waits(self) -> int:
        """How many sessions of this database wait for an advisory lock."""
        waiting: int = self.one(
            "select count(*) from pg_locks where not granted and locktype = 'advisory'"
            " and database = (select oid from pg_database where datname = current_database())"
        )
        return waiting

    def check_invariants(self, source: str | None = None) -> None:
        """Assert that every invariant holds, for `source` or for all sources."""
        checked = self.rows(
            "select name, violations from wikiembed.check_invariants(%s::text)", [source]
        )
        assert checked, "check_invariants gave no rows"
        assert [row for row in checked if row[1] != 0] == []

    def disconnect(self) -> None:
        """Close all connections."""
        for connection in self._connections:
            connection.close()

    def execute_without_triggers(self, *statements: str) -> None:
        """Run statements as replication does: no trigger of the tables runs."""
        with self.connect() as connection:
            connection.execute("set session_replication_role = replica")
            for statement in statements:
                connection.execute(statement.encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections and drop the database and its roles."""
        self.disconnect()
        self._server.run(dropping(self.name))
        for role in self._roles:
            self._server.run(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))


Row = tuple[Any, ...]
Params = Sequence[object] | dict[str, object] | None


def url_of(server: TestServer, name: str) -> str:
    """A conninfo of database `name`: a URL if the server's is one."""
    if "://" not in server.url:
        return make_conninfo(server.url, dbname=name)
    head, mark, query = server.url.partition("?")
    scheme, _, rest = head.partition("://")
    return f"{scheme}://{rest.split('/', 1)[0]}/{name}{mark}{query}"


def make_template(server: TestServer, dimensions: int = DIMENSIONS) -> str:
    """Name of the migrated template."""
    from wikiembed.db.migrate import upgrade

    def fill(draft: Database) -> None:
        url = draft.url
        upgrade(url, Settings(database_url=url, dimensions=dimensions, embedder=Provider.LOCAL))

    return keep_template(server, f"template_{dimensions}", source="template0", fill=fill)


def keep_template(
    server: TestServer, name: str, *, source: str, fill: Callable[[Database], object]
) -> str:
    """Full name of template `name`: a clone of `source` that the first xdist worker fills."""
    name = f"{server.prefix}{name}"
    with FileLock(server.lock_path), server.admin() as connection:
        found = connection.execute("select from pg_database where datname = %s", [name])
        if found.fetchone() is not None:
            return name
        draft = Database(server, f"{server.prefix}draft")
        drop_database(connection, draft.name)
        connection.execute(
            sql.SQL("create database {} encoding 'UTF8' template {}").format(
                sql.Identifier(draft.name), sql.Identifier(source)
            )
        )
        fill(draft)
        draft.disconnect()
        connection.execute(
            sql.SQL("alter database {} rename to {}").format(
                sql.Identifier(draft.name), sql.Identifier(name)
            )
        )
    return name


def create_database(server: TestServer, template: str) -> Database:
    """A fresh clone of `template`."""
    name = f"{server.prefix}{os.getpid()}_{next(_NUMBERS)}"
    strategy = "strategy file_copy" if server.version >= 150000 else ""
    server.run(
        sql.SQL("create database {} template {} " + strategy).format(
            sql.Identifier(name), sql.Identifier(template)
        )
    )
    return Database(server, name)


def restore_dump(server: TestServer, file: Path) -> Database:
    """A database of what `file` has, which is restored as psql does it."""
    made = create_database(server, "template0")
    with server.admin() as connection:
        name = sql.Identifier(made.name)
        connection.execute(sql.SQL("drop database {}").format(name))
        connection.execute(
            sql.SQL("create database {} encoding 'UTF8' template template0").format(name)
        )
    with made.connect() as connection:
        connection.execute(file.read_bytes())
    return made
