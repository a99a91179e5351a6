"""Searches with a reranker: its order, its outages, and what is said of them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.chunks import add, make_source
from tests.support.cli import Call
from tests.support.database import Database
from tests.support.standin import Canned, StandIn
from tests.support.standin.rerank import score_of
from tests.support.workers import drain, environment_of, settings_of
from wikiembed import AsyncClient, Client
from wikiembed.config import Settings
from wikiembed.errors import ConfigurationError, SearchRefused
from wikiembed.search import reranking
from wikiembed.search.hit import Hit

TEXTS = ("bees make honey", "steam drives trains", "a queen rules the hive", "what is a train")
QUERY = "what is honey"


@pytest.fixture(autouse=True)
def waits_for_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reranker that was slow is asked again at once."""
    monkeypatch.setattr(reranking, "PAUSE_S", 0.0)


@pytest.fixture
def reranker() -> Iterator[StandIn]:
    """A server that reranks."""
    with StandIn() as made:
        yield made


@pytest.fixture
def settings(database: Database, standin: StandIn, reranker: StandIn) -> Settings:
    """Four embedded chunks of source ``docs``, and a reranker."""
    make_source(database)
    add(database, *TEXTS)
    asyncio.run(drain(settings_of(database, standin.url)))
    return settings_of(database, standin.url, reranker_url=reranker.url, reranker_timeout_s=2.0)


def fused(settings: Settings, *, limit: int = 10) -> list[Hit]:
    """The hits without a reranker."""
    with Client(settings=settings) as client:
        return client.search(QUERY, limit=limit, rerank=False)


def events_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    """The fields of each event that the reranker failed."""
    return [
        getattr(record, "fields", {})
        for record in caplog.records
        if record.getMessage() == "reranker_failed"
    ]


@pytest.mark.parametrize("form", ["v1", "tei", "root"])
def test_hits_are_in_the_order_of_the_reranker(
    settings: Settings, reranker: StandIn, form: str
) -> None:
    """With its score; the best is found although it is beyond the limit without the reranker."""
    reranker.controls.rerank_forms = [form]
    with Client(settings=settings) as client:
        hits = client.search(QUERY)
        assert [hit.rerank_score for hit in hits] == sorted(
            (score_of(QUERY, text) for text in TEXTS), reverse=True
        )
        assert hits[0].content == "what is a train"
        assert [hit.content for hit in client.search(QUERY, limit=1)] == ["what is a train"]
        assert client.reranker_failure is None


def test_reranker_is_not_asked_unless_it_is_to_be(settings: Settings, reranker: StandIn) -> None:
    """By the call; and where there is none, asking for one is a wrong setting."""
    with Client(settings=settings) as client:
        assert all(hit.rerank_score is None for hit in client.search(QUERY, rerank=False))
    assert reranker.stats.rerank_paths == []
    without = settings.model_copy(update={"reranker_url": None})
    with Client(settings=without) as client:
        assert all(hit.rerank_score is None for hit in client.search(QUERY))
        with pytest.raises(ConfigurationError, match="No reranker is set: set WIKIEMBED_RERANKER"):
            client.search(QUERY, rerank=True)


def test_candidates_are_as_many_as_set(settings: Settings, reranker: StandIn) -> None:
    """Or as the limit, where that is higher; a limit that is refused stays refused."""
    few = settings.model_copy(update={"reranker_candidates": 2})
    with Client(settings=few) as client:
        assert len(client.search(QUERY, limit=1)) == 1
        assert reranker.stats.max_texts == 2
        assert len(client.search(QUERY, limit=3)) == 3
        assert reranker.stats.max_texts == 3
        for limit in (0, -1, 1_001):
            with pytest.raises(SearchRefused, match="P_limit must be from 1 to 1,000"):
                client.search(QUERY, limit=limit)


def test_title_and_headings_are_reranked_too(settings: Settings) -> None:
    """Each on lines of its own."""
    (hit, *_) = fused(settings)
    assert hit.whole_text == hit.content
    in_document = replace(hit, title="Bees", heading="Food › Honey")
    assert in_document.whole_text == f"Bees\nFood › Honey\n{hit.content}"


def test_nothing_found_is_not_reranked(settings: Settings, reranker: StandIn) -> None:
    """There is nothing to ask."""
    with Client(settings=settings) as client:
        assert client.search(QUERY, filter={"id": 0}) == []
    assert reranker.stats.rerank_paths == []


async def test_async_client_reranks_too(settings: Settings, reranker: StandIn) -> None:
    """Many at once; and falls back."""
    async with AsyncClient(settings=settings) as client:
        found = await asyncio.gather(*(client.search(text, limit=1) for text in TEXTS))
        assert [hits[0].content for hits in found] == list(TEXTS)
        assert [hits[0].rerank_score for hits in found] == [1.0] * 4
        reranker.controls.down = True
        (hit,) = await client.search(QUERY, limit=1)
        assert hit.rerank_score is None
        assert client.reranker_failure is not None


