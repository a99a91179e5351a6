"""A reranker's two forms, what is learned from its answers, and each of its failures."""

from __future__ import annotations

import orjson
import pytest

from tests.support.standin import Canned, StandIn
from tests.support.standin.rerank import score_of
from wikiembed.config import Settings
from wikiembed.embedders.rerank import Reranker, scores_in
from wikiembed.errors import (
    ConfigurationError,
    EmbedderBadAnswer,
    EmbedderError,
    EmbedderMisconfigured,
    EmbedderRejected,
    EmbedderThrottled,
    EmbedderTimeout,
    EmbedderUnavailable,
)

_QUERY = "how do bees make honey"
_TEXTS = ["Steam drives trains.", "Bees make honey.", "A queen bee."]
_SCORES = [score_of(_QUERY, text) for text in _TEXTS]
_KEY = "sk-Tr0ub4dor-and-3"


def _reranker(url: str, **changed: object) -> Reranker:
    return Reranker(Settings.model_validate({"reranker_url": url, **changed}))


async def _failure(url: str, **changed: object) -> EmbedderError:
    reranker = _reranker(url, **changed)
    try:
        with pytest.raises(EmbedderError) as caught:
            await reranker.scores(_QUERY, _TEXTS)
    finally:
        await reranker.aclose()
    sentence = str(caught.value)
    assert "embed" not in sentence.lower().replace("wikiembed", "")
    assert "WIKIEMBED_EMBEDDER" not in sentence
    assert _KEY not in sentence
    assert _TEXTS[0] not in sentence
    assert sentence.endswith(".")
    return caught.value


@pytest.mark.parametrize(
    ("form", "asked"),
    [
        ("v1", ["/v1/rerank", "/v1/rerank"]),
        ("tei", ["/v1/rerank", "/rerank", "/rerank"]),
        ("root", ["/v1/rerank", "/rerank", "/rerank", "/rerank"]),
    ],
)
async def test_form_of_the_server_is_found_once(form: str, asked: list[str]) -> None:
    """By the first request; infinity takes the form of /v1/rerank at /rerank."""
    with StandIn(rerank_forms=[form]) as standin:
        reranker = _reranker(standin.url)
        assert await reranker.scores(_QUERY, _TEXTS) == _SCORES
        assert await reranker.scores(_QUERY, _TEXTS) == _SCORES
        await reranker.aclose()
        assert standin.stats.rerank_paths == asked


async def test_another_server_at_the_address_is_found_again() -> None:
    """A client need not be restarted when TEI takes the place of llama.cpp."""
    with StandIn(rerank_forms=["v1"]) as standin:
        reranker = _reranker(standin.url + "/v1")
        assert await reranker.scores(_QUERY, _TEXTS) == _SCORES
        standin.controls.rerank_forms = ["tei"]
        assert await reranker.scores(_QUERY, _TEXTS) == _SCORES
        await reranker.aclose()


@pytest.mark.parametrize("form", ["v1", "tei"])
async def test_more_texts_than_a_request_takes_are_sent_in_several(form: str) -> None:
    """By default 32 for TEI; else as the server says."""
    texts = [f"Text {i} of honey" + " bees" * (i % 3) for i in range(70)]
    with StandIn(rerank_forms=[form], max_batch=None if form == "tei" else 20) as standin:
        reranker = _reranker(standin.url)
        found = await reranker.scores(_QUERY, texts)
        assert found == [score_of(_QUERY, text) for text in texts]
        standin.reset_stats()
        await reranker.scores(_QUERY, texts)
        assert standin.stats.max_texts == (32 if form == "tei" else 20)
        await reranker.aclose()


async def test_batch_is_halved_where_no_limit_is_stated() -> None:
    """As a proxy before the server refuses a large body."""
    with StandIn(rerank_forms=["v1"], fail_next=[Canned(status=413)]) as standin:
        reranker = _reranker(standin.url)
        assert await reranker.scores(_QUERY, _TEXTS) == _SCORES
        assert len(standin.stats.rerank_paths) == 4
        await reranker.aclose()


async def test_long_texts_are_cut_where_the_server_does_not() -> None:
    """The beginning is scored; and from then on at once."""
    texts = ["Bees make honey. " + "x" * 5_000, "Steam."]
    with StandIn(rerank_forms=["v1"], max_chars=1_000, record=True) as standin:
        reranker = _reranker(standin.url)
        assert await reranker.scores(_QUERY, texts) == [score_of(_QUERY, t) for t in texts]
        standin.reset_stats()
        await reranker.scores(_QUERY, texts)
        assert len(standin.stats.rerank_paths) == 1
        assert 500 <= max(map(len, standin.stats.recorded)) <= 1_000
        standin.controls.max_chars = 1
        with pytest.raises(EmbedderRejected, match="longer than the model's context"):
            await reranker.scores(_QUERY, texts)
        await reranker.aclose()


async def test_tei_cuts_long_texts_itself() -> None:
    """Asked by `truncate`."""
    with StandIn(rerank_forms=["tei"], max_chars=10) as standin:
        reranker = _reranker(standin.url)
        assert await reranker.scores(_QUERY, _TEXTS) == _SCORES
        await reranker.aclose()


