"""Batches that wait for a budget: until there is room, the source is paused, or for too long."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.support.documents_fakes import event
from tests.support.eventually import eventually_async
from wikiembed.embedders.usage import Usage
from wikiembed.pipeline.budgets import RANDOM_BITS, Budgets
from wikiembed.pipeline.record import BatchRecord
from wikiembed.servers.classify import BudgetInFlight, PausedMeanwhile, Stopping

TEXTS = ["a" * 40]


class Script:
    """Answers as scripted, then with the last answer again; `asked`: reservations and tokens."""

    def __init__(self, *answers: bool | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[int, int]] = []
        self.flushed = 0

    async def reserve_budget(self, source: str, reservation: int, tokens: int) -> bool | None:
        await asyncio.sleep(0)
        self.asked.append((reservation, tokens))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def flush_usage(self, source: str) -> None:
        self.flushed += 1


def budgets(script: Script, *, wait_s: float = 60) -> Budgets:
    """Budgets that ask `script`."""
    return Budgets(script, script, wait_s=wait_s)


async def test_batch_asks_again_with_what_was_learned_meanwhile() -> None:
    """What is not recorded is, before each try; the number is that of the job."""
    script, record = Script(None, None, True), BatchRecord()
    record.usage.add(Usage(requests=1, texts=1, tokens=2))
    made = budgets(script)
    task = asyncio.create_task(made.reserve("docs", record, TEXTS, job_id=7))
    await eventually_async(lambda: script.asked)
    made.token_rate("docs").learn(TEXTS, Usage(requests=1, texts=1, tokens=4))
    await task
    assert [tokens for _, tokens in script.asked] == [12, 6, 6]
    assert {number >> RANDOM_BITS for number, _ in script.asked} == {7}
    assert record.reservation == script.asked[-1][0]
    assert script.flushed == 3


async def test_batches_of_a_source_ask_in_turn() -> None:
    """The first that came is asked for; another source does not wait for it."""
    script = Script(None)
    made = budgets(script)
    waiting = [
        asyncio.create_task(made.reserve("docs", BatchRecord(), TEXTS, job_id=n)) for n in (1, 2, 3)
    ]
    await eventually_async(lambda: len(script.asked) >= 3)
    assert {number >> RANDOM_BITS for number, _ in script.asked} == {1}
    other = asyncio.create_task(made.reserve("wiki", BatchRecord(), TEXTS, job_id=9))
    await eventually_async(lambda: any(n >> RANDOM_BITS == 9 for n, _ in script.asked))
    script.answers = [True]
    await asyncio.gather(*waiting, other)


@pytest.mark.parametrize("job_id", [None, 0, 2**43 - 1])
async def test_any_job_has_a_number_that_postgres_takes(job_id: int | None) -> None:
    """Also the largest, and a job that has no id."""
    script = Script(True)
    await budgets(script).reserve("docs", BatchRecord(), TEXTS, job_id=job_id)
    assert 0 <= script.asked[0][0] < 2**63


async def test_wait_ends_with_a_stop_and_after_its_time() -> None:
    """The job is requeued: no reservation is left in the record."""
    record = BatchRecord()
    with pytest.raises(BudgetInFlight):
        await budgets(Script(None), wait_s=0.05).reserve("docs", record, TEXTS, job_id=1)
    stopped = budgets(Script(None))
    task = asyncio.create_task(stopped.reserve("docs", record, TEXTS, job_id=1))
    await asyncio.sleep(0)
    stopped.stop()
    with pytest.raises(Stopping):
        await asyncio.wait_for(task, 10)
    assert record.reservation is None


async def test_budget_that_is_reached_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """With the tokens of the first batch that has no room."""
    caplog.set_level(logging.INFO, logger="wikiembed")
    made, record = budgets(Script(False)), BatchRecord()
    for _ in range(2):
        with pytest.raises(PausedMeanwhile):
            await made.reserve("docs", record, TEXTS, job_id=1)
    assert event(caplog, "budget_reached") == {"source": "docs", "tokens": 10}
    assert record.reservation is None
