"""Check before an attach that the model's dimensions match the column's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from wikiembed.config import Provider, Settings
from wikiembed.errors import ConfigurationError, EmbedderError, SourceRefused

if TYPE_CHECKING:
    from wikiembed.embedders.base import ModelInfo

Connection = psycopg.Connection[Any]
TIMEOUT_S = 30.0
"""Enough for a server that loads its model first; one that is down refuses at once."""
_COLUMN = """
select nullif(a.atttypmod, -1) from pg_attribute as a join pg_type as t on t.oid = a.atttypid
 where a.attrelid = %s::oid and a.attname = %s and not a.attisdropped
   and t.typname in ('vector', 'halfvec')
"""
_ADVICE = "select wikiembed_private.dimensions_advice(%s::oid::regclass, %s, %s)"


def _ignore(sentence: str) -> None:
    """Ignore the sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """Callbacks for the warnings and notes of an attach."""

    warn: Callable[[str], None] = _ignore
    note: Callable[[str], None] = _ignore


SILENT = Notices()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The column to attach, and what the source is to be pinned to."""

    oid: int
    relation: str
    embedding: str
    provider: str | None
    model: str | None
    dimensions: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDimensions:
    """Dimensions of a model; None: unknown, for the reason `why`.

    `measured`: the model itself returned them, else they are WIKIEMBED_DIMENSIONS. `stated`: model
    or server is set by a setting or an option, not the default.
    """

    label: str
    dimensions: int | None
    measured: bool
    stated: bool
    why: str = ""


def model_dimensions(
    settings: Settings, provider: Provider | None, model: str | None, *, column: int | None
) -> ModelDimensions:
    """What is known of the model that these settings select; `provider`, `model`: of the source.

    No request is sent if WIKIEMBED_DIMENSIONS equals `column`; a local model that is stated needs
    none.
    """
    by = provider or settings.embedder
    named = model or settings.model_of(by)
    label = f"model {named!r} of {by.value}" if named else f"the model of {by.value}"
    pinned = provider is not None or model is not None
    stated = pinned or bool({"embedder", "model", "embedder_url"} & settings.model_fields_set)
    size = None if pinned else settings.dimensions
    if size is not None and size == column and not (stated and by is Provider.LOCAL):
        return ModelDimensions(label=label, dimensions=size, measured=False, stated=stated)
    try:
        info = asyncio.run(_describe(settings, by, named))
    except TimeoutError:
        why = f"no answer within {TIMEOUT_S:.0f} s"
    except (EmbedderError, ConfigurationError) as error:
        why = str(error).rstrip(".")
    else:
        size = info.dimensions
        return ModelDimensions(label=label, dimensions=size, measured=True, stated=stated)
    return ModelDimensions(label=label, dimensions=size, measured=False, stated=stated, why=why)


def compare_dimensions(
    connection: Connection, settings: Settings, wanted: Wanted, notices: Notices
) -> None:
    """Check that the model's dimensions match the column's; set them for attach's advice if it is
    missing.

    Raises: SourceRefused when a model that was stated returns others.
    """
    row = connection.execute(_COLUMN, (wanted.oid, wanted.embedding)).fetchone()
    column = None if row is None else row[0] or wanted.dimensions
    if row is not None and column is None:
        return  # the first write pins them
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
            notices.note(f"The dimensions of {known.label} are unknown: {known.why}.")
    elif known.dimensions != column:
        _report_difference(connection, wanted, known, column, notices)


def _report_difference(
    connection: Connection,
    wanted: Wanted,
    known: ModelDimensions,
    column: int | None,
    notices: Notices,
) -> None:
    row = connection.execute(_ADVICE, (wanted.oid, wanted.embedding, known.dimensions)).fetchone()
    has = "has" if known.measured else "by WIKIEMBED_DIMENSIONS has"
    advice = row[0] if row else ""
    differ = (
        f"Column {wanted.embedding!r} of {wanted.relation} has {column} dimensions, and"
        f" {known.label} {has} {known.dimensions}"
    )
    settings = "(WIKIEMBED_EMBEDDER, WIKIEMBED_MODEL, --provider, --model)"
    if known.measured and known.stated:
        raise SourceRefused(f"{differ}: {advice}, or name the model that fits {settings}.")
    # The source is attached with the dimensions that the column has now.
    notices.warn(
        f"{differ}: have workers use the model that fits {settings}, or detach the source,"
        f" {advice}, and attach it again."
    )


async def _describe(settings: Settings, provider: Provider, model: str | None) -> ModelInfo:
    from wikiembed.embedders.base import EmbedderOptions
    from wikiembed.embedders.open import open_first

    embedder = open_first(EmbedderOptions.each(settings, provider, model))
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await embedder.describe()
    finally:
        await embedder.aclose()
