"""A text that takes its server down in any way: it alone fails."""

from __future__ import annotations

import pytest

from tests.faults.columns import BAD, regex_of, run_with_bad
from tests.faults.crew import Crew
from tests.faults.final_counts import count, failed
from tests.faults.report import Report
from tests.support.chunks import counts, jobs_by_status
from tests.support.database import Database
from tests.support.long_form import LONG
from tests.support.standin import BadText, Canned
from tests.support.standin.faults import Effect
from tests.support.standin.profiles import PROFILES, VLLM, Profile

# The servers differ in their statuses; a reset or a hang looks the same.
DEADLY = BAD if LONG else BAD[1:2]
"""Each of them takes the server down some eight times, for a second or so."""
CUT_OFF = [p for p in PROFILES if LONG or p.name == "vllm"]
EFFECTS: dict[Effect, tuple[str, tuple[str, ...], float]] = {
    "reset": ("no_answer", BAD, 0),
    "hang": ("timeout", BAD, 0),
    "crash": ("no_answer", DEADLY, 0.3),
}
if LONG:
    EFFECTS["freeze"] = ("timeout", DEADLY, 1.2)
NGINX = Canned(status=502, body="<html><body><h1>502 Bad Gateway</h1></body></html>")
ENVOY = Canned(
    status=503,
    body="upstream connect error or disconnect/reset before headers. reset reason: connection"
    " termination",
)
PROXIES = {"nginx": NGINX, "envoy": ENVOY} if LONG else {"nginx": NGINX}


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("profile", CUT_OFF, ids=lambda profile: str(profile.name))
async def test_text_that_hangs_resets_or_kills_the_server_fails_alone(
    docs_table: Database, report: Report, profile: Profile, effect: Effect
) -> None:
    """The request hangs or is reset, or the process dies or hangs for a while."""
    error_class, texts, crash_s = EFFECTS[effect]
    bad = BadText(regex=regex_of(texts), effect=effect)
    found = await run_with_bad(
        docs_table, report, profile, bad, effect, texts=texts, crash_s=crash_s
    )
    assert found == dict.fromkeys(texts, (error_class, None, 3))


async def test_server_that_dies_after_an_error_answer(docs_table: Database, report: Report) -> None:
    """vLLM's engine dies: 500 to the batch, then the process is down for a while."""
    assert VLLM.crash is not None
    bad = BadText(
        regex=regex_of(DEADLY), effect="die", status=VLLM.crash.status, body=VLLM.crash.body
    )
    found = await run_with_bad(
        docs_table, report, VLLM, bad, "500, then the server is gone", texts=DEADLY
    )
    assert found == dict.fromkeys(DEADLY, ("rejected", 500, 3))


@pytest.mark.parametrize("proxy", PROXIES.values(), ids=PROXIES)
async def test_proxy_before_a_server_that_dies_blocks_no_text_forever(
    docs_table: Database, report: Report, proxy: Canned
) -> None:
    """The proxy answers 502 or 503 instead of the reset; the text is still found."""
    bad = BadText(regex=regex_of(DEADLY), effect="crash")
    found = await run_with_bad(
        docs_table,
        report,
        VLLM,
        bad,
        "the server dies behind a proxy",
        texts=DEADLY,
        behind_proxy=proxy,
    )
    assert found == dict.fromkeys(DEADLY, ("no_answer", proxy.status, 3))


def test_server_of_three_workers_dies_of_a_text(crew: Crew, report: Report) -> None:
    """Requests of other processes fail with it, without failures for their texts."""
    chunks = 600 if LONG else 120
    crew.attach(batch_size=4)
    crew.standin.control(
        latency_s=0.1, crash_s=0.3, bad_texts=[{"regex": "^body 61$", "effect": "crash"}]
    )
    crew.add(chunks)
    crew.drained(*[crew.worker(concurrency=2) for _ in range(3)])
    assert failed(crew.database) == {"body 61": ("no_answer", None, 3)}
    assert (counts(crew.database), jobs_by_status(crew.database)) == ((chunks - 1, 1, 1, 0), {})
    crew.database.check_invariants()
    stats = crew.standin.stats()
    found, lost, stale = count(crew.database)
    report(
        "a text that kills the server of three workers",
        tried=int(stats["crashes"]),
        chunks=found,
        lost=lost,
        stale=stale,
        repeated=stats["repeated"],
        texts=stats["distinct"],
    )
    assert (lost, stale) == (0, 0)
