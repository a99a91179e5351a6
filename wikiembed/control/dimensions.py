"""Whether the vectors of the model that a worker would use fit a column, before it is attached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from wikiembed.config import Provider, Settings
from wikiembed.embedders import EmbedderOptions, ModelInfo, open_embedder
from wikiembed.errors import ConfigurationError, EmbedderError, SourceRefused

Connection = psycopg.Connection[Any]
ASK_WITHIN_S = 3.0
"""An attach is not to wait for a server that is slow or gone."""
_COLUMN = """
select nullif(a.atttypmod, -1) from pg_attribute as a join pg_type as t on t.oid = a.atttypid
 where a.attrelid = %s::oid and a.attname = %s and not a.attisdropped
   and t.typname in ('vector', 'halfvec')
"""
_ADVICE = "select wikiembed_private.dimensions_advice(%s::oid::regclass, %s, %s)"


def _unsaid(sentence: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Who takes the sentences that attach warns with, and those that are only to be known."""

    warn: Callable[[str], None] = _unsaid
    note: Callable[[str], None] = _unsaid


SILENT = Tell()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The column that is to be attached, and what the source is to fix."""

    oid: int
    relation: str
    embedding: str
    provider: str | None
    model: str | None
    dimensions: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDimensions:
    """Dimensions of a model, None when not known for the reason `why`.

    `asked`: the model itself answered, else WIKIEMBED_DIMENSIONS says so. `stated`: model or server
    is named by a setting or an option, and not merely the default.
    """

    label: str
    dimensions: int | None
    asked: bool
    stated: bool
    why: str = ""


def model_dimensions(
    settings: Settings, provider: Provider | None, model: str | None, *, column: int | None
) -> ModelDimensions:
    """What is known of the model that these settings lead to; `provider`, `model`: of the source.

    A model is only asked where WIKIEMBED_DIMENSIONS does not say that it fits `column`.
    """
    by = provider or settings.embedder
    named = model or settings.model_of(by)
    label = f"model {named!r} of {by.value}" if named else f"the model of {by.value}"
    fixed = provider is not None or model is not None
    stated = fixed or bool({"embedder", "model", "embedder_url"} & settings.model_fields_set)
    said = None if fixed else settings.dimensions
    if said is not None and said == column:
        return ModelDimensions(label=label, dimensions=said, asked=False, stated=stated)
    try:
        info = asyncio.run(_ask(settings, by, named))
    except TimeoutError:
        why = f"no answer within {ASK_WITHIN_S:.0f} s"
    except (EmbedderError, ConfigurationError) as error:
        why = str(error).rstrip(".")
    else:
        return ModelDimensions(label=label, dimensions=info.dimensions, asked=True, stated=stated)
    return ModelDimensions(label=label, dimensions=said, asked=False, stated=stated, why=why)


def compare_dimensions(
    connection: Connection, settings: Settings, wanted: Wanted, tell: Tell
) -> None:
    """Whether the model's vectors fit the column; where it is missing, attach advises by them.

    Raises: SourceRefused when a model that was stated says that they do not.
    """
    row = connection.execute(_COLUMN, (wanted.oid, wanted.embedding)).fetchone()
    column = None if row is None else row[0] or wanted.dimensions
    if row is not None and column is None:
        return  # it takes whatever the first write pins
    if wanted.provider is not None and wanted.provider not in set(Provider):
        return  # attach refuses it
    provider = None if wanted.provider is None else Provider(wanted.provider)
    known = model_dimensions(settings, provider, wanted.model, column=column)
    if row is None:
        connection.execute(
            "select set_config('wikiembed.model_dimensions', %s, false)",
            (str(known.dimensions or ""),),
        )
    elif known.dimensions is None:
        if known.stated:
            tell.note(f"{known.label} was not asked for its dimensions, {known.why}.")
    elif known.dimensions != column:
        _say_difference(connection, wanted, known, column, tell)


def _say_difference(
    connection: Connection,
    wanted: Wanted,
    known: ModelDimensions,
    column: int | None,
    tell: Tell,
) -> None:
    row = connection.execute(_ADVICE, (wanted.oid, wanted.embedding, known.dimensions)).fetchone()
    gives = "gives" if known.asked else "by WIKIEMBED_DIMENSIONS gives"
    sentence = (
        f"Column {wanted.embedding!r} of {wanted.relation} has {column} dimensions, and"
        f" {known.label} {gives} {known.dimensions}: {row[0] if row else ''}, or name the model"
        " that fits (WIKIEMBED_EMBEDDER, WIKIEMBED_MODEL, --provider, --model)."
    )
    if known.asked and known.stated:
        raise SourceRefused(sentence)
    tell.warn(sentence)


async def _ask(settings: Settings, provider: Provider, model: str | None) -> ModelInfo:
    embedder = open_embedder(EmbedderOptions.of(settings, provider, model))
    try:
        async with asyncio.timeout(ASK_WITHIN_S):
            return await embedder.describe()
    finally:
        await embedder.aclose()
