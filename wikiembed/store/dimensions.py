"""The dimensions that a source's column has now, beside those that it was attached with."""

from __future__ import annotations

from wikiembed.command_line import command_line
from wikiembed.store.source import Source

COLUMN_DIMENSIONS = """
select nullif(a.atttypmod, -1)
  from wikiembed.sources as s
  join pg_catalog.pg_attribute as a on a.attrelid = s.relation and a.attname = s.embedding_column
 where s.name = %s and a.attnum > 0 and not a.attisdropped
"""
"""Of a source by name; null: the column declares none."""


def changed_column(source: Source, *, column: int | None, model: str, returned: int) -> str | None:
    """The sentence that the column has other dimensions since the attach, with what to do.

    `column`: the dimensions that it declares now. None: they are the same, or unknown.
    """
    if source.dimensions is None or column in (None, source.dimensions):
        return None
    differ = ", which" if column == returned else ", and"
    gives = "gives" if column == returned else f"gives {returned}"
    first = "" if column == returned else "choose a model or a column that fits, "
    return (
        f"The column of source {source.name!r} was changed from {source.dimensions} to {column}"
        f" dimensions{differ} model {model!r} {gives}: {first}run"
        f" `{command_line('detach', source.name)}`, then attach its table again by"
        " `wikiembed attach`."
    )
