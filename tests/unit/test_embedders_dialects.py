"""The dialects of all servers, against the stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from tests.support.standin import BadText, Canned, StandIn, vectors_of
from tests.support.standin.dialects import TONGUES, Dialect
from tests.support.standin.faults import Garbage
from wikiembed.config import Provider
from wikiembed.embedders.base import Embedder, EmbedderOptions, Role
from wikiembed.embedders.open import open_embedder
from wikiembed.errors import (
    BatchTooLarge,
    ConfigurationError,
    EmbedderBadAnswer,
    EmbedderError,
    EmbedderMisconfigured,
    EmbedderRejected,
    EmbedderThrottled,
    EmbedderUnavailable,
    TextTooLong,
)
from wikiembed.vectors import usable_rows

_DIALECTS: dict[Provider, Dialect] = {Provider(tongue): tongue for tongue in TONGUES}
_SERVERS = list(_DIALECTS)
_LIMIT_UNSTATED = {Provider.OLLAMA}
_TEXTS = ["one", "zwei", "三", "it's 'four'"]

Opener = Callable[..., Embedder]


def _options(
    provider: Provider,
    url: str | None,
    *,
    model: str | None = "m",
    dimensions: int | None = None,
) -> EmbedderOptions:
    return EmbedderOptions(
        provider=provider,
        url=url,
        model=model,
        request_timeout_s=5,
        request_dimensions=dimensions,
    )


@pytest.fixture
async def opened() -> AsyncIterator[Opener]:
    """Open embedders, and close them at the end."""
    embedders: list[Embedder] = []

    def open_one(options: EmbedderOptions) -> Embedder:
        embedders.append(open_embedder(options))
        return embedders[-1]

    yield open_one
    for embedder in embedders:
        await embedder.aclose()


def test_standin_speaks_the_dialect_of_every_server() -> None:
    """So the tests below are those of every provider but the models in the process."""
    assert {*_DIALECTS} == {provider for provider in Provider if not provider.in_process}


@pytest.mark.parametrize("provider", _SERVERS)
async def test_embed_gives_row_i_for_text_i(opened: Opener, provider: Provider) -> None:
    """The matrix holds each text's own vector, in order."""
    with StandIn(dialect=_DIALECTS[provider]) as server:
        matrix = await opened(_options(provider, server.url)).embed(_TEXTS, role=Role.DOCUMENT)
    assert matrix.dtype == np.dtype("float32")
    assert np.array_equal(matrix, vectors_of(_TEXTS, 768))


@pytest.mark.parametrize("provider", [*_SERVERS, Provider.LOCAL])
async def test_embed_of_no_text_makes_no_request(opened: Opener, provider: Provider) -> None:
    """An empty batch gives an empty matrix and makes no request."""
    with StandIn() as server:
        matrix = await opened(_options(provider, server.url)).embed([], role=Role.DOCUMENT)
        assert (len(matrix), server.stats.requests) == (0, 0)


@pytest.mark.parametrize("provider", [Provider.OLLAMA, Provider.OPENAI])
async def test_describe_names_the_model_and_its_dimensions(
    opened: Opener, provider: Provider
) -> None:
    """The probe text is embedded once, and nothing else."""
    with StandIn(dimensions=12) as server:
        info = await opened(_options(provider, server.url)).describe()
        assert (server.stats.probes, server.stats.texts) == (1, 0)
    assert (info.provider, info.model, info.dimensions) == (provider, "m", 12)
    assert info.max_batch is None


async def test_describe_of_tei_returns_what_info_reports(opened: Opener) -> None:
    """TEI reports its model and its largest batch, whatever the options say."""
    with StandIn(dialect="tei", dimensions=12, model="BAAI/bge", max_batch=16) as server:
        info = await opened(_options(Provider.TEI, server.url)).describe()
    assert (info.model, info.dimensions, info.max_batch) == ("BAAI/bge", 12, 16)


async def test_describe_of_tei_without_info_uses_the_model_in_settings(opened: Opener) -> None:
    """A gateway that forwards `/embed` alone is enough; the limit is learned later."""
    with StandIn(dialect="tei", dimensions=12, knows_info=False) as server:
        info = await opened(_options(Provider.TEI, server.url)).describe()
        unnamed = await opened(_options(Provider.TEI, server.url, model=None)).describe()
    assert (info.model, info.dimensions, info.max_batch) == ("m", 12, None)
    assert unnamed.model == "tei"


async def test_describe_of_openai_without_a_model_uses_the_one_in_the_answer(
    opened: Opener,
) -> None:
    """A llama.cpp that serves one model names it itself."""
    with StandIn(dialect="openai", model="ggml") as server:
        info = await opened(_options(Provider.OPENAI, server.url, model=None)).describe()
    assert info.model == "ggml"


async def test_openai_falls_back_to_numbers_once(opened: Opener) -> None:
    """After a server has refused `encoding_format`, requests omit it."""
    with StandIn(dialect="openai", knows_base64=False) as server:
        embedder = opened(_options(Provider.OPENAI, server.url))
        for _ in range(3):
            assert np.array_equal(
                await embedder.embed(_TEXTS, role=Role.DOCUMENT), vectors_of(_TEXTS, 768)
            )
        assert server.stats.requests == 4


