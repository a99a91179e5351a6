"""Notifications are rare, because each one serialises commits."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import add
from tests.support.database import Database

ANY = "procrastinate_any_queue_v1"
DOCS = "procrastinate_queue_v1#embed_docs"


def received(connection: psycopg.Connection) -> list[str]:
    """Return the channels of the received notifications, in order."""
    return [note.channel for note in connection.notifies(timeout=0.2)]


def listen(database: Database) -> psycopg.Connection:
    """A connection that listens on both channels of source docs."""
    connection = database.connect()
    connection.execute(f'listen "{ANY}"'.encode())
    connection.execute(f'listen "{DOCS}"'.encode())
    return connection


def test_row_notify_trigger_of_procrastinate_is_off(database: Database) -> None:
    """procrastinate's own trigger would notify twice per job."""
    state = database.one(
        "select tgenabled from pg_trigger"
        " where tgname = 'procrastinate_jobs_notify_queue_job_inserted_v1'"
    )
    assert state == "D"


def test_insert_notifies_both_kinds_of_workers(docs_table: Database) -> None:
    """Workers of the queue and workers of all queues are notified of a job."""
    listener = listen(docs_table)
    add(docs_table, *["text"] * 200)
    assert sorted(received(listener)) == sorted([ANY, DOCS])


def test_notification_has_a_payload_that_procrastinate_parses(docs_table: Database) -> None:
    """The payload is procrastinate's own, with a job number that no job has."""
    listener = listen(docs_table)
    add(docs_table, "text")
    payloads = {note.payload for note in listener.notifies(timeout=0.2)}
    assert payloads == {'{"type":"job_inserted","job_id":0}'}


SET_CLOCK = (
    "with c as materialized (select setval('wikiembed_private.clock_embed_docs',"
    " (extract(epoch from clock_timestamp()) * 1000)::bigint - %s))"
    " insert into public.docs (body) select 'text' from c"
)


def test_notifications_are_sent_at_most_once_per_20_ms(docs_table: Database) -> None:
    """Right after a notification none is sent; a later one is sent and sets the clock."""
    listener = listen(docs_table)
    docs_table.execute(SET_CLOCK, [-10])
    assert received(listener) == []
    docs_table.execute(SET_CLOCK, [21])
    assert len(received(listener)) == 2
    age_ms = docs_table.one(
        "select extract(epoch from clock_timestamp()) * 1000 - last_value"
        " from wikiembed_private.clock_embed_docs"
    )
    assert age_ms < 5000


def test_notifications_of_updates_come_at_most_once_per_20_ms(docs_table: Database) -> None:
    """An update leaves it to the trigger on the jobs, which goes by the same clock."""
    add(docs_table, "text")
    update = SET_CLOCK.partition(" insert")[0] + " update public.docs set body = body || '.' from c"
    listener = listen(docs_table)
    docs_table.execute(update, [-1000])
    docs_table.execute(update, [-10])
    assert len(received(listener)) == 2
    docs_table.execute(update, [21])
    assert len(received(listener)) == 2


def test_clock_that_was_set_back_does_not_stop_notifications(docs_table: Database) -> None:
    """A last notification in the future counts as none."""
    listener = listen(docs_table)
    docs_table.execute(SET_CLOCK, [-3_600_000])
    assert len(received(listener)) == 2


def test_queues_have_separate_clocks(docs_table: Database) -> None:
    """A busy source does not suppress notifications of another one."""
    docs_table.execute("create table public.more (id int primary key, body text, vec vector(4))")
    docs_table.execute("select wikiembed.attach('public.more', 'id', 'body', 'vec', 'more')")
    listener = listen(docs_table)
    listener.execute(b'listen "procrastinate_queue_v1#embed_more"')
    docs_table.execute(
        "with a as (insert into public.docs (body) values ('x'))"
        " insert into public.more (id, body) values (1, 'x')"
    )
    assert {DOCS, "procrastinate_queue_v1#embed_more"} <= set(received(listener))


def test_scheduled_jobs_send_no_notification(docs_table: Database) -> None:
    """The poll finds a job that is scheduled for later."""
    listener = listen(docs_table)
    docs_table.execute("select wikiembed_private.requeue('docs', array['1'], 3)")
    assert received(listener) == []


def test_prepared_transactions_cannot_notify(docs_table: Database) -> None:
    """Postgres refuses to prepare a transaction that notified: a documented limit."""
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="PREPARE"):
        docs_table.execute(
            "begin; insert into public.docs (body) values ('x'); prepare transaction 'one'"
        )
