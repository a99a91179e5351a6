"""Users change, lock and delete rows during embedding: nothing is stale, nothing lost."""

from __future__ import annotations

import asyncio

from tests.support.chunks import add_chunks, counts, failures
from tests.support.database import Database
from tests.support.standin import BadText, StandIn
from tests.support.workers import drain, prove, settings_of, working


async def test_compare_and_set_of_a_text_changed_while_embedded_stores_its_new_vector(
    docs_table: Database, standin: StandIn
) -> None:
    """Ten of 64 texts change during the request: none is ever stale, all get embedded."""
    prove(docs_table)
    standin.controls.latency_s = 0.6
    add_chunks(docs_table, 64)
    async with working(settings_of(docs_table, standin.url), drain=True) as worker:
        await worker.wait_for(lambda: standin.stats.concurrent == 1)
        docs_table.execute("update public.docs set body = body || ' changed' where id <= 10")
        await worker.wait_for(lambda: counts(docs_table).embedded >= 54)
        docs_table.check_invariants()
        await asyncio.wait_for(worker.run, 30)
    assert counts(docs_table) == (64, 0, 0, 0)
    docs_table.check_invariants()


async def test_bad_chunk_corrected_while_it_is_classified_does_not_fail(
    docs_table: Database, standin: StandIn
) -> None:
    """The failure belongs to the old text: it is not recorded, and the new text is embedded."""
    prove(docs_table)
    standin.controls.latency_s = 0.4
    standin.controls.bad_texts = [BadText(contains="poison")]
    docs_table.execute("insert into public.docs (body) values ('poison')")
    async with working(settings_of(docs_table, standin.url), drain=True) as worker:
        await worker.wait_for(lambda: standin.stats.statuses[500] >= 1)
        docs_table.execute("update public.docs set body = 'cured'")
        await asyncio.wait_for(worker.run, 30)
    assert (counts(docs_table), failures(docs_table)) == ((1, 0, 0, 0), [])
    docs_table.check_invariants()


async def test_compare_and_set_skips_a_locked_row_until_the_commit(
    docs_table: Database, standin: StandIn
) -> None:
    """The worker does not wait: the others are written at once, the held row later."""
    prove(docs_table)
    add_chunks(docs_table, 64)
    holder = docs_table.connect(autocommit=False)
    holder.execute("update public.docs set body = 'held' where id = 7")
    async with working(settings_of(docs_table, standin.url), drain=True) as worker:
        await worker.wait_for(lambda: counts(docs_table).embedded == 63)
        assert standin.stats.texts == 63
        docs_table.check_invariants()
        holder.commit()
        await asyncio.wait_for(worker.run, 30)
    assert counts(docs_table) == (64, 0, 0, 0)
    assert docs_table.one("select body from public.docs where id = 7") == "held"
    docs_table.check_invariants()


async def test_compare_and_set_requeues_a_row_locked_during_the_request(
    docs_table: Database, standin: StandIn
) -> None:
    """Unlocked at the read, locked at the write: outcome locked, embedded later."""
    prove(docs_table)
    standin.controls.latency_s = 0.6
    add_chunks(docs_table, 8)
    holder = docs_table.connect(autocommit=False)
    async with working(settings_of(docs_table, standin.url), drain=True) as worker:
        await worker.wait_for(lambda: standin.stats.concurrent == 1)
        holder.execute("select from public.docs where id = 7 for update")
        await worker.wait_for(lambda: counts(docs_table).embedded == 7)
        holder.commit()
        await asyncio.wait_for(worker.run, 30)
    assert counts(docs_table) == (8, 0, 0, 0)
    docs_table.check_invariants()


async def test_rows_deleted_while_embedded_are_ignored(
    docs_table: Database, standin: StandIn
) -> None:
    """Their vectors are discarded and the counts stay exact."""
    prove(docs_table)
    standin.controls.latency_s = 0.5
    add_chunks(docs_table, 10)
    async with working(settings_of(docs_table, standin.url), drain=True) as worker:
        await worker.wait_for(lambda: standin.stats.concurrent == 1)
        docs_table.execute("delete from public.docs where id > 5")
        await asyncio.wait_for(worker.run, 30)
    assert counts(docs_table) == (5, 0, 0, 0)
    docs_table.check_invariants()


async def test_source_detached_while_embedded_causes_no_failed_job(
    docs_table: Database, standin: StandIn
) -> None:
    """No failed job, no error: the source no longer exists."""
    standin.controls.latency_s = 0.5
    add_chunks(docs_table, 128)
    async with working(settings_of(docs_table, standin.url), drain=True) as worker:
        await worker.wait_for(lambda: standin.stats.concurrent == 2)
        await asyncio.to_thread(docs_table.execute, "select wikiembed.detach('docs')")
        await asyncio.wait_for(worker.run, 30)
    assert docs_table.one("select count(*) from wikiembed_queue.procrastinate_jobs"
                          " where task_name = 'wikiembed.embed'") == 0  # fmt: skip
    docs_table.check_invariants()


async def test_at_least_once_job_run_twice_does_nothing(
    docs_table: Database, standin: StandIn
) -> None:
    """The same keys queued three times: each text is sent once or raced, all are correct."""
    prove(docs_table)
    add_chunks(docs_table, 50)
    for _ in range(2):
        docs_table.execute(
            "select wikiembed_private.requeue('docs', array(select id::text from public.docs),"
            " 0, 0)"
        )
    await drain(settings_of(docs_table, standin.url), concurrency=1)
    assert (standin.stats.distinct, standin.stats.repeated) == (50, 0)
    assert counts(docs_table) == (50, 0, 0, 0)
    docs_table.check_invariants()


async def test_deadlock_in_a_write_retries_the_job(docs_table: Database, standin: StandIn) -> None:
    """Whatever the number of retries, a deadlock causes no failure."""
    docs_table.execute("""
        create sequence public.tries;
        create function public.deadlock() returns trigger language plpgsql as $$
        begin
          if new.vec is not null and nextval('public.tries') <= 1 then
            raise exception 'deadlock detected' using errcode = '40P01';
          end if;
          return new;
        end $$;
        create trigger deadlock before update on public.docs
          for each row execute function public.deadlock();
    """)
    add_chunks(docs_table, 8)
    docs_table.execute("update wikiembed_queue.procrastinate_jobs set attempts = 9")
    await drain(settings_of(docs_table, standin.url))
    assert (counts(docs_table), failures(docs_table)) == ((8, 0, 0, 0), [])
    docs_table.check_invariants()


async def test_worker_fetches_and_finishes_in_read_committed(
    docs_table: Database, standin: StandIn
) -> None:
    """Also where the database's default is serializable, in which two fetches at once fail."""
    docs_table.execute(f"""
        alter database {docs_table.name} set default_transaction_isolation = 'serializable';
        create table public.levels (level text);
        create function public.note_level() returns trigger language plpgsql security definer as $$
        begin
          insert into public.levels values (current_setting('transaction_isolation'));
          return null;
        end $$;
        create trigger note_level after update or delete on wikiembed_queue.procrastinate_jobs
          for each row execute function public.note_level();
    """)
    add_chunks(docs_table, 8)
    await drain(settings_of(docs_table, standin.url))
    assert counts(docs_table) == (8, 0, 0, 0)
    levels = docs_table.rows("select distinct level from public.levels")
    assert levels == [("read committed",)]
