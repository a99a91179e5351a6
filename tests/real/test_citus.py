"""A cluster of Citus: what works, what attach refuses, and what docs/design/citus.md says."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.chunks import add, attach_sql, counts, make_source
from tests.support.citus import Cluster
from tests.support.cli import Call
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.workers import drain, settings_of

SERIAL = "create table public.docs (id bigserial primary key, kind int, body text, vec vector(4))"
KINDS = "create table public.kinds (id int primary key)"
FOREIGN_KEY = "alter table public.docs add constraint f foreign key (kind) references public.kinds"
MANY = "insert into public.d (id, body) select g, 'text ' || g from generate_series(1, 200) as g"
HELD = "select id from public.d where {} for no key update skip locked"
ALARM = {"WIKIEMBED_CHECK_TRUNCATION": "false"}


@pytest.fixture
def cluster(database: Database) -> Iterator[Database]:
    """The coordinator's database, with two nodes and no shard."""
    cluster = Cluster(database)
    try:
        yield database
    finally:
        cluster.end()


@pytest.fixture
def shards(cluster: Database) -> Database:
    """``public.d`` and the outbox ``public.o``, in eight shards each, colocated."""
    cluster.execute("set citus.shard_count = 8")
    cluster.execute("create table public.d (id bigint primary key, body text, vec vector(4))")
    cluster.execute("create table public.o (id bigint primary key)")
    cluster.execute("select create_distributed_table('public.d', 'id')")
    cluster.execute(
        "select create_distributed_table('public.o', 'id', colocate_with => 'public.d')"
    )
    cluster.execute("set citus.enable_unsafe_triggers = on")
    return cluster


def trigger(database: Database, declared: str, body: str, how: str) -> None:
    """Create function ``public.follow`` and the trigger of the same name on ``public.d``."""
    database.execute("drop trigger if exists follow on public.d")
    database.execute(
        "create or replace function public.follow() returns trigger language plpgsql as"
        f" $body$ {declared} begin {body} return null; end $body$"
    )
    database.execute(
        f"create trigger follow after insert on public.d {how} execute function public.follow()"
    )


def refused(database: Database, statement: str, why: str) -> None:
    """Assert that Citus refuses `statement`."""
    with pytest.raises(psycopg.Error, match=why):
        database.execute(statement)


async def test_a_plain_table_beside_citus_works(cluster: Database, standin: StandIn) -> None:
    """Attached, embedded, edited and deleted as without Citus."""
    make_source(cluster)
    add(cluster, *(f"text {number}" for number in range(20)))
    settings = settings_of(cluster, standin.url)
    await drain(settings)
    assert counts(cluster)[:2] == (20, 0)
    cluster.execute("update public.docs set body = 'changed' where id = 3")
    cluster.execute("delete from public.docs where id = 4")
    await drain(settings)
    assert counts(cluster)[:2] == (19, 0)
    cluster.check_invariants()


@pytest.mark.parametrize("call_of_citus", [
    "create_distributed_table('public.docs', 'id')", "create_reference_table('public.docs')",
    "citus_add_local_table_to_metadata('public.docs')",
])  # fmt: skip
def test_attach_refuses_and_its_advice_works(cluster: Database, call_of_citus: str) -> None:
    """Undistributed as the hint says, the table is attached."""
    cluster.execute(SERIAL)
    cluster.execute(f"select {call_of_citus}")
    with pytest.raises(psycopg.Error, match="cannot be attached: Citus") as caught:
        cluster.execute(attach_sql())
    hint = str(caught.value.diag.message_hint)
    assert hint.startswith("Run `select undistribute_table('public.docs')`"), hint
    cluster.execute(hint.split("`")[1])
    cluster.execute(attach_sql())
    add(cluster, "one")
    assert counts(cluster)[:2] == (0, 1)


