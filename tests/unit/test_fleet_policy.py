"""How many actors a queue needs: the policy alone, without Ray and without Postgres."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wikiembed.worker.fleet.policy import (
    Demand,
    Limits,
    Observed,
    Policy,
    Rate,
    Standing,
    needed,
    to_end,
)

LIMITS = Limits(least=0, most=8, cooldown_s=60.0)


def test_nothing_waits_needs_the_least() -> None:
    """0 by default; `least` as soon as a source may work."""
    idle, seen = Demand(todo=0, doing=0), Observed(present=3, jobs_per_s=1.0)
    assert needed(idle, seen, LIMITS) == 0
    assert needed(idle, seen, Limits(least=2, most=8, cooldown_s=0)) == 2


def test_all_sources_paused_need_none_at_once() -> None:
    """Also below `least`, whatever waits, and without the cooldown."""
    limits = Limits(least=2, most=8, cooldown_s=600)
    policy = Policy(limits)
    seen = Observed(present=0, jobs_per_s=None)
    assert policy.decide(0.0, Demand(todo=400, doing=0), seen) == 8
    paused = Demand(todo=0, doing=0, open_sources=0)
    assert policy.decide(1.0, paused, Observed(present=8, jobs_per_s=1.0)) == 0
    assert policy.decide(2.0, Demand(todo=1, doing=0), Observed(present=0, jobs_per_s=1.0)) == 2


def test_reconcile_of_a_trigger_needs_a_worker() -> None:
    """It may queue the rest: it counts without embed jobs, and while the sources are paused."""
    seen = Observed(present=0, jobs_per_s=None)
    assert needed(Demand(todo=0, doing=0, upkeep=1), seen, LIMITS) == 1
    assert needed(Demand(todo=0, doing=0, upkeep=1, open_sources=0), seen, LIMITS) == 1


def test_unknown_rate_needs_a_worker_per_forty_jobs() -> None:
    """At least one, at most `most`."""
    seen = Observed(present=0, jobs_per_s=None)
    found = [needed(Demand(todo=n, doing=0), seen, LIMITS) for n in (1, 40, 41, 200, 10_000)]
    assert found == [1, 1, 2, 5, 8]


def test_known_rate_empties_the_queue_within_a_minute() -> None:
    """Fast workers: few of them; slow ones: many."""
    demand = Demand(todo=600, doing=4)
    found = [needed(demand, Observed(present=1, jobs_per_s=r), LIMITS) for r in (20.0, 5.0, 0.1)]
    assert found == [1, 2, 8]


def test_jobs_in_progress_keep_a_worker() -> None:
    """Those of a dead worker have to be rescued and done."""
    assert needed(Demand(todo=0, doing=3), Observed(present=0, jobs_per_s=9.0), LIMITS) == 1


def test_outage_keeps_what_there_is() -> None:
    """Nothing is finished: more workers would not help, and these probe the server."""
    demand = Demand(todo=10_000, doing=8)
    seen = Observed(present=3, jobs_per_s=0.01, outage=True)
    assert needed(demand, seen, LIMITS) == 3
    assert needed(demand, Observed(present=0, jobs_per_s=None, outage=True), LIMITS) == 1


def test_up_at_once_and_down_after_the_cooldown() -> None:
    """A short gap in the queue ends no worker."""
    policy = Policy(LIMITS)
    busy, idle = Demand(todo=320, doing=0), Demand(todo=0, doing=0)
    assert policy.decide(0.0, busy, Observed(present=0, jobs_per_s=None)) == 8
    at_work = Observed(present=8, jobs_per_s=None)
    assert [policy.decide(t, idle, at_work) for t in (10.0, 59.0, 60.0)] == [8, 8, 8]
    assert policy.decide(60.1, idle, at_work) == 0


def test_cooldown_never_brings_back_the_dead() -> None:
    """What died and is no longer needed is not replaced."""
    policy = Policy(LIMITS)
    policy.decide(0.0, Demand(todo=320, doing=0), Observed(present=0, jobs_per_s=None))
    one_left = Observed(present=1, jobs_per_s=None)
    assert policy.decide(5.0, Demand(todo=0, doing=0), one_left) == 1
    assert policy.decide(6.0, Demand(todo=80, doing=0), one_left) == 2


@given(
    todo=st.integers(0, 10**7),
    doing=st.integers(0, 1000),
    present=st.integers(0, 64),
    rate=st.none() | st.floats(1e-6, 1e6),
    outage=st.booleans(),
    least=st.integers(0, 8),
)
def test_number_is_within_the_limits(
    todo: int,
    doing: int,
    present: int,
    rate: float | None,
    outage: bool,  # noqa: FBT001
    least: int,
) -> None:
    """Whatever is observed."""
    limits = Limits(least=least, most=8, cooldown_s=30)
    seen = Observed(present=present, jobs_per_s=rate, outage=outage)
    demand = Demand(todo=todo, doing=doing)
    assert least <= needed(demand, seen, limits) <= 8
    assert Policy(limits).decide(0.0, demand, seen) <= max(8, present)
    if todo + doing:
        assert needed(demand, seen, limits) >= 1


def test_rate_counts_only_time_in_which_jobs_waited() -> None:
    """Idle workers finish nothing, which says nothing of what they could."""
    rate = Rate()
    rate.observe(0.0, [("a", 0), ("b", 0)], waiting=True)
    assert rate.jobs_per_s is None
    rate.observe(10.0, [("a", 20), ("b", 40)], waiting=True)
    assert rate.jobs_per_s == 3.0
    rate.observe(50.0, [("a", 20), ("b", 40)], waiting=False)
    assert rate.jobs_per_s == 3.0


def test_rate_of_a_worker_that_came_or_went_counts_where_known() -> None:
    """Its first report has no time; one that is gone has no end."""
    rate = Rate()
    rate.observe(0.0, [("a", 0), ("gone", 5)], waiting=True)
    rate.observe(10.0, [("a", 10), ("new", 90)], waiting=True)
    assert rate.jobs_per_s == 1.0


def test_rate_forgets_what_is_older_than_a_minute() -> None:
    """A server that became slow needs more workers soon."""
    rate = Rate()
    for second in range(0, 601, 10):
        rate.observe(float(second), [("a", second * 100)], waiting=True)
    for second in range(610, 671, 10):
        rate.observe(float(second), [("a", 60_000 + second - 600)], waiting=True)
    assert rate.jobs_per_s == 1.0


def test_workers_without_a_node_end_first_then_those_that_free_one() -> None:
    """Of the rest, the youngest of the node with the fewest."""
    standing = [
        Standing(name="old", node="x", started_s=1.0),
        Standing(name="young", node="x", started_s=3.0),
        Standing(name="alone", node="y", started_s=2.0),
        Standing(name="waits", node=None, started_s=4.0),
    ]
    assert to_end(standing, 4) == ["waits", "alone", "young", "old"]
    assert to_end(standing, 1) == ["waits"]
    assert to_end(standing, 0) == []
