"""A source as the worker sees it."""

from __future__ import annotations

from dataclasses import dataclass

SOURCES = """
select xmin || ' ' || ctid, name, provider, model, dimensions, document_prefix, query_prefix,
       pinned_at is not null, prefix_pinned
  from wikiembed.sources
"""
SOURCE = f"{SOURCES} where name = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One attached column; values that are None come from the settings.

    `version` identifies the state of its row: it changes with every update.
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

    @classmethod
    def from_row(
        cls,
        row: tuple[
            str, str, str | None, str | None, int | None, str | None, str | None, bool, bool
        ],
    ) -> Source:
        """The source of a row of `SOURCES`."""
        version, name, provider, model, dimensions, document_prefix, query_prefix, *flags = row
        pinned, prefix_pinned = flags
        return cls(
            version=version,
            name=name,
            provider=provider,
            model=model,
            dimensions=dimensions,
            document_prefix=document_prefix,
            query_prefix=query_prefix,
            pinned=pinned,
            prefix_pinned=prefix_pinned,
        )
