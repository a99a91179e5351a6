"""One check per server, one query per process, and no batch is delayed by either."""

from __future__ import annotations

import logging

import psycopg
import pytest

from tests.support.pipeline_fakes import Clock
from wikiembed.embedders.canary import LENGTHS, Canary, Outcome
from wikiembed.errors import EmbedderUnavailable
from wikiembed.servers.truncation_check import RETRY_S, RETRY_UNANSWERED_S, TruncationCheck
from wikiembed.store.truncation import Known, TruncationStore


class _Store(TruncationStore):
    """Rows by key; counts the queries."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], Known] = {}
        self.finds = 0
        self.fails: Exception | None = None

    async def find(self, source: str, server: str, model: str) -> Known | None:
        self.finds += 1
        if self.fails is not None:
            raise self.fails
        return self.rows.get((source, server, model))

    async def record(self, source: str, server: str, model: str, found: Known) -> None:
        self.rows[source, server, model] = found


class _Server:
    """Answers canaries with `outcome`; records the requests."""

    def __init__(self, outcome: Outcome = "whole") -> None:
        self.outcome: Outcome = outcome
        self.requests: list[tuple[int, int]] = []
        self.down = False

    async def __call__(self, *, chars: int, above: int) -> Canary:
        self.requests.append((chars, above))
        if self.down:
            raise EmbedderUnavailable("Down.")
        number = 900 if self.outcome == "silent" else None
        return Canary(outcome=self.outcome, from_chars=number, checked_chars=chars)


async def _batch(check: TruncationCheck, server: _Server, longest: int = 100) -> None:
    await check.before("docs", server="http://s", model="m", longest=longest, release=server)


async def test_check_sends_one_canary_per_length() -> None:
    """Longer canaries only where texts are as long; then none."""
    store, server = _Store(), _Server()
    check = TruncationCheck(store)
    for longest in (100, 4000, 4001, 9000, 10**6, 10**7):
        await _batch(check, server, longest)
    assert server.requests == [(LENGTHS[0], 0), (LENGTHS[1], LENGTHS[0]), (LENGTHS[2], LENGTHS[1])]
    assert store.finds == 3


@pytest.mark.parametrize("outcome", ["silent", "refused", "whole", "unanswered"])
async def test_check_in_the_next_process_queries_only_postgres(outcome: Outcome) -> None:
    """Whatever the outcome was."""
    store, server = _Store(), _Server(outcome)
    await _batch(TruncationCheck(store), server)
    await _batch(TruncationCheck(store), server)
    assert (len(server.requests), store.finds) == (1, 2)


async def test_check_of_an_unanswered_server_is_repeated_after_a_day() -> None:
    """It may have been slow that day."""
    store, server = _Store(), _Server()
    store.rows["docs", "http://s", "m"] = Known("unanswered", None, 4000, RETRY_UNANSWERED_S - 1)
    await _batch(TruncationCheck(store), server)
    assert server.requests == []
    store.rows["docs", "http://s", "m"] = Known("unanswered", None, 4000, RETRY_UNANSWERED_S)
    await _batch(TruncationCheck(store), server)
    assert len(server.requests) == 1


async def test_silent_truncation_is_logged_once_per_process(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also where another process found it."""
    caplog.set_level(logging.WARNING, logger="wikiembed")
    store, server = _Store(), _Server("silent")
    for _ in range(2):
        check = TruncationCheck(store)
        for _ in range(3):
            await _batch(check, server, 10**6)
    events = [record for record in caplog.records if record.message == "truncates_silently"]
    assert len(events) == 2
    assert {event.fields["from_chars"] for event in events} == {900}  # type: ignore[attr-defined]


async def test_check_is_not_repeated_during_an_outage() -> None:
    """For a minute; nothing is recorded."""
    store, server, clock = _Store(), _Server(), Clock()
    server.down = True
    check = TruncationCheck(store, clock=clock)
    for _ in range(3):
        await _batch(check, server)
    assert (len(server.requests), store.rows) == (1, {})
    clock.now, server.down = RETRY_S, False
    await _batch(check, server)
    assert (len(server.requests), len(store.rows)) == (2, 1)


async def test_missing_right_stops_no_batch(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged once, and work continues."""
    caplog.set_level(logging.WARNING, logger="wikiembed")
    store = _Store()
    store.fails = psycopg.errors.InsufficientPrivilege("no")
    check = TruncationCheck(store)
    for _ in range(3):
        await _batch(check, _Server(), 10**6)
    assert [record.message for record in caplog.records] == ["truncation_check_failed"]
    assert store.finds == 1