async def test_openai_requests_base64(opened: Opener) -> None:
    """The client requests base64: only it carries NaN, which JSON numbers cannot."""
    with StandIn(dialect="openai") as server:
        server.controls.bad_texts = [BadText(contains="zwei", effect="nan")]
        matrix = await opened(_options(Provider.OPENAI, server.url)).embed(
            _TEXTS, role=Role.DOCUMENT
        )
    assert np.isnan(matrix[1]).all()
    assert usable_rows(matrix).tolist() == [True, False, True, True]


async def test_openai_sorts_by_index(opened: Opener) -> None:
    """An answer in another order is sorted."""
    with StandIn(dialect="openai", garbage="shuffled") as server:
        matrix = await opened(_options(Provider.OPENAI, server.url)).embed(
            _TEXTS, role=Role.DOCUMENT
        )
    assert np.array_equal(matrix, vectors_of(_TEXTS, 768))


@pytest.mark.parametrize("provider", _SERVERS)
async def test_dimensions_are_requested_only_when_configured(
    opened: Opener, provider: Provider
) -> None:
    """`dimensions` is sent only with `request_dimensions`."""
    with StandIn(dimensions=32) as server:
        plain = await opened(_options(provider, server.url)).embed(["a"], role=Role.DOCUMENT)
        asked = await opened(_options(provider, server.url, dimensions=8)).embed(
            ["a"], role=Role.DOCUMENT
        )
    assert (plain.shape, asked.shape) == ((1, 32), (1, 8))


@pytest.mark.parametrize("provider", _SERVERS)
async def test_text_too_long_has_its_own_error(opened: Opener, provider: Provider) -> None:
    """Silent truncation is off, and each dialect's own message is recognized."""
    with StandIn(max_chars=10) as server, pytest.raises(TextTooLong):
        await opened(_options(provider, server.url)).embed(["short", "x" * 11], role=Role.DOCUMENT)


@pytest.mark.parametrize("provider", [Provider.OLLAMA, Provider.TEI])
async def test_truncation_is_on_when_configured(opened: Opener, provider: Provider) -> None:
    """The server truncates the text, and does not report how much it kept."""
    with StandIn(max_chars=10) as server:
        cut = await opened(_options(provider, server.url)).embed_cut("x" * 50, role=Role.DOCUMENT)
    assert cut is not None
    assert np.array_equal(cut.matrix, vectors_of(["x" * 10], 768))
    assert cut.chars_kept is None


@pytest.mark.parametrize("provider", _SERVERS)
async def test_batch_too_large_error_carries_the_limit(opened: Opener, provider: Provider) -> None:
    """The limit is learned where the dialect states it."""
    with StandIn(max_batch=3) as server, pytest.raises(BatchTooLarge) as caught:
        await opened(_options(provider, server.url)).embed(_TEXTS, role=Role.DOCUMENT)
    assert caught.value.limit == (None if provider in _LIMIT_UNSTATED else 3)


async def test_tei_accepts_32_texts_by_default(opened: Opener) -> None:
    """The stand-in's default limit is TEI's."""
    with StandIn(dialect="tei") as server:
        embedder = opened(_options(Provider.TEI, server.url))
        assert len(await embedder.embed(["a"] * 32, role=Role.DOCUMENT)) == 32
        with pytest.raises(BatchTooLarge) as caught:
            await embedder.embed(["a"] * 33, role=Role.DOCUMENT)
    assert caught.value.limit == 32


@pytest.mark.parametrize("provider", [Provider.OLLAMA, Provider.OPENAI])
async def test_unknown_model_is_a_misconfiguration(opened: Opener, provider: Provider) -> None:
    """A 404 is not a text's fault."""
    with StandIn(known_models=["other"]) as server:
        embedder = opened(_options(provider, server.url))
        with pytest.raises(EmbedderMisconfigured) as caught:
            await embedder.embed(["a"], role=Role.DOCUMENT)
    assert caught.value.http_status == 404


@pytest.mark.parametrize("provider", _SERVERS)
@pytest.mark.parametrize(
    ("canned", "kind"),
    [
        (Canned(status=429, headers={"Retry-After": "3"}), EmbedderThrottled),
        (Canned(status=503, body="<html>", headers={"Retry-After": "3"}), EmbedderUnavailable),
    ],
)
async def test_outages_carry_retry_after(
    opened: Opener, provider: Provider, canned: Canned, kind: type[EmbedderUnavailable]
) -> None:
    """Throttled and unavailable servers state how long to wait."""
    with StandIn(status_for_all=canned) as server, pytest.raises(EmbedderUnavailable) as caught:
        await opened(_options(provider, server.url)).describe()
    assert type(caught.value) is kind
    assert caught.value.retry_after_s == 3.0


