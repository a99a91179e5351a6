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
from wikiembed.db.connect import SCHEMA_CHANGE, connect_options, details_of, translate_errors
from wikiembed.db.endpoint import Endpoint, endpoint
from wikiembed.db.migrate import alone
from wikiembed.db.owner import advice, refused
from wikiembed.db.version import current, require_known, require_vacant
from wikiembed.errors import SchemaMismatch

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
_DOCUMENTS = """
select quote_ident(n.nspname) || '.' || quote_ident(c.relname)
  from wikiembed.document_sources as d
  join pg_class as c on c.oid = d.relation
  join pg_namespace as n on n.oid = c.relnamespace
"""
_HAS_DOCUMENTS = "select to_regclass('wikiembed.document_sources') is not null"
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
     and not (d.classid = 'pg_event_trigger'::regclass and d.objid in (
       select e.oid from pg_event_trigger as e where e.evtname = 'wikiembed_on_ddl'))
)
select distinct pg_describe_object(d.classid, d.objid, d.objsubid) from dependent as d
 where coalesce(d.namespace, 0) not in (select o.oid from ours as o)
 order by 1
"""


RELATIONS = {
    "wikiembed": (
        *("action_log", "alembic_version", "document_failures", "document_sources", "failures"),
        *("ledger", "outages", "schema_digest", "sources", "truncated_chunks"),
        *("truncation_checks", "worker_processes"),
        *("coverage", "documents", "failure_history", "queue", "replaced_tables", "throughput"),
        *("truncation", "workers"),
    ),
    "wikiembed_private": ("clock", "ended_failures", "written_functions"),
    "wikiembed_queue": (
        *("procrastinate_events", "procrastinate_jobs", "procrastinate_periodic_defers"),
        "procrastinate_workers",
    ),
}
"""wikiembed's tables, views and sequences, by schema; a detach drops those of its source."""

# Whatever else is in the schemas would be lost with them. Indexes, row types and sequences of
# columns go with their tables, members of an extension with the extension.
_FOREIGN = """
select pg_describe_object(d.classid, d.objid, 0)
  from pg_depend as d join pg_namespace as n on n.oid = d.refobjid
  left join pg_class as c on d.classid = 'pg_class'::regclass and c.oid = d.objid
  left join pg_proc as p on d.classid = 'pg_proc'::regclass and p.oid = d.objid
  left join pg_type as t on d.classid = 'pg_type'::regclass and t.oid = d.objid
 where d.refclassid = 'pg_namespace'::regclass and n.nspname = any (%(schemas)s)
   and d.classid::regclass::text not in ('pg_default_acl', 'pg_publication_namespace')
   and n.nspname || '.' || coalesce(c.relname, '') <> all (%(relations)s)
   and not (p.oid is not null and n.nspname <> 'wikiembed_queue' and {written})
   and not (n.nspname = 'wikiembed_queue'
            and coalesce(p.proname, t.typname, '') like 'procrastinate\\_%%')
   and not exists (
     select from pg_depend as o
      where o.classid = d.classid and o.objid = d.objid
        and (o.deptype = 'e' or c.relkind = 'S' and o.deptype in ('a', 'i')))
 order by 1
"""
_HAS_WRITTEN = "select to_regclass('wikiembed_private.written_functions') is not null"
_WRITTEN = "wikiembed_private.is_written(p.oid)"
# Of a version without the table: each of wikiembed's functions has a comment.
_COMMENTED = "obj_description(p.oid, 'pg_proc') is not null"
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
    with translate_errors(), psycopg.connect(url, **connect_options(url)) as connection:
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
    has_record = connection.execute(_HAS_WRITTEN).fetchone() == (True,)
    names = [f"{schema}.{name}" for schema, names in RELATIONS.items() for name in names]
    rows = connection.execute(
        sql.SQL(_FOREIGN).format(written=sql.SQL(_WRITTEN if has_record else _COMMENTED)),
        {"schemas": SCHEMAS, "relations": names},
    ).fetchall()
    if found := "; ".join(str(row[0]) for row in rows):
        raise SchemaMismatch(
            f"These are not wikiembed's and are in its schemas: {found}. Move or drop them first."
        )
