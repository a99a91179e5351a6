"""The catalog of Citus without Citus, and a cluster with it."""

from __future__ import annotations

import os

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.database import Database

NODES = "WIKIEMBED_TEST_CITUS_NODES"
"""The ports of the nodes of ``scripts/real/citus.sh``, next to the coordinator."""
KINDS = {
    "distributed": ("h", "s", 1),
    "reference": ("n", "t", 2),
    "single shard": ("n", "s", 3),
    "local": ("n", "s", 0),
}
"""By what ``wikiembed_private.citus_kind`` returns: partmethod, repmodel and colocationid."""
_CATALOG = """
create table if not exists public.pg_dist_partition (
  logicalrelid oid not null, partmethod "char" not null, partkey text,
  colocationid integer not null default 0, repmodel "char" not null,
  autoconverted boolean not null default false
);
alter table public.pg_dist_partition set schema pg_catalog
"""


def pretend(database: Database, table: str, kind: str) -> None:
    """Put `table` into a catalog of the same columns and codes as that of Citus 13.2.2."""
    if database.one("select to_regclass('pg_catalog.pg_dist_partition') is null"):
        database.execute(_CATALOG)
    method, model, colocation = KINDS[kind]
    database.execute(
        "insert into pg_catalog.pg_dist_partition (logicalrelid, partmethod, colocationid,"
        " repmodel) values (%s::text::regclass, %s, %s, %s)",
        [table, method, colocation, model],
    )


def take_over(database: Database) -> None:
    """What a foreign key to a reference table does to ``public.docs``: it becomes a shard."""
    database.execute("create table public.shell (like public.docs including all)")
    database.execute("alter table public.docs rename to docs_102008")
    database.execute("alter table public.shell rename to docs")
    pretend(database, "public.docs", "local")


class Cluster:
    """Database `database` of the coordinator, and one of its name on each node."""

    def __init__(self, database: Database) -> None:
        ports = os.environ.get(NODES, "").split()
        if not ports:
            pytest.skip(f"no cluster: scripts/real.sh citus starts one and sets {NODES}")
        self._database = database
        self._nodes = [make_conninfo(database.url, port=port) for port in ports]
        for node in self._nodes:
            self._on_maintenance(node, "create database {}")
            with psycopg.connect(node, autocommit=True) as connection:
                connection.execute("create extension vector")
                connection.execute("create extension citus")
        database.execute("create extension citus")
        here = conninfo_to_dict(database.url)
        database.execute(
            "select citus_set_coordinator_host(%s, %s)", [here["host"], int(str(here["port"]))]
        )
        for port in ports:
            database.execute("select citus_add_node(%s, %s)", [here["host"], int(port)])

    def end(self) -> None:
        """Drop the databases of the nodes."""
        self._database.disconnect()
        for node in self._nodes:
            self._on_maintenance(node, "drop database if exists {} with (force)")

    def _on_maintenance(self, node: str, statement: str) -> None:
        with psycopg.connect(node, dbname="postgres", autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(self._database.name)))
