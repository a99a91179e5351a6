"""Remove wikiembed from a database, and list beforehand what would be removed.

Tables of users keep their rows and vectors. The wiki's own tables are dropped on request only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg import sql

from wikiembed.config import Settings
from wikiembed.control.foreign import RELATIONS, require_no_dependents, require_no_foreign
from wikiembed.db.connect import (
    SCHEMA_CHANGE,
    connect_options,
    details_of,
    open_direct,
    translate_errors,
)
from wikiembed.db.endpoint import Endpoint, endpoint
from wikiembed.db.migrate import alone
from wikiembed.db.owner import advice, refused
from wikiembed.db.version import current, require_known, require_vacant
from wikiembed.errors import SchemaMismatch

WIKI_TABLES = ("public.wiki_chunks", "public.wiki_pages")
_KNOWN_WIKI = "select obj_description(to_regclass(%s), 'pg_class') like '%%wikiembed''s wiki%%'"
_SOURCES = """
select s.name, coalesce(quote_ident(n.nspname) || '.' || quote_ident(c.relname), '.')
  from wikiembed.sources as s
  left join pg_class as c on c.oid = s.relation
  left join pg_namespace as n on n.oid = c.relnamespace
 order by s.name
"""
_DOCUMENTS = """
select quote_ident(n.nspname) || '.' || quote_ident(c.relname)
  from wikiembed.document_sources as d
  join pg_class as c on c.oid = d.relation
  join pg_namespace as n on n.oid = c.relnamespace
"""
_HAS_DOCUMENTS = "select to_regclass('wikiembed.document_sources') is not null"
_HAS_NAMES = "select to_regclass('wikiembed.search_names') is not null"
_COUNTS = """
select (select count(*) from wikiembed.failures),
       (select count(*) from wikiembed_queue.procrastinate_jobs where status in ('todo', 'doing'))
"""
_UNOWNED = "uninstall as the owner of the tables"
# Dropped with the schemas otherwise, which needs no right to it: a superuser's migration made it.
_MAY_DROP_TRIGGER = """
select from pg_event_trigger as e
 where e.evtname = 'wikiembed_on_ddl' and pg_has_role(current_user, e.evtowner, 'usage')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table and the number of its rows."""

    name: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What an uninstall removes, and what it keeps."""

    database: Endpoint
    installed: bool
    sources: dict[str, str]
    """Name of each source to its table; ``.`` where that was dropped."""
    documents: list[str]
    """The tables of documents."""
    failures: int
    jobs: int
    wiki: list[Table]
    """The wiki's own tables, if they exist."""

    @property
    def is_empty(self) -> bool:
        """Whether there is neither wikiembed nor a table of its wiki."""
        return not self.installed and not self.wiki


def removal(url: str, settings: Settings) -> Removal:
    """What `uninstall` would find in the database at `url`.

    Raises: SchemaMismatch, ConfigurationError if the role may not, DatabaseError.
    """
    with translate_errors(), open_direct(url) as connection:
        advised = advice(connection, verb="uninstall", unowned=_UNOWNED)
        try:
            return _removal(connection, settings)
        except pg.InsufficientPrivilege as error:
            raise refused(error, advised) from None


def _removal(connection: psycopg.Connection[Any], settings: Settings) -> Removal:
    version = current(connection)
    require_known(version)
    if version is None:
        require_vacant(connection)
    sources: list[tuple[Any, ...]] = []
    documents: list[tuple[Any, ...]] = []
    failures = jobs = 0
    if version is not None:
        sources = connection.execute(_SOURCES).fetchall()
        if connection.execute(_HAS_DOCUMENTS).fetchone() == (True,):
            documents = connection.execute(_DOCUMENTS).fetchall()
        failures, jobs = connection.execute(_COUNTS).fetchone() or (0, 0)
    return Removal(
        database=endpoint(settings, connection),
        installed=version is not None,
        sources={str(name): str(table) for name, table in sources},
        documents=[str(table) for (table,) in documents],
        failures=failures,
        jobs=jobs,
        wiki=_wiki(connection),
    )


def _wiki(connection: psycopg.Connection[Any]) -> list[Table]:
    found = []
    for name in WIKI_TABLES:
        row = connection.execute(_KNOWN_WIKI, [name]).fetchone()
        if row is not None and row[0]:
            query = sql.SQL("select count(*) from {}").format(sql.Identifier(*name.split(".")))
            counted = connection.execute(query).fetchone()
            found.append(Table(name=name, rows=counted[0] if counted else 0))
    return found


def uninstall(url: str, found: Removal, *, and_wiki: bool = False) -> None:
    """Detach every source and drop wikiembed's schemas; `and_wiki`: the wiki's tables too.

    `found` is what `removal` returned. One transaction.

    Raises: ConfigurationError if the role may not; SchemaMismatch if something that is not
    wikiembed's depends on it; DatabaseError. After an error nothing is changed.
    """
    with (
        alone(url),
        translate_errors(),
        psycopg.connect(
            url, application_name="wikiembed uninstall", **connect_options(url)
        ) as connection,
    ):
        advised = advice(connection, verb="uninstall", unowned=_UNOWNED)
        connection.rollback()
        try:
            connection.execute(SCHEMA_CHANGE)
            if found.installed and current(connection) is not None:
                _drop_schemas(connection)
            if and_wiki and found.wiki:
                tables = sql.SQL(", ").join(
                    sql.Identifier(*table.name.split(".")) for table in found.wiki
                )
                connection.execute(sql.SQL("drop table if exists {}").format(tables))
        except pg.DependentObjectsStillExist as error:
            raise SchemaMismatch(
                f"The wiki's tables cannot be dropped: {details_of(error)}."
                " Drop what depends on them first."
            ) from None
        except pg.InsufficientPrivilege as error:
            raise refused(error, advised) from None


def _drop_schemas(connection: psycopg.Connection[Any]) -> None:
    if connection.execute(_MAY_DROP_TRIGGER).fetchone() is not None:
        connection.execute("drop event trigger wikiembed_on_ddl")
    if connection.execute(_HAS_NAMES).fetchone() == (True,):
        connection.execute("select wikiembed.switch(n.name, null) from wikiembed.search_names as n")
    connection.execute("select wikiembed.detach(s.name) from wikiembed.sources as s")
    require_no_foreign(connection)
    require_no_dependents(connection)
    connection.execute(
        sql.SQL("drop schema if exists {} cascade").format(
            sql.SQL(", ").join(sql.Identifier(name) for name in RELATIONS)
        )
    )
