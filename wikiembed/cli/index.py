"""``index``: build the indexes that search uses, of vectors and of text, and drop them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import psycopg
import typer
from psycopg import sql

from wikiembed.cli.console import count, database, duration, say
from wikiembed.cli.progress import Reporter
from wikiembed.command_line import command_line
from wikiembed.config import load_settings
from wikiembed.control import actions
from wikiembed.control.index import (
    DEFAULT_EF_CONSTRUCTION,
    DEFAULT_M,
    Builder,
    NewIndex,
    Progress,
    Quantise,
    Target,
    VectorIndex,
    drop_kinds,
    drop_others,
    graph_bytes,
    human_bytes,
    index_name,
    indexes,
    memory_for,
    require_choosable,
    require_owner,
    require_usable,
    search_by,
    search_by_text_with,
    targets,
    text_index,
    text_index_works,
    usual_memory,
    vector_index,
    wanted,
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
    """Options of an index of vectors, and of one of text.

    `quantise` None: as the source is searched now. `memory` in bytes, None: as usual.
    """

    quantise: Quantise | None
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
    quantise: Annotated[
        Quantise | None,
        typer.Option(
            help="What the index holds of each number: all of it, half (halfvec), or its sign"
            " (binary); search orders what it finds by the whole vectors. As the source's index"
            " now, or none, if not given.",
            show_default=False,
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

    With --quantise the index is much smaller, and may have more dimensions than pgvector indexes
    otherwise: up to 4,000 as halfvec, any number as binary. Once it is built, searches use it, and
    wikiembed's index of another kind is dropped. See what it finds: wikiembed recall.
    """
    options = _Options(
        quantise=quantise,
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
    if quantise is not None and (drop or text):
        raise InvalidArgument("--quantise goes with neither --text nor --drop.")
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
    """Build the index of vectors, and have searches use it; the reason if it must not be yet."""
    quantise = options.quantise or wanted(target)
    present = _present(watcher, target, quantise)
    reason = None if present else _refusal(watcher, target)
    if reason is not None and not options.anyway:
        return reason
    if present and present.used and not _others(watcher, target, quantise):
        say(f"{target.source}: {_exists(present)}; nothing to do.")
        return None
    new = vector_index(
        watcher, target, quantise, m=options.m, ef_construction=options.ef_construction
    )
    require_owner(watcher, target)
    require_choosable(watcher, target, quantise)
    if present:
        say(f"{target.source}: {_exists(present)}.")
    else:
        graph = graph_bytes(target, quantise, options.m)
        memory = memory_for(connection, graph=graph, most=options.memory)
        kind = "" if quantise is Quantise.NONE else f" {quantise},"
        _build(
            connection, watcher, new, memory=memory.given, rows=target.embedded,
            warning=memory.warning, is_there=lambda: _report(watcher, target, quantise),
            what=f"{count(target.embedded, 'vector')},{kind} m {options.m}, ef_construction"
            f" {options.ef_construction}",
        )  # fmt: skip
    _use(connection, watcher, new, quantise)
    return None


def _use(connection: Connection, watcher: Connection, new: NewIndex, quantise: Quantise) -> None:
    """Have searches use the index of this kind, and then drop those of other kinds."""
    target = new.target
    present = _present(watcher, target, quantise)
    if present and not present.used:
        search_by(watcher, target, quantise)
        say(f"{target.source}: searches use {present.label}.")
    builder = Builder(connection, watcher, say=say)
    if present and _others(watcher, target, quantise):
        with builder.alone(new):
            for label in drop_kinds(builder, target, but=quantise):
                say(f"Dropped {label}, which search no longer uses.")


def _others(connection: Connection, target: Target, quantise: Quantise) -> bool:
    """Whether wikiembed has an index of another kind."""
    names = {index_name(target, one) for one in Quantise if one is not quantise}
    return any(index.name in names for index in indexes(connection, target))


def _present(connection: Connection, target: Target, quantise: Quantise) -> VectorIndex | None:
    """The valid index of this kind, best the one that is used."""
    found = indexes(connection, target)
    require_usable(target, found)
    valid = [index for index in found if index.valid and index.quantise is quantise]
    return min(valid, key=lambda index: not index.used, default=None)


def _exists(index: VectorIndex) -> str:
    how = f" ({index.options})" if index.options else ""
    return f"index {index.label} exists and is valid{how}"


def _report(connection: Connection, target: Target, quantise: Quantise) -> bool:
    """Whether another session has built it meanwhile; if so, print it."""
    present = _present(connection, target, quantise)
    if present:
        say(f"{target.source}: {_exists(present)}; nothing to do.")
    return present is not None


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
    """Why the index must not be built yet; None if it may be."""
    name = target.source
    if not target.embedded:
        return f"Source {name!r} has no vectors yet, run `{command_line('backfill', name)}` first"
    if actions.is_ready(connection, name):
        return None
    (row,) = actions.coverage(connection, name)
    return (
        f"Source {name!r} lacks vectors for {row.missing:,} of {count(row.total, 'chunk')}"
        f" ({row.failed:,} failed), see `{command_line('ready', name)}`"
    )


def _drop(connection: Connection, watcher: Connection, target: Target, _: _Options) -> None:
    require_owner(watcher, target)
    builder = Builder(connection, watcher, say=say)
    name = index_name(target, wanted(target))
    with builder.alone(NewIndex(target=target, name=name, using=sql.SQL(""))):
        dropped = drop_kinds(builder, target)
    if dropped:
        say(f"Dropped {', '.join(dropped)}.")
        say(f"Build it again: {command_line('index', '--source', target.source)}")
    else:
        say(f"{target.source}: there is no index {name}.")
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