def test_a_table_of_a_distributed_schema_is_refused(cluster: Database) -> None:
    """It cannot be undistributed by itself."""
    cluster.execute("create schema tenant")
    cluster.execute("create table tenant.docs (id bigint primary key, body text, vec vector(4))")
    cluster.execute("select citus_schema_distribute('tenant')")
    with pytest.raises(psycopg.Error, match="Citus distributes it") as caught:
        cluster.execute("select wikiembed.attach('tenant.docs', 'id', 'body', 'vec', 'docs')")
    assert "Move it to a schema" in str(caught.value.diag.message_hint)
    refused(cluster, "select undistribute_table('tenant.docs')", "distributed schema")


def test_citus_refuses_to_distribute_an_attached_table(cluster: Database) -> None:
    """Unless the session allows triggers; then the rows that are there are refused by the nodes."""
    cluster.execute(SERIAL)
    cluster.execute(attach_sql())
    add(cluster, "one")
    for statement in ("create_distributed_table('public.docs', 'id')",
                      "create_reference_table('public.docs')"):  # fmt: skip
        refused(cluster, f"select {statement}", "because it has triggers")
    cluster.execute("set citus.enable_unsafe_triggers = on")
    refused(cluster, "select create_distributed_table('public.docs', 'id')", "does not exist")


def test_doctor_finds_what_a_foreign_key_did_and_its_row_helps(
    cluster: Database, call: Call, standin: StandIn
) -> None:
    """The row of the policy: drop the key, which makes the table plain again, and move it."""
    env = {"WIKIEMBED_DATABASE_URL": cluster.url, "WIKIEMBED_EMBEDDER": "tei",
           "WIKIEMBED_EMBEDDER_URL": standin.url, **ALARM}  # fmt: skip
    cluster.execute(KINDS)
    cluster.execute("select create_reference_table('public.kinds')")
    cluster.execute(SERIAL)
    cluster.execute(attach_sql())
    add(cluster, "one", "two")
    cluster.execute(FOREIGN_KEY)
    refused(cluster, "select wikiembed.read_chunks('docs', '{1}')", "is a shard")
    cluster.execute("select * from wikiembed.reconcile()")

    def alarms() -> set[str]:
        found = json.loads(call("doctor", "--json", env=env).stdout)
        return {
            one["name"] for one in found if "docs" in one["sentence"] and one["level"] == "fault"
        }

    assert alarms() == {"citus"}
    cluster.execute("alter table public.docs drop constraint f")
    moved = call("attach", "public.docs", "--name", "docs", "--move", env=env)
    assert moved.returncode == 0, moved.stderr
    assert alarms() == set()
    add(cluster, "three")
    assert counts(cluster)[:2] == (0, 3)
    cluster.execute("select * from wikiembed.reconcile()")
    cluster.check_invariants()


def test_row_triggers_fill_a_colocated_outbox(shards: Database) -> None:
    """In the writer's transaction, on the nodes."""
    trigger(shards, "", "insert into public.o values (new.id);", "for each row")
    shards.execute(MANY)
    shards.execute("begin; insert into public.d (id) values (201), (202); rollback")
    assert shards.one("select count(*) from public.o") == 200


def test_transition_tables_reach_an_outbox_only_by_an_array(shards: Database) -> None:
    """Citus executes the join in a plan of its own, where the transition table is unknown."""
    each = "referencing new table as n for each statement"
    trigger(shards, "", "insert into public.o select n.id from n;", each)
    refused(shards, MANY, "could not find named tuplestore")
    trigger(shards, "declare k bigint[];", "select array_agg(n.id) into k from n;"
            " insert into public.o select unnest(k);", each)  # fmt: skip
    shards.execute(MANY)
    assert shards.one("select count(*) from public.o") == 200


def test_triggers_of_shards_may_not_notify(shards: Database) -> None:
    """A statement of several shards is prepared, which Postgres refuses after a notification."""
    trigger(shards, "", "perform pg_notify('we', '');", "for each row")
    shards.execute("insert into public.d (id) values (0)")
    refused(
        shards, MANY, "cannot PREPARE a transaction that has executed LISTEN, UNLISTEN, or NOTIFY"
    )


