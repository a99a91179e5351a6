"""Objects of users that an uninstall would drop with wikiembed's schemas: it refuses instead."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from wikiembed.errors import SchemaMismatch

RELATIONS = {
    "wikiembed": (
        *("action_log", "alembic_version", "document_failures", "document_sources", "failures"),
        *(
            "ledger",
            "model_checks",
            "outages",
            "prices",
            "recall_checks",
            "schema_digest",
            "sources",
            "truncated_chunks",
        ),
        *("search_names", "search_statements", "truncation_checks", "worker_processes"),
        *("coverage", "documents", "failure_history", "queue", "replaced_tables", "throughput"),
        *(
            "budgets",
            "lag",
            "lag_histogram",
            "limits",
            "schedules",
            "truncation",
            "usage",
            "workers",
        ),
    ),
    "wikiembed_private": (
        *("batch_ledger", "budget_reservations", "budgets", "clock", "ended_failures", "gains"),
        *("lag_hours", "limit_slots", "limits", "queue_ledger", "schedules", "throughput_history"),
        *("usage_days", "written_functions"),
    ),
    "wikiembed_queue": (
        *("procrastinate_events", "procrastinate_jobs", "procrastinate_periodic_defers"),
        "procrastinate_workers",
    ),
}
"""wikiembed's tables, views and sequences, by schema; a detach drops those of its source."""

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
select distinct
       case when r.oid is null then pg_describe_object(d.classid, d.objid, d.objsubid)
            else pg_describe_object('pg_class'::regclass, r.ev_class, 0) end
  from dependent as d
  left join pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
 where coalesce(d.namespace, 0) not in (select o.oid from ours as o)
 order by 1
"""

# Whatever else is in the schemas would be lost with them. Indexes, row types and sequences of
# columns go with their tables, members of an extension with the extension. A detach leaves the
# deltas of a source, which inherit from the ledger, if another transaction reads them.
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
   and not exists (
     select from pg_inherits as i
      where i.inhrelid = c.oid and i.inhparent = to_regclass('wikiembed.ledger'))
 order by 1
"""
_HAS_WRITTEN = "select to_regclass('wikiembed_private.written_functions') is not null"
_WRITTEN = "wikiembed_private.is_written(p.oid)"
# Of a version without the table: each of wikiembed's functions has a comment.
_COMMENTED = "obj_description(p.oid, 'pg_proc') is not null"


def require_no_foreign(connection: psycopg.Connection[Any]) -> None:
    """Refuse schemas that hold objects of users.

    Raises: SchemaMismatch.
    """
    has_record = connection.execute(_HAS_WRITTEN).fetchone() == (True,)
    names = [f"{schema}.{name}" for schema, names in RELATIONS.items() for name in names]
    rows = connection.execute(
        sql.SQL(_FOREIGN).format(written=sql.SQL(_WRITTEN if has_record else _COMMENTED)),
        {"schemas": list(RELATIONS), "relations": names},
    ).fetchall()
    if found := "; ".join(str(row[0]) for row in rows):
        raise SchemaMismatch(
            f"These are not wikiembed's and are in its schemas: {found}. Move or drop them first."
        )


def require_no_dependents(connection: psycopg.Connection[Any]) -> None:
    """Refuse while objects of users elsewhere depend on wikiembed's.

    Raises: SchemaMismatch.
    """
    rows = connection.execute(_DEPENDENT, {"schemas": list(RELATIONS)}).fetchall()
    if found := "; ".join(str(row[0]) for row in rows):
        raise SchemaMismatch(
            f"These are not wikiembed's and depend on it: {found}. Drop them first."
        )
