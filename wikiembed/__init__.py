"""Keep every chunk of a Postgres wiki embedded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wikiembed.search.client import AsyncClient, Client
    from wikiembed.search.hit import Hit

__version__ = "0.1.0"
__all__ = ["AsyncClient", "Client", "Hit"]


def __getattr__(name: str) -> Any:
    """Import a public class when it is first used: commands do without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from wikiembed.search import client, hit

    return getattr(hit if name == "Hit" else client, name)