@pytest.mark.parametrize(
    ("controls", "error", "said"),
    [
        ({"down": True}, "EmbedderUnavailable", "broke off the connection"),
        ({"latency_s": 30}, "EmbedderTimeout", "gave no answer within 2 s"),
        ({"status_for_all": Canned(status=429)}, "EmbedderThrottled", "fewer requests (429)"),
        ({"status_for_all": Canned(status=500)}, "EmbedderRejected", "rejected the request (500)"),
        ({"status_for_all": Canned(status=503)}, "EmbedderUnavailable", "not available (503)"),
        ({"api_key": "sk-other"}, "EmbedderMisconfigured", "set WIKIEMBED_RERANKER_API_KEY"),
        ({"rerank_forms": []}, "EmbedderMisconfigured", "neither /v1/rerank nor /rerank"),
        ({"garbage": "wrong_count"}, "EmbedderBadAnswer", "answered 3 scores to 4 texts"),
        ({"garbage": "nulls"}, "EmbedderBadAnswer", "a score that is not a number"),
        ({"garbage": "foreign_index"}, "EmbedderBadAnswer", "an index out of range"),
        ({"garbage": "cut_connection"}, "EmbedderUnavailable", "broke off the connection"),
    ],
)
def test_outage_costs_the_order_but_no_hit(
    settings: Settings,
    reranker: StandIn,
    caplog: pytest.LogCaptureFixture,
    controls: dict[str, object],
    error: str,
    said: str,
) -> None:
    """It is logged once, with its cause, and again after it was over."""
    expected = fused(settings, limit=2)
    caplog.set_level(logging.WARNING, "wikiembed")
    with Client(settings=settings) as client:
        for outage in (1, 2):
            before = {name: getattr(reranker.controls, name) for name in controls}
            reranker.controls.update(controls)
            for _ in range(2):
                hits = client.search(QUERY, limit=2)
                assert [hit.key for hit in hits] == [hit.key for hit in expected]
                assert [hit.rerank_score for hit in hits] == [None, None]
                assert said in (client.reranker_failure or "")
            events = events_of(caplog)
            assert len(events) == outage
            assert (events[-1]["server"], events[-1]["error"]) == (reranker.url, error)
            assert events[-1]["reason"] == client.reranker_failure
            for name, value in before.items():
                setattr(reranker.controls, name, value)
            assert client.search(QUERY, limit=1)[0].rerank_score is not None
            assert client.reranker_failure is None


@pytest.mark.parametrize(
    "controls",
    [
        {"latency_s": 30},
        {"status_for_all": Canned(status=429, headers={"retry-after": "30"})},
    ],
)
def test_searches_do_not_wait_again_in_an_outage(
    settings: Settings,
    reranker: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    controls: dict[str, object],
) -> None:
    """One has waited, or was asked to wait: for some seconds the reranker is left alone."""
    monkeypatch.setattr(reranking, "PAUSE_S", 30.0)
    reranker.controls.update(controls)
    with Client(settings=settings) as client:
        for _ in range(5):
            assert client.search(QUERY, limit=1)[0].rerank_score is None
            assert client.reranker_failure is not None
    assert len(reranker.stats.rerank_paths) <= 1


def test_setting_that_cannot_be_used_is_an_error(settings: Settings) -> None:
    """No outage, as waiting would not help."""
    wrong = settings.model_copy(update={"reranker_url": "http://127.1"})
    with (
        Client(settings=wrong) as client,
        pytest.raises(ConfigurationError, match="The reranker's address is not a URL"),
    ):
        client.search(QUERY)


def test_command_reranks_and_says_when_it_cannot(
    settings: Settings, reranker: StandIn, call: Call
) -> None:
    """The warning is on standard error, the hits on standard output, the exit code 0."""
    env = environment_of(settings)
    done = call("search", QUERY, "--limit", "1", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "rerank score 0.67" in done.stdout
    assert "rerank score" not in call("search", QUERY, "--no-rerank", env=env).stdout
    reranker.controls.status_for_all = Canned(status=403)
    failed = call("search", QUERY, "--rerank", "--json", "--limit", "2", env=env)
    assert failed.returncode == 0
    hits = [json.loads(line) for line in failed.stdout.splitlines()]
    assert [hit["rerank_score"] for hit in hits] == [None, None]
    assert failed.stderr == (
        "Warning: The chunks are not reranked. The reranker, or a proxy before it, refuses the API"
        " key (403): set WIKIEMBED_RERANKER_API_KEY to one that may use the model.\n"
    )
    del env["WIKIEMBED_RERANKER_URL"]
    refused = call("search", QUERY, "--rerank", env=env)
    assert refused.returncode == 2
    assert refused.stderr.endswith(
        "No reranker is set: set WIKIEMBED_RERANKER_URL to http://host:port.\n"
    )
