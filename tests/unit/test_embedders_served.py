"""The model that a server lists, compared with the name in the request."""

from __future__ import annotations

import pytest

from tests.support.standin import StandIn
from tests.support.standin.dialects import Dialect
from wikiembed.config import Provider
from wikiembed.embedders.base import EmbedderOptions, ModelInfo
from wikiembed.embedders.names import same_model
from wikiembed.embedders.open import open_embedder
from wikiembed.embedders.served import list_path


async def _described(server: StandIn, model: str, *, path: str | None = None) -> ModelInfo:
    embedder = open_embedder(
        EmbedderOptions(provider=Provider.OPENAI, url=server.url, model=model, path=path)
    )
    try:
        return await embedder.describe()
    finally:
        await embedder.aclose()


@pytest.mark.parametrize("path", [None, "/embeddings"])
async def test_served_model_is_distinguished_from_a_misspelt_name(path: str | None) -> None:
    """The server answers to any name with one vector, so its own name is pinned."""
    with StandIn(dialect="openai", dimensions=4, listed=["nomic-embed-text"]) as server:
        info = await _described(server, "nomic-embed-txet", path=path)
    assert (info.model, info.served, info.ignores_name) == (
        "nomic-embed-txet",
        "nomic-embed-text",
        True,
    )
    assert info.pins_as(None) == "nomic-embed-text"
    assert info.pins_as("nomic-embed-text") == "nomic-embed-text"
    assert info.pins_as("nomic-embed-txet") == "nomic-embed-txet"
    assert info.pins_as("bge-m3") == "nomic-embed-text"


@pytest.mark.parametrize(
    "listed",
    [
        [],
        ["a", "b"],
        ["m"],
        ["org/m"],
        ["/models/m.gguf"],
        ["m:latest"],
        ["M-v1.5.Q8_0.gguf"],
        ["openai/*"],
    ],
)
async def test_served_model_gives_no_false_warning(listed: list[str]) -> None:
    """Several models, an alias, a file, a tag or a pattern: no warning."""
    with StandIn(dialect="openai", dimensions=4, listed=listed) as server:
        info = await _described(server, "m")
    assert (info.served, info.pins_as(None)) == (None, "m")


async def test_gateway_that_accepts_both_names_pins_the_configured_one() -> None:
    """It lists one model and also serves another: the vectors differ, or it refuses one."""
    known = ["wanted"]
    with StandIn(dialect="openai", dimensions=4, listed=["default"], known_models=known) as server:
        info = await _described(server, "wanted")
    assert (info.served, info.ignores_name, info.pins_as(None)) == ("default", False, "wanted")


@pytest.mark.parametrize("dialect", ["tei", "all"])
async def test_server_without_a_list_changes_nothing(dialect: Dialect) -> None:
    """The address has no known list, or the server has none."""
    with StandIn(dialect=dialect, dimensions=4, listed=["b"]) as server:
        if dialect == "all":
            info = await _described(server, "a", path="/embeddings?api-version=1")
        else:
            embedder = open_embedder(
                EmbedderOptions(provider=Provider.TEI, url=server.url, model="other")
            )
            info = await embedder.describe()
            await embedder.aclose()
            assert (info.model, info.served) == ("standin-model", "standin-model")
            return
    assert (info.served, info.model) == (None, "a")


@pytest.mark.parametrize(
    ("path", "models"),
    [
        ("/v1/embeddings", "/v1/models"),
        ("/embeddings", "/models"),
        ("/openai/deployments/d/embeddings?api-version=1", None),
        ("/embed", None),
    ],
)
def test_list_path_is_next_to_the_embeddings_path(path: str, models: str | None) -> None:
    """The path stays as it is where it is not in OpenAI's dialect."""
    assert list_path(path) == models


def test_same_model_distinguishes_names() -> None:
    """Other names are other models."""
    assert not same_model("nomic-embed-text", "bge-m3")
    assert same_model("nomic-embed-text:latest", "nomic-embed-text")
