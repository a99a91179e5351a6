"""Texts that no server embeds: exactly those become failures, at a bounded cost."""

from __future__ import annotations

import math

import psycopg
import pytest

from tests.faults.final_counts import check_final_counts, failed, prepare
from tests.faults.report import Report
from tests.support.chunks import counts
from tests.support.database import Database
from tests.support.long_form import LONG
from tests.support.pipeline_fakes import most_requests
from tests.support.standin import BadText, StandIn
from tests.support.workers import drain, settings_of
from wikiembed.pipeline.bisection import FAILURES_BEFORE_BLAME

BATCH = 64
MANY = (3000, 10_000) if LONG else (300, 1000)
MEGABYTES = 10 if LONG else 1


async def run_bad(database: Database, standin: StandIn, report: Report, *, n: int, k: int) -> None:
    """Of `n` chunks, the `k` marked ones fail within the bound, the others are embedded."""
    marked = {row[0] for row in database.rows("select body from public.docs where body ~ 'bad'")}
    assert len(marked) == k
    standin.controls.bad_texts = [BadText(contains="bad")]
    await drain(settings_of(database, standin.url), timeout_s=900)
    assert failed(database) == dict.fromkeys(marked, ("rejected", 500, 3))
    assert counts(database) == (n - k, k, k, 0)
    batches, stats = math.ceil(n / BATCH), standin.stats
    assert stats.requests - 1 <= most_requests(BATCH, k) + batches
    # Without probes: twice k log2(batch), and one request per batch. A job of one text has a
    # logarithm of 0, and needs its three.
    most = 2 * k * math.log2(BATCH) + batches if n > 1 else FAILURES_BEFORE_BLAME
    assert stats.requests - stats.probes <= most
    check_final_counts(database, report, f"{k} bad of {n}", stats=standin.stats, tried=k)


@pytest.mark.parametrize(
    ("n", "bad"),
    [
        (1000, "i in (0, 127, 499, 500, 999)"),
        (1, "true"),
        (192, "i between 64 and 127"),
        (MANY[1], f"i %% {MANY[1]} * {MANY[0]} %% {MANY[1]} < {MANY[0]}"),
    ],
    ids=["5 in 1000", "1 in 1", "all of a batch", "3 in 10"],
)
async def test_bad_chunks_are_found_within_the_bound(
    docs_table: Database, standin: StandIn, report: Report, n: int, bad: str
) -> None:
    """A few, one alone, a whole batch, and three in ten."""
    prepare(docs_table, 0)
    docs_table.execute(
        "insert into public.docs (body) select 'body ' || i || case when "
        + bad
        + " then ' bad' else '' end from generate_series(0, %s - 1) as i",
        [n],
    )
    k = docs_table.one("select count(*) from public.docs where body ~ 'bad'")
    await run_bad(docs_table, standin, report, n=n, k=k)


@pytest.mark.parametrize(
    "odd",
    [
        "\u202eright to left \u200f\u061c\u2067 marks\u2069",
        "control \x01\x02\x07\x08\x1b[31m\x7f\x85 characters\r\n\t",
        "\ufeff\U0001f600 emoji, e\u0301 combined, \uffff and \U0010ffff",
        "x" * (MEGABYTES << 20),
    ],
    ids=["right to left", "control", "beyond the plane", "megabytes"],
)
@pytest.mark.parametrize("refused", [1, 0])
async def test_odd_text_is_embedded_or_fails_alone(
    docs_table: Database, standin: StandIn, report: Report, odd: str, refused: int
) -> None:
    """It is sent unchanged; if the server refuses it, its neighbours pass."""
    prepare(docs_table, 60)
    docs_table.execute("insert into public.docs (body) values (%s)", [odd])
    standin.controls.bad_texts = [BadText(contains=odd)] if refused else []
    await drain(settings_of(docs_table, standin.url))
    expected = {odd: ("rejected", 500, 3)} if refused else {}
    assert failed(docs_table) == expected
    assert counts(docs_table) == (61 - refused, refused, refused, 0)
    check_final_counts(docs_table, report, "odd text", stats=standin.stats)


@pytest.mark.parametrize("odd", ["chr(0)", "convert_from('\\xeda080', 'UTF8')"])
def test_nul_and_half_a_surrogate_pair_never_reach_a_chunk(docs_table: Database, odd: str) -> None:
    """Postgres accepts neither in a text, so no such chunk can be queued."""
    with pytest.raises((psycopg.DataError, psycopg.errors.ProgramLimitExceeded)):
        docs_table.execute(f"insert into public.docs (body) values ({odd})")
    assert counts(docs_table) == (0, 0, 0, 0)
