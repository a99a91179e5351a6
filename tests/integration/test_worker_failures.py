"""Bad chunks and refused rows: exactly those fail, once; all others are embedded."""

from __future__ import annotations

from tests.support.chunks import add_chunks, counts, failures, jobs_by_status
from tests.support.database import Database
from tests.support.standin import BadText, StandIn
from tests.support.workers import drain, prove, settings_of

POISON = "the secret plan of the emperor"


async def test_bad_chunks_five_of_1000_fail_and_the_rest_is_embedded(
    docs_table: Database, standin: StandIn
) -> None:
    """Each has one failure with class, status, message and attempts, without its text."""
    prove(docs_table)
    bad = [1, 128, 500, 501, 1000]
    docs_table.execute(
        "insert into public.docs (body) select 'body ' || i || case when i = any (%s) then %s"
        " else '' end from generate_series(1, 1000) as i",
        [bad, f" {POISON}"],
    )
    standin.controls.bad_texts = [BadText(contains=POISON, status=500)]
    await drain(settings_of(docs_table, standin.url))
    assert counts(docs_table) == (995, 5, 5, 0)
    assert docs_table.rows(
        "select key, state, error_class, http_status, attempts, message from wikiembed.failures"
        " order by key::int"
    ) == [
        (str(key), "failed", "rejected", 500, 3,
         f"The embedding server rejected the batch (500) at {standin.url}/v1/embeddings:"
         " cannot embed")
        for key in bad
    ]  # fmt: skip
    assert standin.stats.requests < 200
    assert docs_table.one("select wikiembed.is_ready('docs')") is False
    assert jobs_by_status(docs_table) == {}
    docs_table.check_invariants()


async def test_failed_chunk_is_embedded_after_a_retry(
    docs_table: Database, standin: StandIn
) -> None:
    """Once the server accepts it, `retry` queues the chunk again and its failure is removed."""
    prove(docs_table)
    add_chunks(docs_table, 3)
    standin.controls.bad_texts = [BadText(contains="body 1")]
    await drain(settings_of(docs_table, standin.url))
    assert failures(docs_table) == [("body 1", "failed", "rejected", 500)]
    standin.controls.bad_texts = []
    docs_table.execute("select wikiembed.retry_failures('docs')")
    await drain(settings_of(docs_table, standin.url))
    assert (counts(docs_table), failures(docs_table)) == ((3, 0, 0, 0), [])
    docs_table.check_invariants()


async def test_text_beyond_the_context_is_text_too_long(
    docs_table: Database, standin: StandIn
) -> None:
    """The class implies the remedy: split the text; the others are embedded."""
    standin.controls.max_chars = 50
    add_chunks(docs_table, 20)
    docs_table.execute("update public.docs set body = repeat('x', 51) where id = 7")
    await drain(settings_of(docs_table, standin.url))
    assert failures(docs_table) == [("x" * 51, "failed", "text_too_long", 400)]
    assert (counts(docs_table), standin.stats.probes) == ((19, 1, 1, 0), 1)
    docs_table.check_invariants()


async def test_row_of_nan_fails_alone(docs_table: Database, standin: StandIn) -> None:
    """A non-finite vector is never stored, and its neighbours are."""
    prove(docs_table)
    standin.controls.bad_texts = [BadText(contains="body 5", effect="nan")]
    add_chunks(docs_table, 10)
    await drain(settings_of(docs_table, standin.url))
    assert failures(docs_table) == [("body 5", "failed", "bad_answer", None)]
    assert counts(docs_table) == (9, 1, 1, 0)
    docs_table.check_invariants()


async def test_text_that_hangs_its_batch_fails_as_timeout(
    docs_table: Database, standin: StandIn
) -> None:
    """The server responds to the probe but never to this text."""
    standin.controls.bad_texts = [BadText(contains="body 5", effect="hang")]
    add_chunks(docs_table, 8)
    await drain(settings_of(docs_table, standin.url, request_timeout_s=0.3))
    assert failures(docs_table) == [("body 5", "failed", "timeout", None)]
    assert counts(docs_table) == (7, 1, 1, 0)
    docs_table.check_invariants()


async def test_empty_and_blank_texts_are_skipped(docs_table: Database, standin: StandIn) -> None:
    """They cost no request, are not missing, and the source is ready."""
    docs_table.execute(
        "insert into public.docs (body) values (null), (''), (E' \\t\\n'), (U&'\\3000'), ('a')"
    )
    await drain(settings_of(docs_table, standin.url))
    assert {(state, word) for _, state, word, _ in failures(docs_table)} == {
        ("skipped", "empty_text")
    }
    assert (counts(docs_table), standin.stats.texts) == ((1, 0, 0, 4), 1)
    assert docs_table.one("select wikiembed.is_ready('docs')") is True
    docs_table.check_invariants()


async def test_refused_row_of_a_constraint_is_found(docs_table: Database, standin: StandIn) -> None:
    """A constraint forbids one row of 200: it is write_refused, the others are written."""
    prove(docs_table)
    docs_table.execute(
        "alter table public.docs add constraint seven_stays_bare check (id <> 7 or vec is null)"
    )
    add_chunks(docs_table, 200)
    await drain(settings_of(docs_table, standin.url))
    assert failures(docs_table) == [("body 6", "failed", "write_refused", None)]
    assert "seven_stays_bare" in docs_table.one("select message from wikiembed.failures")
    assert (counts(docs_table), standin.stats.repeated) == ((199, 1, 1, 0), 0)
    docs_table.check_invariants()


async def test_refused_row_of_a_trigger_is_found(docs_table: Database, standin: StandIn) -> None:
    """A trigger that raises, quoting the text, and one that swallows the update."""
    docs_table.execute("""
        create function public.refuse() returns trigger language plpgsql as $$
        begin
          if new.vec is not null and new.id = 3 then
            raise exception 'no vector for %', new.body using errcode = 'MY001';
          elsif new.vec is not null and new.id = 5 then
            return null;
          end if;
          return new;
        end $$;
        create trigger refuse before update on public.docs
          for each row execute function public.refuse();
    """)
    docs_table.execute(
        "insert into public.docs (body) select %s || i from generate_series(1, 8) as i", [POISON]
    )
    await drain(settings_of(docs_table, standin.url))
    rows = docs_table.rows("select key, error_class, message from wikiembed.failures order by key")
    assert [row[:2] for row in rows] == [("3", "write_refused"), ("5", "write_refused")]
    assert not any(POISON in row[2] for row in rows)
    assert counts(docs_table) == (6, 2, 2, 0)
    docs_table.check_invariants()


async def test_compare_and_set_of_a_rewritten_text_stores_the_new_texts_vector(
    docs_table: Database, standin: StandIn
) -> None:
    """A user's trigger rewrites the text in our update: one more round, nothing stale."""
    prove(docs_table)
    add_chunks(docs_table, 20)
    docs_table.execute("""
        create function public.shout() returns trigger language plpgsql as $$
        begin new.body := upper(new.body); return new; end $$;
        create trigger aaa_shout before update on public.docs
          for each row execute function public.shout();
    """)
    await drain(settings_of(docs_table, standin.url))
    assert docs_table.one("select count(*) from public.docs where body <> upper(body)") == 0
    assert counts(docs_table) == (20, 0, 0, 0)
    # Once more in the same job, and perhaps in the job queued by the rewrite.
    assert 40 <= standin.stats.texts <= 60
    docs_table.check_invariants()
