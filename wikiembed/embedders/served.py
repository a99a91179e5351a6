"""What a server's list of models says: their names, who owns them, how long a text may be.

llama.cpp and infinity answer whatever name they are asked for, so a typing error goes unnoticed
unless the list is read.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from wikiembed.embedders.decode import read_json
from wikiembed.embedders.http import HttpClient
from wikiembed.errors import EmbedderError

LIST_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One model of the list: its names, its identifier first; `longest` is in tokens."""

    names: tuple[str, ...]
    owner: str | None
    longest: int | None


async def listed_models(http: HttpClient, path: str) -> list[Listed]:
    """The models in the list at `path`; none where the server cannot be asked.

    One short request, whatever comes of it.
    """
    try:
        async with asyncio.timeout(LIST_TIMEOUT_S):
            answer = read_json(await http.get(path))
    except (EmbedderError, TimeoutError):
        return []
    models = answer.get("data") if isinstance(answer, dict) else answer
    return [_listed(model) for model in models] if isinstance(models, list) else []


def _listed(model: object) -> Listed:
    known = model if isinstance(model, dict) else {}
    aliases = known.get("aliases")
    found = [known.get("id"), known.get("root"), *(aliases if isinstance(aliases, list) else [])]
    names = tuple(name for name in found if isinstance(name, str) and name)
    owner, longest = known.get("owned_by"), known.get("max_model_len")
    return Listed(
        names=names if names and names[0] == known.get("id") else (),
        owner=owner if isinstance(owner, str) else None,
        longest=longest if type(longest) is int else None,
    )


async def sole_model(http: HttpClient, path: str) -> tuple[str, ...]:
    """The names of the only model in the list at `path`, its identifier first; else ().

    Servers that cannot be asked, and those with several models, say nothing here.
    """
    models = await listed_models(http, path)
    return models[0].names if len(models) == 1 else ()


def list_path(embeddings: str) -> str | None:
    """Where the models are listed, beside the path of embeddings; None where that is unknown."""
    if not embeddings.endswith("/embeddings"):
        return None
    return embeddings.removesuffix("embeddings") + "models"