def test_locked_rows_are_skipped_only_within_one_shard(shards: Database) -> None:
    """By one value of the distribution column, not by a list; a plain compare and set takes any."""
    shards.execute(MANY)
    refused(shards, HELD.format("id = any ('{1,2}')"), "FOR UPDATE/SHARE")
    assert shards.rows(HELD.format("id = 1")) == [(1,)]
    shards.execute("create table public.t (tenant int, id bigint, primary key (tenant, id))")
    shards.execute("select create_distributed_table('public.t', 'tenant', colocate_with => 'none')")
    shards.execute("insert into public.t select g % 3, g from generate_series(1, 30) as g")
    assert shards.rows(
        "select id from public.t where tenant = 1 and id = any ('{1,4,7}') order by id"
        " for no key update skip locked"
    ) == [(1,), (4,), (7,)]
    written = shards.rows(
        "update public.d as t set vec = g.vec"
        " from unnest('{1,2,3}'::bigint[], array['[1,0,0,0]','[1,0,0,0]','[1,0,0,0]']::vector[])"
        " as g (id, vec) where t.id = g.id and t.vec is null"
        " and hashtextextended(t.body, 1) is not null returning t.id"
    )
    assert sorted(written) == [(1,), (2,), (3,)]


def test_vectors_and_a_local_row_commit_together_and_wake_listeners(shards: Database) -> None:
    """The coordinator's ledger and notifications can be in the transaction of a batch."""
    shards.execute(MANY)
    listener = shards.connect()
    listener.execute("listen we")
    with shards.connect(autocommit=False) as writer:
        writer.execute("update public.d set vec = '[1,0,0,0]' where id in (1, 2, 3, 4, 5, 6)")
        writer.execute(
            "insert into wikiembed_private.queue_ledger (jobs, queue_name) values (0, 'q')"
        )
        writer.execute("select pg_notify('we', 'written')")
    assert [one.payload for one in listener.notifies(timeout=10, stop_after=1)] == ["written"]
    assert shards.one("select count(vec) from public.d") == 6


def test_keys_contain_the_distribution_column(shards: Database) -> None:
    """So a chunk table is distributed by its document, whose key may not change."""
    shards.execute("create table public.docx (k bigint primary key)")
    shards.execute("select create_distributed_table('public.docx', 'k')")
    shards.execute(
        "create table public.cx (id bigint generated always as identity, k bigint, position int,"
        " primary key (k, id), unique (k, position) deferrable initially deferred)"
    )
    shards.execute(
        "select create_distributed_table('public.cx', 'k', colocate_with => 'public.docx')"
    )
    refused(shards, "alter table public.cx add unique (id)", "cannot create constraint")
    key = "alter table public.cx add constraint f foreign key (k) references public.docx (k)"
    refused(shards, f"{key} on update cascade on delete cascade", "cannot create foreign key")
    shards.execute(f"{key} on delete cascade")
    shards.execute("insert into public.docx values (1)")
    refused(shards, "update public.docx set k = 2 where k = 1", "modifying the partition value")


def test_search_takes_the_nearest_of_each_shard(shards: Database) -> None:
    """Each shard has its own HNSW index and limit; the coordinator merges."""
    shards.execute(
        "insert into public.d (id, body, vec) select g, 'text', array[g, 1, 0, 0]::vector"
        " from generate_series(1, 2000) as g"
    )
    shards.execute("create index on public.d using hnsw (vec vector_l2_ops)")
    question = "select id from public.d order by vec <-> '[5,1,0,0]' limit 1"
    with shards.connect(autocommit=False) as connection:
        # So few rows may be scanned faster than the index.
        connection.execute("set local citus.propagate_set_commands = 'local'")
        connection.execute("set local enable_seqscan = off")
        connection.execute("select count(*) from public.d")
        plan = "\n".join(
            line for (line,) in connection.execute(f"explain (costs off) {question}".encode())
        )
        found = connection.execute(question.encode()).fetchall()
    assert "Task Count: 8" in plan
    assert "Index Scan using d_vec_idx_" in plan
    assert found == [(5,)]
