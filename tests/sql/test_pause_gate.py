"""The pause gate: no worker fetches a paused source's jobs."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import add, coverage, fetch, jobs, read, write
from tests.support.database import Database

QUEUES = "select wikiembed_private.runnable_queues(%s::varchar[], %s)"


@pytest.fixture
def paused(docs_table: Database) -> Database:
    """Source docs with one job, paused."""
    add(docs_table, "one")
    docs_table.execute("select wikiembed.pause('docs', 'the server is hot')")
    return docs_table


@pytest.mark.parametrize("queues", [None, ["embed_docs"], ["embed_docs", "other"]])
def test_pause_blocks_every_fetch(paused: Database, queues: list[str] | None) -> None:
    """Procrastinate's own function finds nothing, and the job stays todo."""
    assert fetch(paused, queues) is None
    assert [job.status for job in jobs(paused)] == ["todo"]


def test_pause_lets_batches_in_flight_finish(docs_table: Database) -> None:
    """Only todo → doing is refused."""
    add(docs_table, "one")
    job_id = fetch(docs_table)
    docs_table.execute("select wikiembed.pause('docs')")
    docs_table.execute(
        "select wikiembed_queue.procrastinate_finish_job_v1(%s, 'succeeded', false)", [job_id]
    )
    assert [job.status for job in jobs(docs_table)] == ["succeeded"]


def test_pause_of_one_source_leaves_others(paused: Database) -> None:
    """Jobs of another queue are fetched."""
    paused.execute("create table public.more (id int primary key, body text, vec vector(4))")
    paused.execute("select wikiembed.attach('public.more', 'id', 'body', 'vec', 'more')")
    paused.execute("insert into public.more (id, body) values (1, 'x')")
    assert fetch(paused, ["embed_more"]) is not None


def test_pause_records_who_and_why(paused: Database) -> None:
    """In sources, in coverage and in the log, with the person named in the command."""
    row = coverage(paused)
    assert (row["paused"], row["pause_reason"]) == (True, "the server is hot")
    connection = paused.connect()
    connection.execute("set wikiembed.actor = 'ada'")
    connection.execute("select wikiembed.pause()")
    connection.execute("select wikiembed.resume()")
    logged = paused.rows(
        "select who, action, source, why from wikiembed.action_log"
        " where action in ('pause', 'resume') order by id"
    )
    role = paused.one("select session_user")
    assert logged == [
        (role, "pause", "docs", "the server is hot"),
        (f"ada ({role})", "pause", "docs", None),
        (f"ada ({role})", "pause", "wiki", None),
        (f"ada ({role})", "resume", "docs", None),
        (f"ada ({role})", "resume", "wiki", None),
    ]


def test_expired_pause_has_no_effect(docs_table: Database) -> None:
    """At its time the gate opens; expire_pauses then clears the row."""
    add(docs_table, "one")
    docs_table.execute("select wikiembed.pause('docs', null, clock_timestamp() + interval '1 h')")
    assert fetch(docs_table) is None
    docs_table.execute("update wikiembed.sources set resume_at = now() - interval '1 ms'")
    assert coverage(docs_table)["paused"] is False
    assert docs_table.one(QUEUES, [None, True]) is None
    assert fetch(docs_table) is not None
    assert docs_table.one("select wikiembed.expire_pauses()") == 1
    assert docs_table.one("select wikiembed.expire_pauses()") == 0
    left = docs_table.one("select count(*) from wikiembed.sources where paused_at is not null")
    assert left == 0


def test_pause_until_a_past_time_is_refused(docs_table: Database) -> None:
    """WE010: it would pause nothing."""
    with pytest.raises(psycopg.Error, match="which is past") as caught:
        docs_table.execute("select wikiembed.pause('docs', null, now() - interval '1 s')")
    assert caught.value.sqlstate == "WE010"


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_unknown_source_is_named(docs_table: Database, verb: str) -> None:
    """WE001."""
    with pytest.raises(psycopg.Error, match="no source is named") as caught:
        docs_table.execute(f"select wikiembed.{verb}('none')")
    assert caught.value.sqlstate == "WE001"


def test_resume_notifies_both_kinds_of_workers(paused: Database) -> None:
    """A paused worker sits in its 5 s poll until it is notified."""
    listener = paused.connect()
    channels = ["procrastinate_any_queue_v1", "procrastinate_queue_v1#embed_docs"]
    for channel in channels:
        listener.execute(f'listen "{channel}"'.encode())
    assert paused.one("select wikiembed.resume('docs')") == 1
    heard = [(note.channel, note.payload) for note in listener.notifies(timeout=0.2)]
    assert sorted(heard) == [(c, '{"type":"job_inserted","job_id":0}') for c in channels]
    assert fetch(paused) is not None
    assert paused.one("select wikiembed.resume('docs')") == 0


def test_runnable_queues_leave_out_the_paused(paused: Database) -> None:
    """A paused job at the head would stop a worker of all queues."""
    assert paused.one(QUEUES, [["embed_docs", "embed_wiki"], True]) == ["embed_wiki"]
    assert sorted(paused.one(QUEUES, [None, True])) == [
        "builtin",
        "default",
        "embed_wiki",
        "wikiembed_upkeep",
    ]
    assert paused.one(QUEUES, [None, False]) == ["embed_wiki"]


def test_no_runnable_queue_is_not_all_queues(paused: Database) -> None:
    """An empty list stays one: null would mean all."""
    paused.execute("select wikiembed.pause()")
    assert paused.one(QUEUES, [["embed_docs"], True]) == []
    assert paused.one(QUEUES, [None, False]) == []


def test_runnable_queues_are_all_when_nothing_is_paused(docs_table: Database) -> None:
    """Null, as procrastinate expects."""
    assert docs_table.one(QUEUES, [None, True]) is None
    assert sorted(docs_table.one(QUEUES, [None, False])) == ["embed_docs", "embed_wiki"]


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_pause_and_resume_do_not_wait_for_writers(paused: Database, verb: str) -> None:
    """A long enqueue or a running write locks the source only for key share."""
    busy = paused.connect(autocommit=False)
    busy.execute("select * from wikiembed.enqueue('docs')")
    with paused.connect() as connection:
        connection.execute("set statement_timeout = '5s'")
        assert connection.execute(f"select wikiembed.{verb}('docs')".encode()).fetchone() == (1,)


def test_write_proceeds_during_an_open_pause(docs_table: Database) -> None:
    """The operator's transaction does not requeue a batch in flight."""
    versions = read(docs_table, add(docs_table, "one"))
    operator = docs_table.connect(autocommit=False)
    operator.execute("select wikiembed.pause('docs')")
    assert write(docs_table, versions) == {"1": "written"}
