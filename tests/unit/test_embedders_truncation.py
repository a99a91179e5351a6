"""Long texts in the OpenAI dialect: which servers truncate them on request, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import orjson
import pytest

from tests.support.standin import StandIn, vectors_of
from tests.support.standin.profiles import LLAMA_CPP, OPENAI, TEI, VERTEX, VLLM, Profile
from wikiembed.config import Provider
from wikiembed.embedders.answers import error_of
from wikiembed.embedders.base import Cut, EmbedderOptions, Role
from wikiembed.embedders.http import HttpClient
from wikiembed.embedders.open import open_embedder
from wikiembed.embedders.openai import OpenAIEmbedder
from wikiembed.embedders.truncation import fields_of_host, fields_of_owner
from wikiembed.errors import TextTooLong

LONG = "x" * 50


async def _cut(server: StandIn, *, times: int = 1) -> list[Cut | None]:
    embedder = open_embedder(
        EmbedderOptions(provider=Provider.OPENAI, url=server.url, model="standin-model")
    )
    try:
        with pytest.raises(TextTooLong):
            await embedder.embed([LONG], role=Role.DOCUMENT)
        return [await embedder.embed_cut(LONG, role=Role.DOCUMENT) for _ in range(times)]
    finally:
        await embedder.aclose()


async def test_vllm_truncates_by_its_field() -> None:
    """The list of its models identifies it."""
    with StandIn(
        dialect="openai", max_chars=10, owned_by="vllm", truncation_field="truncate_prompt_tokens"
    ) as server:
        (cut,) = await _cut(server)
    assert cut is not None
    assert np.array_equal(cut.matrix, vectors_of([LONG[:10]], 768))
    assert cut.chars_kept is None


async def test_server_that_keeps_the_end_does_not_truncate() -> None:
    """An older vLLM ignores `truncation_side`: one request detects it, and the client truncates."""
    with StandIn(
        dialect="openai",
        max_chars=10,
        owned_by="vllm",
        truncation_field="truncate_prompt_tokens",
        keeps_end=True,
    ) as server:
        assert await _cut(server, times=3) == [None] * 3
        assert server.stats.texts == 3  # the whole one, the cut one, and a longer one


@pytest.mark.parametrize("owner", [None, "infinity", "llamacpp", "openai"])
async def test_other_servers_do_not_receive_the_field(owner: str | None) -> None:
    """A strict server would refuse it."""
    with StandIn(dialect="openai", max_chars=10, owned_by=owner, strict=True) as server:
        assert await _cut(server, times=2) == [None, None]
        assert server.stats.statuses[400] == 1  # the whole text's


@pytest.mark.parametrize("strict", [True, False])
async def test_server_that_refuses_or_ignores_the_field_receives_it_once(*, strict: bool) -> None:
    """A proxy that claims to be vLLM without the field: the client truncates from then on."""
    with StandIn(dialect="openai", max_chars=10, owned_by="vllm", strict=strict) as server:
        assert await _cut(server, times=2) == [None, None]
        assert server.stats.statuses[400] == 2  # the whole text's, and one with the field


def test_known_servers_have_their_field() -> None:
    """vLLM keeps the end of a text unless the side is set; Voyage truncates unless that is off."""
    assert fields_of_owner("vllm", 512).cut == {
        "truncate_prompt_tokens": 512,
        "truncation_side": "right",
    }
    assert fields_of_owner("vllm", None).cut["truncate_prompt_tokens"] == -1
    assert fields_of_host("api.voyageai.com").whole == {"truncation": False}
    assert fields_of_host("api.voyageai.com").cut == {"truncation": True}
    assert fields_of_host("integrate.api.nvidia.com").cut == {"truncate": "END"}
    assert fields_of_host("api.openai.com") == fields_of_owner("openai", 8192)


@pytest.mark.parametrize(
    ("profile", "limit", "given"),
    [(OPENAI, 8192, 9000), (VLLM, 512, 900), (TEI, 512, 900), (VERTEX, 2048, 9000)],
)
def test_stated_token_limit_is_read(profile: Profile, limit: int, given: int) -> None:
    """A search begins at the limit that the server states."""
    canned = profile.text_too_long
    assert canned is not None
    error = error_of(canned.status, canned.body.encode(), {})
    assert isinstance(error, TextTooLong)
    assert (error.limit, error.given) == (limit, given)


@pytest.mark.parametrize(
    "words",
    [
        "input (900 tokens) is too large to process. increase the physical batch size"
        " (current batch size: 512)",
        "request (900 tokens) exceeds the available context size (512 tokens), try increasing it",
    ],
)
def test_stated_token_limit_of_llama_cpp_is_read(words: str) -> None:
    """In two formats, by version."""
    error = error_of(500, b'{"error": {"message": "%b"}}' % words.encode(), {})
    assert isinstance(error, TextTooLong)
    assert (error.limit, error.given) == (512, 900)


def test_missing_token_limit_is_not_guessed() -> None:
    """No number is assumed."""
    canned = LLAMA_CPP.text_too_long
    assert canned is not None
    error = error_of(canned.status, canned.body.encode(), {})
    assert isinstance(error, TextTooLong)
    assert (error.limit, error.given) == (None, None)


class _Http(HttpClient):
    """Records requests; answers one vector per text, and an empty list of models."""

    def __init__(self, options: EmbedderOptions) -> None:
        super().__init__(options)
        self.sent: list[dict[str, object]] = []

    async def post(
        self, path: str, payload: Mapping[str, object], *, texts: Sequence[str]
    ) -> bytes:
        self.sent.append({k: v for k, v in payload.items() if k.startswith("trunca")})
        items = [{"index": i, "embedding": [1.0, 2.0]} for i in range(len(texts))]
        return orjson.dumps({"data": items, "model": "m"})

    async def get(self, path: str) -> bytes:
        return b'{"data": []}'


@pytest.mark.parametrize(
    ("host", "whole", "cut"),
    [
        ("api.voyageai.com", {"truncation": False}, {"truncation": True}),
        ("integrate.api.nvidia.com", {}, {"truncate": "END"}),
        ("api.openai.com", {}, None),
    ],
)
async def test_hosts_receive_their_own_field(
    host: str, whole: dict[str, object], cut: dict[str, object] | None
) -> None:
    """With each request where truncation is the default; elsewhere only for texts to truncate."""
    options = EmbedderOptions(provider=Provider.OPENAI, url=f"https://{host}", model="m")
    http = _Http(options)
    embedder = OpenAIEmbedder(options, http=http)
    await embedder.embed(["a", "b"], role=Role.DOCUMENT)
    made = await embedder.embed_cut("a", role=Role.DOCUMENT)
    assert http.sent == [whole, *([] if cut is None else [cut, cut])]
    assert (made is None) == (cut is None)
