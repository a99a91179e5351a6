"""Which model a server says that it serves, and whether that is the one that was asked for.

llama.cpp and infinity answer whatever name they are asked for, so a typing error goes unnoticed.
"""

from __future__ import annotations

import asyncio

from wikiembed.embedders.decode import read_json
from wikiembed.embedders.http import HttpClient
from wikiembed.errors import EmbedderError

LIST_TIMEOUT_S = 2.0


async def sole_model(http: HttpClient, path: str) -> tuple[str, ...]:
    """The names of the only model in the list at `path`, its identifier first; else ().

    Servers that cannot be asked, and those with several models, say nothing here: one short
    request, whatever comes of it.
    """
    try:
        async with asyncio.timeout(LIST_TIMEOUT_S):
            answer = read_json(await http.get(path))
    except (EmbedderError, TimeoutError):
        return ()
    models = answer.get("data") if isinstance(answer, dict) else answer
    if not isinstance(models, list) or len(models) != 1 or not isinstance(models[0], dict):
        return ()
    aliases = models[0].get("aliases")
    found = [models[0].get("id"), models[0].get("root")]
    found += aliases if isinstance(aliases, list) else []
    names = tuple(name for name in found if isinstance(name, str) and name)
    return names if names and names[0] == models[0].get("id") else ()


def list_path(embeddings: str) -> str | None:
    """Where the models are listed, beside the path of embeddings; None where nobody knows."""
    if not embeddings.endswith("/embeddings"):
        return None
    return embeddings.removesuffix("embeddings") + "models"
