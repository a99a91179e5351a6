"""A source as the worker sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

SOURCES = """
select xmin || ' ' || ctid, name, provider, model, dimensions, document_prefix, query_prefix,
       pinned_at is not null, prefix_pinned, text_config, budgeted
  from wikiembed.sources
"""
SOURCE = f"{SOURCES} where name = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One attached column; values that are None come from the settings.

    `version` identifies the state of its row: it changes with every update. `text_config`: that of
    its index for search by text; None: it has none. `budgeted`: whether it has a budget.
    """

    version: str
    name: str
    provider: str | None
    model: str | None
    dimensions: int | None
    document_prefix: str | None
    query_prefix: str | None
    pinned: bool
    prefix_pinned: bool
    text_config: str | None = None
    budgeted: bool = False

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Source:
        """The source of a row of `SOURCES`."""
        return cls(**dict(zip(_NAMES, row, strict=True)))


_NAMES = tuple(one.name for one in fields(Source))
