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
from wikiembed.db.connect import SCHEMA_CHANGE, connect_options, sentence_of, translate_errors
from wikiembed.db.endpoint import Endpoint, endpoint
from wikiembed.db.migrate import alone
from wikiembed.db.version import current, require_known, require_vacant
from wikiembed.errors import ConfigurationError, SchemaMismatch

SCHEMAS = ["wikiembed", "wikiembed_private", "wikiembed_queue"]
WIKI_TABLES = ("public.wiki_chunks", "public.wiki_pages")
_KNOWN_WIKI = "select obj_description(to_regclass(%s), 'pg_class') like '%%wikiembed''s wiki%%'"
_SOURCES = """
select s.name, coalesce(quote_ident(n.nspname) || '.' || quote_ident(c.relname), '.')
  from wikiembed.sources as s
  left join pg_class as c on c.oid = s.relation
  left join pg_namespace as n on n.oid = c.relnamespace
 order by s.name
"""
_COUNTS = """
select (select count(*) from wikiembed.failures),
       (select count(*) from wikiembed_queue.procrastinate_jobs where status in ('todo', 'doing'))
"""
# Objects of users that depend on wikiembed's: Postgres would drop them with the schemas.
_DEPENDENT = """
with ours as (
  select n.oid from pg_namespace as n where n.nspname = any (%(schemas)s)
), objects as (
  select 'pg_class'::regclass as classid, c.oid as objid from pg_class as c
   where c.relnamespace in (select o.oid from ours as o)
  union all
  select 'pg_proc'::regclass, p.oid from pg_proc as p
   where p.pronamespace in (select o.oid from ours as o)
  union all
  select 'pg_type'::regclass, t.oid from pg_type as t
   where t.typnamespace in (select o.oid from ours as o)
), dependent as (
  select d.classid, d.objid, d.objsubid,
         case d.classid
           when 'pg_rewrite'::regclass then
             (select c.relnamespace from pg_rewrite as r join pg_class as c on c.oid = r.ev_class
               where r.oid = d.objid)
           when 'pg_trigger'::regclass then
             (select c.relnamespace from pg_trigger as t join pg_class as c on c.oid = t.tgrelid
               where t.oid = d.objid)
           when 'pg_attrdef'::regclass then
             (select c.relnamespace from pg_attrdef as a join pg_class as c on c.oid = a.adrelid
               where a.oid = d.objid)
           when 'pg_policy'::regclass then
             (select c.relnamespace from pg_policy as p join pg_class as c on c.oid = p.polrelid
               where p.oid = d.objid)
           when 'pg_constraint'::regclass then
             (select c.connamespace from pg_constraint as c where c.oid = d.objid)
           when 'pg_class'::regclass then
             (select c.relnamespace from pg_class as c where c.oid = d.objid)
           when 'pg_proc'::regclass then
             (select p.pronamespace from pg_proc as p where p.oid = d.objid)
           when 'pg_type'::regclass then
             (select t.typnamespace from pg_type as t where t.oid = d.objid)
         end as namespace
    from pg_depend as d join objects as o on o.classid = d.refclassid and o.objid = d.refobjid
   where d.deptype in ('n', 'a')
)
select distinct pg_describe_object(d.classid, d.objid, d.objsubid) from dependent as d
 where coalesce(d.namespace, 0) not in (select o.oid from ours as o)
 order by 1
"""


# Each of wikiembed's objects has a comment; procrastinate's and Alembic's are known by their names.
# Partitions, indexes and sequences go with their tables.
_FOREIGN = """
select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end
       || ' ' || n.nspname || '.' || quote_ident(c.relname)
  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
 where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p', 'f', 'v', 'm')
   and obj_description(c.oid, 'pg_class') is null
   and c.relname not like 'alembic\\_version%%'
   and not (n.nspname = 'wikiembed_queue' and c.relname like 'procrastinate\\_%%')
union all
select 'function ' || n.nspname || '.' || quote_ident(p.proname)
  from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
 where n.nspname = any (%(schemas)s) and obj_description(p.oid, 'pg_proc') is null
   and not (n.nspname = 'wikiembed_queue' and p.proname like 'procrastinate\\_%%')
 order by 1
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

    Raises: SchemaMismatch, DatabaseError.
    """
    with translate_errors(), psycopg.connect(url, **connect_options(url)) as connection:
        version = current(connection)
        require_known(version)
        if version is None:
            require_vacant(connection)
        sources: list[tuple[Any, ...]] = []
        failures = jobs = 0
        if version is not None:
            sources = connection.execute(_SOURCES).fetchall()
            failures, jobs = connection.execute(_COUNTS).fetchone() or (0, 0)
        return Removal(
            database=endpoint(settings, connection),
            installed=version is not None,
            sources={str(name): str(table) for name, table in sources},
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
            detail = "; ".join((error.diag.message_detail or "").splitlines())
            raise SchemaMismatch(
                f"The wiki's tables cannot be dropped: {detail}. Drop what depends on them first."
            ) from None
        except pg.InsufficientPrivilege as error:
            raise ConfigurationError(
                f"{sentence_of(error)[:-1]}; uninstall as the owner of wikiembed's schemas."
            ) from None


def _drop_schemas(connection: psycopg.Connection[Any]) -> None:
    connection.execute("drop event trigger if exists wikiembed_on_ddl")
    connection.execute("select wikiembed.detach(s.name) from wikiembed.sources as s")
    _require_ours(connection)
    dependent = [
        str(row[0]) for row in connection.execute(_DEPENDENT, {"schemas": SCHEMAS}).fetchall()
    ]
    if dependent:
        raise SchemaMismatch(
            f"These are not wikiembed's and depend on it: {'; '.join(dependent)}. Drop them first."
        )
    connection.execute(
        sql.SQL("drop schema if exists {} cascade").format(
            sql.SQL(", ").join(sql.Identifier(name) for name in SCHEMAS)
        )
    )


def _require_ours(connection: psycopg.Connection[Any]) -> None:
    """Refuse schemas that hold objects of users.

    Raises: SchemaMismatch.
    """
    rows = connection.execute(_FOREIGN, {"schemas": SCHEMAS}).fetchall()
    if found := "; ".join(str(row[0]) for row in rows):
        raise SchemaMismatch(
            f"These are not wikiembed's and are in its schemas: {found}. Move or drop them first."
        )
