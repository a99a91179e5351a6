"""A streaming replica answers views, readiness and search, and refuses every write."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.chunks import VECTOR, add, embed, make_source
from tests.support.database import Database, create_database, make_template
from tests.support.eventually import eventually
from tests.support.private_postgres import PrivateServer
from wikiembed.db.embedded import EmbeddedPostgres

READS = [
    "select source, total, embedded, missing, ready, paused from wikiembed.coverage",
    "select source, todo, doing, scheduled_later from wikiembed.queue",
    "select count(*) from wikiembed.workers",
    "select count(*) from wikiembed.throughput",
    "select count(*) from wikiembed.failures",
    "select wikiembed.is_ready('docs')",
    f"select key, content from wikiembed.search('docs', '{VECTOR}'::vector, p_limit => 2)",
]
WRITES = [
    "listen wikiembed",
    "select * from wikiembed.enqueue('docs')",
    "select wikiembed.pause('docs', 'why')",
    "select * from wikiembed.read_chunks('docs', array['1'])",
    "select * from wikiembed.reconcile()",
]


class Replica:
    """A standby of `primary`, made by pg_basebackup and fed by streaming."""

    def __init__(self, primary: PrivateServer) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="we-replica-"))
        source = primary._postgres
        self._postgres = EmbeddedPostgres(
            data_dir=self._folder, version=source.version, settings={}
        )
        owner = source.cluster.stat()
        self._folder.chmod(0o755)
        cluster = self._postgres.cluster
        cluster.mkdir(mode=0o700)
        shutil.chown(cluster, owner.st_uid, owner.st_gid)
        done = source._run(
            *("pg_basebackup", "-R", "-X", "stream", "-c", "fast", "-D", str(cluster)),
            *("-d", source.url("postgres")),
        )
        assert done.returncode == 0, done.stdout
        for lock in cluster.glob(".s.PGSQL.*"):
            lock.unlink()  # the primary's: its socket is in its cluster
        self._handle = self._postgres.acquire()

    def connect(self, database: Database) -> psycopg.Connection:
        """A connection to its copy of `database`, once it has replayed the primary's state."""
        position = database.one("select pg_current_wal_lsn()")
        connection = psycopg.connect(self._postgres.url(database.name), autocommit=True)
        query = "select pg_last_wal_replay_lsn() >= %s::pg_lsn"
        eventually(
            lambda: connection.execute(query, [position]).fetchone() == (True,),
            message="the replica does not follow",
        )
        return connection

    def end(self) -> None:
        """Stop it for good."""
        self._postgres.release(self._handle)
        shutil.rmtree(self._folder, ignore_errors=True)


@pytest.fixture
def primary() -> Iterator[PrivateServer]:
    """A Postgres for this test."""
    with PrivateServer() as server:
        yield server


def test_replica_answers_and_refuses_writes(primary: PrivateServer) -> None:
    """The primary's answers, once replayed; each call that writes is refused."""
    database = create_database(primary.server, make_template(primary.server))
    make_source(database)
    database.execute("create index on public.docs using hnsw (vec vector_cosine_ops)")
    embed(database, add(database, *["text"] * 3))
    replica = Replica(primary)
    try:
        for ready in (True, False):
            with replica.connect(database) as connection:
                for query in READS:
                    assert connection.execute(query.encode()).fetchall() == database.rows(query)
                asked = connection.execute("select wikiembed.is_ready('docs')").fetchone()
                assert asked == (ready,)
                for statement in WRITES:
                    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                        connection.execute(statement.encode())
            add(database, "one more")
    finally:
        replica.end()
        database.close()
