"""Servers of models: every chunk gets the vector that the server gives its text."""

from __future__ import annotations

import os
from dataclasses import dataclass

import httpx
import numpy as np
import pytest

from tests.support.chunks import add, counts, make_source
from tests.support.database import Database
from tests.support.workers import drain, settings_of
from wikiembed import AsyncClient

TEXTS = [f"Passage {number}: " + "bread rises in a warm oven. " * (1 + number % 5)
         for number in range(64)]  # fmt: skip
TOO_LONG = "The baker weighs flour, water and salt. " * 400
"""About 4,000 tokens: more than a small model of sentences takes."""
DRAIN_S = 900.0
"""A model without a GPU takes long."""
FOUND = "select outcome, from_chars from wikiembed.truncation where source = 'docs'"
VECTORS = "select body, vec::text from public.docs where vec is not null order by id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server at `url`, with the name of its model and `dimensions`."""

    url: str
    model: str
    dimensions: int

    @property
    def headers(self) -> dict[str, str]:
        """The key, if the server wants one."""
        key = os.environ.get("WIKIEMBED_TEST_SERVER_KEY")
        return {"Authorization": f"Bearer {key}"} if key else {}

    def vector(self, text: str) -> np.ndarray:
        """What the server answers for `text` alone, ``(dim,) float64``."""
        return embedding(self.url, self.model, text, self.headers)


def embedding(url: str, model: str, text: str, headers: dict[str, str]) -> np.ndarray:
    """The vector of `text`, asked without wikiembed."""
    asked = {"model": model, "input": [text]}
    answer = httpx.post(f"{url}/v1/embeddings", json=asked, headers=headers, timeout=120)
    answer.raise_for_status()
    return np.asarray(answer.json()["data"][0]["embedding"])


@pytest.fixture(params=["LLAMA_SERVER", "INFINITY", "LITELLM"])
def server(request: pytest.FixtureRequest) -> Server:
    """The server of WIKIEMBED_TEST_LLAMA_SERVER and so on: its URL, a space, its model's name."""
    setting = f"WIKIEMBED_TEST_{request.param}"
    given = os.environ.get(setting, "").split()
    if len(given) != 2:
        pytest.skip(f"no server: {setting} is not set to its URL and its model's name")
    url, model = given
    key = os.environ.get("WIKIEMBED_TEST_SERVER_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    found = embedding(url, model, "one", headers)
    return Server(url=url, model=model, dimensions=len(found))


@pytest.fixture
def source(database: Database, server: Server) -> Database:
    """``public.docs`` with vectors of the model's dimensions."""
    make_source(database, vector=f"vector({server.dimensions})")
    return database


async def test_every_chunk_gets_the_servers_vector(source: Database, server: Server) -> None:
    """In batches as alone: a cosine above 0.9999; and a question finds its passage first."""
    add(source, *TEXTS)
    settings = settings_of(
        source, server.url, model=server.model, request_timeout_s=120.0,
        api_key=os.environ.get("WIKIEMBED_TEST_SERVER_KEY"),
    )  # fmt: skip
    await drain(settings, timeout_s=DRAIN_S)
    assert counts(source)[:3] == (len(TEXTS), 0, 0)
    for body, stored in source.rows(VECTORS)[::8]:
        ours = np.asarray(stored.strip("[]").split(","), dtype=float)
        theirs = server.vector(body)
        cosine = ours @ theirs / (np.linalg.norm(ours) * np.linalg.norm(theirs))
        assert cosine > 0.9999, body
    async with AsyncClient(settings=settings) as client:
        hits = await client.search(TEXTS[7], source="docs", mode="vector", limit=1)
        assert hits[0].content == TEXTS[7]
    source.check_invariants()


async def test_a_text_too_long_is_recorded_and_the_rest_embedded(
    source: Database, server: Server, request: pytest.FixtureRequest
) -> None:
    """llama.cpp refuses it, and LiteLLM passes that on; infinity cuts it."""
    add(source, *TEXTS[:20], TOO_LONG)
    settings = settings_of(
        source, server.url, model=server.model, request_timeout_s=120.0,
        api_key=os.environ.get("WIKIEMBED_TEST_SERVER_KEY"),
    )  # fmt: skip
    await drain(settings, timeout_s=DRAIN_S)
    classes = source.rows("select error_class from wikiembed.failures")
    if "INFINITY" in request.node.name:
        assert (counts(source).embedded, classes) == (21, [])
    else:
        assert (counts(source).embedded, classes) == (20, [("text_too_long",)])


async def test_the_canary_knows_what_the_server_does_with_long_texts(
    source: Database, server: Server, request: pytest.FixtureRequest
) -> None:
    """llama.cpp refuses them, also behind LiteLLM; infinity cuts them where the check says."""
    add(source, *TEXTS[:2])
    settings = settings_of(
        source, server.url, model=server.model, request_timeout_s=120.0, check_truncation=True,
        api_key=os.environ.get("WIKIEMBED_TEST_SERVER_KEY"),
    )  # fmt: skip
    await drain(settings, timeout_s=DRAIN_S)
    [(outcome, beyond)] = source.rows(FOUND)
    if "INFINITY" not in request.node.name:
        assert (outcome, beyond) == ("refused", None)
        return
    assert outcome == "silent"
    assert cosine_of_ends(server, beyond * 2) > 0.9999
    assert cosine_of_ends(server, beyond // 2) < 0.9999
    assert counts(source).embedded == 2
    source.check_invariants()


def cosine_of_ends(server: Server, shared: int) -> float:
    """How alike are two texts that share `shared` characters and end differently."""
    beginning = (TOO_LONG * 4)[:shared]
    one, other = (
        server.vector(f"{beginning} {end}") for end in ("A comet passes.", "Wool is spun.")
    )
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