async def test_key_and_model_are_the_rerankers_own() -> None:
    """The key of the embedding server is not sent to the reranker."""
    with StandIn(rerank_forms=["v1"], api_key=_KEY, known_models=["bge"]) as standin:
        own = _reranker(standin.url, reranker_api_key=_KEY, reranker_model="bge")
        assert await own.scores(_QUERY, _TEXTS) == _SCORES
        await own.aclose()
        error = await _failure(standin.url, api_key=_KEY)
        assert type(error) is EmbedderMisconfigured
        assert str(error) == (
            "The reranker refuses the API key (401): set WIKIEMBED_RERANKER_API_KEY."
        )
        error = await _failure(standin.url, reranker_api_key=_KEY, reranker_model="other")
        assert "knows no such model, or neither /v1/rerank nor /rerank (404): set" in str(error)


async def test_server_that_does_not_rerank_is_misconfiguration() -> None:
    """Both paths are unknown to it."""
    with StandIn(rerank_forms=[]) as standin:
        error = await _failure(standin.url)
    assert type(error) is EmbedderMisconfigured
    assert "WIKIEMBED_RERANKER_URL to the server's root" in str(error)


async def test_refused_connection_is_unavailable() -> None:
    """With the cause."""
    error = await _failure("http://127.0.0.1:1")
    assert type(error) is EmbedderUnavailable
    assert str(error) == (
        "The reranker at http://127.0.0.1:1 cannot be reached (nothing listens on that port):"
        " start it, or set WIKIEMBED_RERANKER_URL."
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, EmbedderMisconfigured),
        (429, EmbedderThrottled),
        (500, EmbedderRejected),
        (501, EmbedderRejected),
        (502, EmbedderUnavailable),
        (503, EmbedderUnavailable),
        (504, EmbedderTimeout),
    ],
)
@pytest.mark.parametrize("form", ["v1", "tei"])
async def test_each_status_has_its_class(form: str, status: int, kind: type) -> None:
    """In the reranker's words, whichever form it takes."""
    refusal = Canned(status=status, body='{"error":"no"}', headers={"retry-after": "7"})
    with StandIn(rerank_forms=[form], status_for_all=refusal) as standin:
        error = await _failure(standin.url)
    assert (type(error), error.http_status) == (kind, status)
    if isinstance(error, EmbedderThrottled):
        assert error.retry_after_s == 7


async def test_time_is_bounded_for_the_whole() -> None:
    """However many requests are needed."""
    with StandIn(rerank_forms=["root"], latency_s=0.3) as standin:
        error = await _failure(standin.url, reranker_timeout_s=0.5)
        assert type(error) is EmbedderTimeout
        assert "gave no answer within 0.5 s." in str(error)
    with StandIn(latency_s=30) as standin:
        assert type(await _failure(standin.url, reranker_timeout_s=0.2)) is EmbedderTimeout


@pytest.mark.parametrize(
    ("garbage", "sentence"),
    [
        ("wrong_count", "The reranker answered 2 scores to 3 texts."),
        ("nan", "The reranker's answer is not JSON."),
        ("infinity", None),
        ("nulls", "The reranker answered a score that is not a number."),
        ("strings", "The reranker answered a score that is not a number."),
        ("duplicate_index", "The reranker answered the same index twice."),
        ("foreign_index", "The reranker answered an index out of range."),
        ("missing_index", "The reranker answered an index out of range."),
        ("html", "The reranker's answer is not JSON."),
        ("empty", "The reranker's answer is not JSON."),
        ("truncated_json", "The reranker's answer is not JSON."),
    ],
)
@pytest.mark.parametrize("form", ["v1", "tei"])
async def test_wrong_answer_is_not_used(form: str, garbage: str, sentence: str | None) -> None:
    """No part of it."""
    with StandIn(rerank_forms=[form], garbage=garbage) as standin:
        error = await _failure(standin.url)
    assert type(error) is EmbedderBadAnswer
    assert sentence in {None, str(error)}


@pytest.mark.parametrize(
    "answer", [{}, {"results": None}, {"results": {}}, 5, None, [1], [[0, 0.5]], [{"index": 0}]]
)
def test_answer_of_another_shape_is_refused(answer: object) -> None:
    """In one sentence."""
    with pytest.raises(EmbedderBadAnswer):
        scores_in(orjson.dumps(answer), count=1)


def test_boolean_is_no_score_and_no_index() -> None:
    """Though Python counts with it."""
    for item in ({"index": False, "score": 0.5}, {"index": 0, "score": True}):
        with pytest.raises(EmbedderBadAnswer):
            scores_in(orjson.dumps([item]), count=1)


async def test_password_of_the_address_is_not_shown() -> None:
    """It goes into requests, and into no sentence and no event."""
    reranker = _reranker("http://me:hunter2@127.0.0.1:1/v1")
    assert reranker.server == "http://127.0.0.1:1"
    await reranker.aclose()
    for status in (401, 404, 500):
        with StandIn(status_for_all=Canned(status=status)) as standin:
            error = await _failure(standin.url.replace("//", "//me:hunter2@"))
            assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"reranker_url": "http://127.1"}, "The reranker's address is not a URL: set WIKIEMBED_R"),
        ({"reranker_api_key": "a b\n"}, "The API key of WIKIEMBED_RERANKER_API_KEY holds a char"),
    ],
)
def test_setting_that_cannot_be_used_is_refused(changed: dict[str, str], sentence: str) -> None:
    """By its own name."""
    with pytest.raises(ConfigurationError, match=sentence):
        _reranker(**{"url": changed.pop("reranker_url", "http://127.0.0.1:1"), **changed})
