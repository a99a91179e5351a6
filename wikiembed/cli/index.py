"""``wikiembed index``."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import psycopg
import typer

from wikiembed.cli.console import count, database, duration, say
from wikiembed.cli.progress import Reporter
from wikiembed.config import load_settings
from wikiembed.control import actions
from wikiembed.control.index import (
    DEFAULT_EF_CONSTRUCTION,
    DEFAULT_M,
    Builder,
    NewIndex,
    Progress,
    Target,
    drop_others,
    human_bytes,
    indexes,
    memory_for,
    require_buildable,
    require_owner,
    require_usable,
    search_by_text_with,
    targets,
    text_index,
    text_index_works,
    usual_memory,
)
from wikiembed.db.connect import connect
from wikiembed.errors import ConditionNotMet, InvalidArgument

Connection = psycopg.Connection[Any]
DEFAULT_CONFIG = "english"
_UNITS = {"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40}


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("index")(run_index)


def memory_of(text: str) -> int:
    """Bytes of ``512MB`` or ``8GB``.

    Raises: InvalidArgument.
    """
    found = re.fullmatch(r"(\d+)\s*([kmgt]b)", text.strip().lower())
    size = int(found[1]) * _UNITS[found[2]] if found else 0
    if not _UNITS["mb"] <= size < 2 * _UNITS["tb"]:
        raise InvalidArgument(f"{text!r} is not a valid memory size: write 512MB or 8GB.")
    return size


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """Options of an index of vectors, and of one of text; `memory` in bytes, None: as usual."""

    m: int
    ef_construction: int
    config: str
    memory: int | None
    anyway: bool


def run_index(
    *,
    source: Annotated[
        str | None, typer.Option(help="The source; each one with vectors, if not given.")
    ] = None,
    text: Annotated[
        bool, typer.Option("--text", help="The index of text instead: of words, for search.")
    ] = False,
    config: Annotated[
        str | None,
        typer.Option(
            help="With --text: how texts are split into words, english, german, simple and so on"
            " (see pg_ts_config), or trigram for Korean, Japanese, Chinese and Thai."
        ),
    ] = None,
    m: Annotated[int, typer.Option(min=2, max=100, help="Links per vector.")] = DEFAULT_M,
    ef_construction: Annotated[
        int, typer.Option(min=4, max=1000, help="Candidates per vector; at least 2 m.")
    ] = DEFAULT_EF_CONSTRUCTION,
    memory: Annotated[
        str | None,
        typer.Option(help="Memory for the build, such as 8GB; else half of effective_cache_size."),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Build it even if chunks lack vectors.")
    ] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="Drop it, for example during a bootstrap.")
    ] = False,
) -> None:
    """Build the index that search uses, concurrently: reads and writes continue.

    Of vectors (HNSW), or with --text of words (GIN); from then on search ranks by both. Does
    nothing if a valid index exists, and drops an invalid one first. That of vectors is refused
    while a chunk that is not skipped lacks its vector, and makes storing vectors slower: drop
    it for the bootstrap of a large table, and build it again afterwards.
    """
    options = _Options(
        m=m,
        ef_construction=ef_construction,
        config=config or DEFAULT_CONFIG,
        memory=memory_of(memory) if memory else None,
        anyway=anyway,
    )
    if ef_construction < 2 * m:
        raise InvalidArgument(f"--ef-construction must be at least 2 m, here {2 * m}.")
    if config is not None and (drop or not text):
        raise InvalidArgument("--config goes with --text, and not with --drop.")
    settings = load_settings()
    with database(settings) as (watcher, _), connect(settings) as connection:
        actions.names(watcher, source)
        chosen = targets(watcher, source)
        if source is not None and not chosen:
            raise ConditionNotMet(
                f"The table of source {source!r} was dropped: run `wikiembed reconcile`."
            )
        work = (_drop_text if drop else _text) if text else (_drop if drop else _vectors)
        refused = []
        for target in chosen:
            if source is None and not drop and not target.embedded:
                say(f"{target.source}: no vectors yet, nothing to index.")
            elif (reason := work(connection, watcher, target, options)) is not None:
                refused.append(reason)
    if refused:
        raise ConditionNotMet("; ".join(refused) + ": or build it now with --anyway.")
    if not chosen:
        raise ConditionNotMet("No source is attached: run `wikiembed attach`.")


def _vectors(
    connection: Connection, watcher: Connection, target: Target, options: _Options
) -> str | None:
    """Build the index of vectors; the reason if it must not be built yet."""
    reason = _refusal(watcher, target)
    if reason is not None and not options.anyway:
        return reason
    if _report_existing(watcher, target):
        return None
    require_buildable(watcher, target)
    memory = memory_for(connection, target, m=options.m, most=options.memory)
    new = target.vector_index(m=options.m, ef_construction=options.ef_construction)
    _build(
        connection, watcher, new, memory=memory.given, rows=target.embedded,
        warning=memory.warning, is_there=lambda: _report_existing(watcher, target),
        what=f"{count(target.embedded, 'vector')}, m {options.m}, ef_construction"
        f" {options.ef_construction}",
    )  # fmt: skip
    return None


def _text(connection: Connection, watcher: Connection, target: Target, options: _Options) -> None:
    """Build the index of text, have search use it, and drop those of other configurations."""
    require_owner(watcher, target)
    new = text_index(watcher, target, options.config)

    def is_there() -> bool:
        present = target.text_config == options.config and text_index_works(watcher, target)
        if present:
            label = f"{target.schema}.{new.name}"
            say(f"{target.source}: index {label} exists and search uses it; nothing to do.")
        return present

    if is_there():
        return
    _build(
        connection, watcher, new, memory=options.memory or usual_memory(connection),
        rows=target.total, warning=None, is_there=is_there,
        what=f"{count(target.total, 'chunk')}, configuration {options.config}",
    )  # fmt: skip
    search_by_text_with(watcher, target, options.config)
    builder = Builder(connection, watcher, say=say)
    with builder.alone(new):
        for label in drop_others(connection, builder, target, options.config):
            say(f"Dropped {label}, which search no longer uses.")


def _drop_text(
    connection: Connection, watcher: Connection, target: Target, options: _Options
) -> None:
    require_owner(watcher, target)
    search_by_text_with(watcher, target, None)
    builder = Builder(connection, watcher, say=say)
    with builder.alone(text_index(watcher, target, options.config)):
        dropped = drop_others(connection, builder, target, None)
    if dropped:
        say(f"Dropped {', '.join(dropped)}: {target.source} is searched by vector alone.")
    else:
        say(f"{target.source}: there is no index of text.")


def _refusal(connection: Connection, target: Target) -> str | None:
    """Why the index must not be built yet; None if it may be, or exists."""
    name = target.source
    if any(index.valid and index.usable for index in indexes(connection, target)):
        return None
    if not target.embedded:
        return f"Source {name!r} has no vectors yet, run `wikiembed backfill {name}` first"
    if actions.is_ready(connection, name):
        return None
    (row,) = actions.coverage(connection, name)
    return (
        f"Source {name!r} lacks vectors for {row.missing:,} of {count(row.total, 'chunk')}"
        f" ({row.failed:,} failed), see `wikiembed ready {name}`"
    )


def _drop(connection: Connection, watcher: Connection, target: Target, _: _Options) -> None:
    require_owner(watcher, target)
    builder = Builder(connection, watcher, say=say)
    new = target.vector_index()
    with builder.alone(new):
        dropped = builder.drop(new)
    if dropped:
        say(f"Dropped {', '.join(dropped)}.")
        say(f"Build it again: wikiembed index --source {target.source}")
    else:
        say(f"{target.source}: there is no index {target.index}.")
    for index in indexes(watcher, target):
        say(f"{target.source}: index {index.label} is not wikiembed's and is kept.")


def _build(
    connection: Connection,
    watcher: Connection,
    new: NewIndex,
    *,
    memory: int,
    rows: int,
    warning: str | None,
    is_there: Callable[[], bool],
    what: str,
) -> None:
    """Build one index of `rows` rows, with progress, unless another session did meanwhile."""
    target = new.target
    with Reporter(f"index {target.source}") as reporter:

        def on_progress(now: Progress) -> None:
            reporter.update(now.rows, max(rows, now.rows), note=now.phase, phase=now.phase)

        builder = Builder(connection, watcher, say=reporter.say, on_progress=on_progress)
        with builder.alone(new):
            if is_there():
                return
            if warning:
                reporter.warn(f"{target.source}: {warning}.")
            began = time.monotonic()
            builder.build(new, memory=memory)
        reporter.update(rows, rows)
    say(
        f"Built {target.schema}.{new.name} on {target.relation}: {what},"
        f" {human_bytes(builder.size(new))}, in {duration(time.monotonic() - began)}."
    )


def _report_existing(connection: Connection, target: Target) -> bool:
    """Whether a valid index exists; if so, print it."""
    found = indexes(connection, target)
    require_usable(target, found)
    for index in found:
        if index.valid and index.usable:
            how = f" ({index.options})" if index.options else ""
            say(f"{target.source}: index {index.label} exists and is valid{how}; nothing to do.")
            return True
    return False
