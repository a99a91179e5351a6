"""The model is pinned on the first write, and no batch in flight writes another model's vector."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.support.chunks import add_chunks, counts, jobs_by_status, pause_reason
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.workers import drain, prove, settings_of, working
from wikiembed.config import Provider
from wikiembed.errors import ModelMismatch

PINNED = (
    "select provider, model, dimensions, document_prefix, pinned_at is not null, generation"
    " from wikiembed.sources where name = 'docs'"
)


async def test_generation_first_write_pins_the_resolved_model(
    docs_table: Database, standin: StandIn
) -> None:
    """Provider, model, dimensions and prefix are stored in sources once, at generation 1."""
    add_chunks(docs_table, 200)
    await drain(settings_of(docs_table, standin.url))
    assert docs_table.rows(PINNED) == [("openai", "standin-model", 4, "", True, 1)]
    assert docs_table.one("select count(*) from wikiembed.action_log where action = 'pin'") == 1


@pytest.mark.parametrize(
    "changed",
    [{"model": "another"}, {"embedder": Provider.OLLAMA}, {"document_prefix": "passage: "}],
    ids=["model", "provider", "prefix"],
)
async def test_generation_worker_with_other_settings_exits_2_and_pauses_nothing(
    docs_table: Database, standin: StandIn, changed: dict[str, object]
) -> None:
    """The jobs stay for workers with the right settings."""
    add_chunks(docs_table, 10)
    await drain(settings_of(docs_table, standin.url))
    add_chunks(docs_table, 100, begin=10)
    with pytest.raises(ModelMismatch, match="pinned to") as raised:
        await drain(settings_of(docs_table, standin.url, **changed), timeout_s=20)
    assert raised.value.exit_code == 2
    assert (counts(docs_table).embedded, jobs_by_status(docs_table)) == (10, {"todo": 2})
    assert pause_reason(docs_table) is None
    docs_table.check_invariants()
    await drain(settings_of(docs_table, standin.url))
    assert counts(docs_table) == (110, 0, 0, 0)


async def test_prefix_fixed_at_attach_overrides_the_workers(
    docs_table: Database, standin: StandIn
) -> None:
    """In the pinning batch and the later ones, whatever the worker's settings."""
    docs_table.execute(
        "select wikiembed.detach('docs'); select wikiembed.attach('public.docs', 'id', 'body',"
        " 'vec', 'docs', p_document_prefix => 'own: ', p_batch_size => 16)"
    )
    add_chunks(docs_table, 64)
    for prefix in ("other: ", ""):
        settings = settings_of(docs_table, standin.url, document_prefix=prefix)
        await drain(settings, concurrency=1)
        add_chunks(docs_table, 16, begin=64)
    await drain(settings_of(docs_table, standin.url))
    assert counts(docs_table) == (96, 0, 0, 0)
    assert docs_table.rows(PINNED) == [("openai", "standin-model", 4, "own: ", True, 1)]
    prove(docs_table)
    docs_table.check_invariants()


async def test_generation_batch_in_flight_cannot_write_the_former_model(
    docs_table: Database, standin: StandIn
) -> None:
    """The model changes while batches are in flight: all get the new model's vectors."""
    prove(docs_table, salt="new")
    add_chunks(docs_table, 128)
    standin.controls.latency_s = 1.0
    standin.controls.salt = "old"
    async with working(settings_of(docs_table, standin.url), drain=True) as worker:
        await worker.wait_for(lambda: standin.stats.concurrent == 2 and standin.stats.texts == 0)
        await asyncio.sleep(0.3)
        await worker.wait_for(lambda: standin.stats.concurrent == 2)
        docs_table.execute(
            "update wikiembed.sources set model = 'standin-model', document_prefix = 'v2',"
            " pinned_at = null, provider = 'openai' where name = 'docs'"
        )
        await asyncio.sleep(0)
        await worker.wait_for(lambda: standin.stats.texts >= 128)
        assert counts(docs_table).embedded == 0
        standin.controls.salt = ""
        standin.controls.latency_s = 0
        await asyncio.wait_for(worker.run, 30)
    rows = docs_table.rows(PINNED)
    assert rows[0][3] == "v2"
    assert rows[0][5] == 2
    docs_table.execute("update wikiembed.sources set document_prefix = 'v2' where name = 'docs'")
    prove(docs_table)
    assert counts(docs_table) == (128, 0, 0, 0)
    docs_table.check_invariants()


async def test_typing_error_in_the_models_name_is_not_pinned(
    docs_table: Database, standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """The server ignores the name and lists another: that one is pinned, and reported once."""
    caplog.set_level(logging.WARNING, logger="wikiembed")  # whatever another test has set
    standin.controls.listed = ["standin-model"]
    add_chunks(docs_table, 100)
    await drain(settings_of(docs_table, standin.url, model="a-typing-error"))
    assert docs_table.rows(PINNED)[0][:2] == ("openai", "standin-model")
    output = [record for record in caplog.records if record.getMessage() == "model_not_listed"]
    assert len(output) == 1
    add_chunks(docs_table, 10, begin=100)
    await drain(settings_of(docs_table, standin.url))
    assert counts(docs_table) == (110, 0, 0, 0)
