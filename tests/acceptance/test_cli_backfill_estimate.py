"""`backfill --dry-run`: the work that is left in this database, and its duration."""

from __future__ import annotations

import pytest

from tests.support.chunks import add_chunks, clear_jobs, fail, jobs_by_status, read, without_vector
from tests.support.cli import Call
from tests.support.commands import assert_done, json_lines, served
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.standin.faults import BadText


@pytest.fixture
def waiting(docs_table: Database) -> Database:
    """A hundred missing chunks in the triggers' one job, and fifty in no job."""
    docs_table.execute(
        "insert into public.docs (body) select 'old ' || g from generate_series(1, 50) g"
    )
    clear_jobs(docs_table)
    add_chunks(docs_table, 100)
    return docs_table


def test_estimate_measures_the_server_and_writes_nothing(
    call: Call, waiting: Database, standin: StandIn
) -> None:
    """Chunks, jobs, characters, tokens, and hours at a rate that was measured just now."""
    standin.controls.latency_per_text_s = 0.005
    (queueing, found) = json_lines(
        call("backfill", "docs", "--dry-run", "--json", env=served(standin))
    )
    assert queueing.pop("database")
    assert queueing == {"event": "would_queue", "source": "docs", "jobs": 1, "chunks": 50}
    length = waiting.one("select sum(length(body)) from public.docs")
    assert {name: found[name] for name in ("event", "source", "chunks", "jobs", "rate_from")} == {
        "event": "estimate",
        "source": "docs",
        "chunks": 150,
        "jobs": 3,
        "rate_from": "probe",
    }
    assert (found["characters"], found["tokens"]) == (length, length // 4)
    rate = float(str(found["chunks_per_s"]))
    assert 100 < rate < 200 * 4
    assert float(str(found["hours"])) == pytest.approx(150 / rate / 3600, abs=0.001)
    assert (jobs_by_status(waiting)["todo"], without_vector(waiting)) == (2, 150)
    assert waiting.one("select model from wikiembed.sources where name = 'docs'") is None
    assert standin.stats.repeated == 0
    assert standin.stats.texts == 150


def test_estimate_prints_sentences(call: Call, waiting: Database, standin: StandIn) -> None:
    """One sentence per source, and one for the total."""
    result = call("backfill", "--dry-run", env=served(standin))
    assert_done(result)
    _, docs, wiki, together = result.stdout.splitlines()
    assert docs.startswith(
        "docs: 150 chunks to embed in 3 jobs (50 chunks would be queued in 1 job), about "
    )
    assert docs.endswith(
        "chunks/s, measured just now by embedding 150 chunks, none written: a few seconds."
    )
    assert wiki == "wiki: nothing to embed."
    assert together == "Total: 150 chunks, a few seconds."


def test_estimate_takes_the_rate_of_the_last_day(
    call: Call, waiting: Database, standin: StandIn
) -> None:
    """From busy minutes of view throughput, not from sparse edits; no server is queried then."""
    busy = (
        "insert into wikiembed.ledger (source, at, total, embedded, gained)"
        " select 'docs', now() - interval '1 minute' * (g + 2), 0, 0, {}"
        " from generate_series(1, {}) as g"
    )
    waiting.execute(busy.format(5, 500))
    assert found_from(call, standin) == "probe"
    standin.reset_stats()
    waiting.execute(busy.format(1200, 6))
    (_, found) = json_lines(call("backfill", "docs", "--dry-run", "--json", env=served(standin)))
    assert (found["rate_from"], found["chunks_per_s"]) == ("history", pytest.approx(20, abs=0.2))
    assert standin.stats.requests == 0
    output = call("backfill", "docs", "--dry-run", env=served(standin)).stdout
    assert "the last day's rate in view throughput: a few seconds." in output


def found_from(call: Call, standin: StandIn) -> object:
    """The origin of the rate of ``docs``."""
    (_, found) = json_lines(call("backfill", "docs", "--dry-run", "--json", env=served(standin)))
    return found["rate_from"]


def test_estimate_counts_what_it_can_without_a_server(
    call: Call, waiting: Database, standin: StandIn
) -> None:
    """Chunks and jobs are still counted: exit 0, and the reason why there are no hours."""
    standin.controls.down = True
    (_, found) = json_lines(call("backfill", "docs", "--dry-run", "--json", env=served(standin)))
    assert (found["chunks"], found["hours"], found["rate_from"]) == (150, None, None)
    assert standin.url in str(found["unknown"])
    result = call("backfill", "docs", "--dry-run", env=served(standin))
    assert_done(result)
    assert "How long it takes is not known: The embedding server at" in result.stdout


def test_estimate_omits_refused_texts(call: Call, waiting: Database, standin: StandIn) -> None:
    """A bad text of the sample is left out alone, and reported."""
    standin.controls.bad_texts = [BadText(contains="body 99", status=500)]
    result = call("backfill", "docs", "--dry-run", env=served(standin))
    assert "measured just now by embedding 149 chunks" in result.stdout
    assert "1 text of the sample was refused and left out (The embedding server" in result.stdout


def test_estimate_of_two_texts_of_which_one_is_too_long(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """The rate is known nevertheless: the other text is measured."""
    add_chunks(docs_table, 2)
    docs_table.execute("update public.docs set body = repeat('long ', 1000) where id = 1")
    standin.controls.max_chars = 1000
    (_, found) = json_lines(call("backfill", "docs", "--dry-run", "--json", env=served(standin)))
    assert (found["measured"], found["refused"], found["unknown"]) == (1, 1, None)
    assert found["hours"] == pytest.approx(0, abs=0.1)


def test_estimate_says_that_the_source_is_paused(
    call: Call, waiting: Database, standin: StandIn
) -> None:
    """A backfill of it would end at once."""
    waiting.execute("select wikiembed.pause('docs', 'costs')")
    output = call("backfill", "docs", "--dry-run", env=served(standin)).stdout
    assert "It is paused: run `wikiembed resume docs`." in output


def test_estimate_of_at_most_n(call: Call, waiting: Database, standin: StandIn) -> None:
    """--max-chunks bounds the estimate as it bounds the run."""
    options = ("--dry-run", "--json", "--max-chunks", "10")
    (queueing, found) = json_lines(call("backfill", "docs", *options, env=served(standin)))
    assert (queueing["chunks"], found["chunks"]) == (10, 10)


def test_estimate_does_not_extrapolate_from_few_texts(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """Four texts of the sample are measured in some milliseconds: no rate for seven hundred."""
    docs_table.execute(
        "insert into public.docs (body) select case when g <= 60 then 'bad ' else 'good ' end || g"
        " from generate_series(1, 700) as g"
    )
    docs_table.execute("update wikiembed.sources set batch_size = 1 where name = 'docs'")
    standin.controls.bad_texts = [BadText(contains="bad", status=500)]
    (_, found) = json_lines(call("backfill", "docs", "--dry-run", "--json", env=served(standin)))
    assert (found["measured"], found["refused"]) == (4, 60)
    assert (found["hours"], found["chunks_per_s"]) == (None, None)
    assert found["unknown"] == "4 chunks could be measured, too few for a rate"


def test_estimate_of_a_text_key_with_a_collation_of_its_own(
    call: Call, database: Database, standin: StandIn
) -> None:
    """Its keys are compared with those of failures, which are collated as C."""
    database.execute(
        'create table public.docs (k text collate "POSIX" primary key, body text, vec vector(4))'
    )
    database.execute("select wikiembed.attach('public.docs', 'k', 'body', 'vec', 'docs')")
    database.execute(
        "insert into public.docs (k, body) select k, 'text' from unnest('{a,b,c}'::text[]) k"
    )
    fail(database, read(database, ["c"]), error_class="rejected")
    (_, found) = json_lines(call("backfill", "docs", "--dry-run", "--json", env=served(standin)))
    assert (found["chunks"], found["measured"], found["unknown"]) == (2, 2, None)
