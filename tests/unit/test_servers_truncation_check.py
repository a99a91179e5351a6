"""The server is asked once for silent truncation, Postgres once a process; no batch is stopped."""

from __future__ import annotations

import logging

import psycopg
import pytest

from tests.support.pipeline_fakes import Clock
from wikiembed.embedders.canary import LENGTHS, Canary, Outcome
from wikiembed.errors import EmbedderUnavailable
from wikiembed.servers.truncation_check import AGAIN_S, AGAIN_UNANSWERED_S, TruncationCheck
from wikiembed.store.truncation import Known, TruncationStore


class _Store(TruncationStore):
    """Rows by key; counts what is asked."""

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
    """Answers canaries with `outcome`; keeps what was asked."""

    def __init__(self, outcome: Outcome = "whole") -> None:
        self.outcome: Outcome = outcome
        self.asked: list[tuple[int, int]] = []
        self.down = False

    async def __call__(self, *, chars: int, above: int) -> Canary:
        self.asked.append((chars, above))
        if self.down:
            raise EmbedderUnavailable("Down.")
        number = 900 if self.outcome == "silent" else None
        return Canary(outcome=self.outcome, from_chars=number, checked_chars=chars)


async def _batch(watch: TruncationCheck, server: _Server, longest: int = 100) -> None:
    await watch.before("docs", server="http://s", model="m", longest=longest, release=server)


async def test_a_server_is_asked_once_for_each_length() -> None:
    """Longer canaries only where texts are as long; then never again."""
    store, server = _Store(), _Server()
    watch = TruncationCheck(store)
    for longest in (100, 4000, 4001, 9000, 10**6, 10**7):
        await _batch(watch, server, longest)
    assert server.asked == [(LENGTHS[0], 0), (LENGTHS[1], LENGTHS[0]), (LENGTHS[2], LENGTHS[1])]
    assert store.finds == 3


@pytest.mark.parametrize("outcome", ["silent", "refused", "whole", "unanswered"])
async def test_the_next_process_asks_postgres_only(outcome: Outcome) -> None:
    """Whatever was found."""
    store, server = _Store(), _Server(outcome)
    await _batch(TruncationCheck(store), server)
    await _batch(TruncationCheck(store), server)
    assert (len(server.asked), store.finds) == (1, 2)


async def test_a_server_that_gave_no_answer_is_asked_again_after_a_day() -> None:
    """It may have been slow that day."""
    store, server = _Store(), _Server()
    store.rows["docs", "http://s", "m"] = Known("unanswered", None, 4000, AGAIN_UNANSWERED_S - 1)
    await _batch(TruncationCheck(store), server)
    assert server.asked == []
    store.rows["docs", "http://s", "m"] = Known("unanswered", None, 4000, AGAIN_UNANSWERED_S)
    await _batch(TruncationCheck(store), server)
    assert len(server.asked) == 1


async def test_silence_is_warned_of_once_a_process(caplog: pytest.LogCaptureFixture) -> None:
    """Also where another process found it."""
    caplog.set_level(logging.WARNING, logger="wikiembed")
    store, server = _Store(), _Server("silent")
    for _ in range(2):
        watch = TruncationCheck(store)
        for _ in range(3):
            await _batch(watch, server, 10**6)
    events = [record for record in caplog.records if record.message == "truncates_silently"]
    assert len(events) == 2
    assert {event.fields["from_chars"] for event in events} == {900}  # type: ignore[attr-defined]


async def test_an_outage_is_not_asked_into() -> None:
    """For a minute; nothing is recorded."""
    store, server, clock = _Store(), _Server(), Clock()
    server.down = True
    watch = TruncationCheck(store, clock=clock)
    for _ in range(3):
        await _batch(watch, server)
    assert (len(server.asked), store.rows) == (1, {})
    clock.now, server.down = AGAIN_S, False
    await _batch(watch, server)
    assert (len(server.asked), len(store.rows)) == (2, 1)


async def test_a_right_that_is_missing_stops_no_batch(caplog: pytest.LogCaptureFixture) -> None:
    """It is said once, and the work goes on."""
    caplog.set_level(logging.WARNING, logger="wikiembed")
    store = _Store()
    store.fails = psycopg.errors.InsufficientPrivilege("no")
    watch = TruncationCheck(store)
    for _ in range(3):
        await _batch(watch, _Server(), 10**6)
    assert [record.message for record in caplog.records] == ["truncation_check_failed"]
    assert store.finds == 1