@pytest.mark.parametrize("provider", _SERVERS)
async def test_error_for_one_text_rejects_its_batch(opened: Opener, provider: Provider) -> None:
    """One bad text fails its batch with the status, and the next batch passes."""
    with StandIn(bad_texts=[BadText(regex="zw.i")]) as server:
        embedder = opened(_options(provider, server.url))
        with pytest.raises(EmbedderRejected) as caught:
            await embedder.embed(_TEXTS, role=Role.DOCUMENT)
        assert caught.value.http_status == 500
        assert len(await embedder.embed(["one"], role=Role.DOCUMENT)) == 1


@pytest.mark.parametrize("provider", _SERVERS)
@pytest.mark.parametrize("effect", ["null", "zeros"])
async def test_unusable_row_spares_its_neighbours(
    opened: Opener, provider: Provider, effect: str
) -> None:
    """Nulls and zeros in one row leave the others usable."""
    with StandIn(bad_texts=[{"contains": "zwei", "effect": effect}]) as server:
        matrix = await opened(_options(provider, server.url)).embed(_TEXTS, role=Role.DOCUMENT)
    assert usable_rows(matrix).tolist() == [True, False, True, True]


@pytest.mark.parametrize("provider", _SERVERS)
@pytest.mark.parametrize(
    "garbage", ["wrong_count", "strings", "truncated_json", "html", "empty", "oversize"]
)
async def test_answer_without_vectors_is_a_bad_answer(
    opened: Opener, provider: Provider, garbage: Garbage
) -> None:
    """A success status without usable vectors has its own error."""
    with StandIn(garbage=garbage) as server, pytest.raises(EmbedderBadAnswer):
        await opened(_options(provider, server.url)).embed(_TEXTS, role=Role.DOCUMENT)


@pytest.mark.parametrize("garbage", ["duplicate_index", "missing_index"])
async def test_wrong_index_is_a_bad_answer(opened: Opener, garbage: Garbage) -> None:
    """Rows without a valid order are not guessed."""
    with StandIn(garbage=garbage) as server, pytest.raises(EmbedderBadAnswer, match="index"):
        await opened(_options(Provider.OPENAI, server.url)).embed(_TEXTS, role=Role.DOCUMENT)


@pytest.mark.parametrize("provider", _SERVERS)
@pytest.mark.parametrize("garbage", ["nan", "infinity", "zeros", "nulls"])
async def test_unusable_numbers_never_pass_as_usable(
    opened: Opener, provider: Provider, garbage: Garbage
) -> None:
    """Such vectors are a bad answer or rows that usable_rows rejects."""
    with StandIn(garbage=garbage) as server:
        try:
            matrix = await opened(_options(provider, server.url)).embed(_TEXTS, role=Role.DOCUMENT)
        except EmbedderBadAnswer:
            return
    assert not usable_rows(matrix).any()


@pytest.mark.parametrize("provider", _SERVERS)
async def test_vectors_of_another_dimension_are_returned(
    opened: Opener, provider: Provider
) -> None:
    """The embedder checks no dimension, even after it has learned another."""
    with StandIn(dimensions=8) as server:
        embedder = opened(_options(provider, server.url))
        await embedder.embed(["a"], role=Role.DOCUMENT)
        server.controls.dimensions = 4000
        assert (await embedder.embed(["a"], role=Role.DOCUMENT)).shape == (1, 4000)


async def test_answers_are_bounded_by_the_learned_dimensions(opened: Opener) -> None:
    """A large batch passes; an answer with far more numbers than any before does not."""
    with StandIn(dimensions=768) as server:
        embedder = opened(_options(Provider.OLLAMA, server.url))
        for _ in range(2):
            assert (await embedder.embed(["a"] * 300, role=Role.DOCUMENT)).shape == (300, 768)
        server.controls.dimensions = 16_000
        with pytest.raises(EmbedderBadAnswer, match="larger"):
            await embedder.embed(["a"] * 60, role=Role.DOCUMENT)
        assert (await embedder.embed(["a"], role=Role.DOCUMENT)).shape == (1, 16_000)


def test_ollama_without_a_model_is_a_configuration_error() -> None:
    """Ollama serves many models: the setting must name one."""
    with pytest.raises(ConfigurationError, match="WIKIEMBED_MODEL"):
        open_embedder(_options(Provider.OLLAMA, "http://host", model=None))


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "http://unknown.invalid"])
async def test_address_without_a_server_is_unavailable(opened: Opener, url: str) -> None:
    """Neither a closed port nor an unknown name is a text's fault."""
    with pytest.raises(EmbedderUnavailable):
        await opened(_options(Provider.TEI, url)).embed(["a"], role=Role.DOCUMENT)


async def test_every_failure_is_an_embedder_error(opened: Opener) -> None:
    """Any status in any dialect maps to our tree: exit 3, or 2 for a wrong setting."""
    for provider in _SERVERS:
        with StandIn() as server:
            embedder = opened(_options(provider, server.url))
            for status in [*range(300, 309), *range(400, 432), *range(500, 512), 520, 529, 599]:
                server.controls.fail_next = [Canned(status=status, body="{}")]
                with pytest.raises(EmbedderError) as caught:
                    await embedder.embed(["a"], role=Role.DOCUMENT)
                wrong = isinstance(caught.value, EmbedderMisconfigured)
                assert caught.value.exit_code == (2 if wrong else 3)
                assert caught.value.http_status == status
