"""``wikiembed index``."""

from __future__ import annotations

import re
import time
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
    Options,
    Progress,
    Target,
    human_bytes,
    indexes,
    require_buildable,
    require_owner,
    require_usable,
    targets,
)
from wikiembed.db.connect import connect
from wikiembed.errors import ConditionNotMet, InvalidArgument

Connection = psycopg.Connection[Any]
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


def run_index(
    *,
    source: Annotated[
        str | None, typer.Option(help="The source; each one with vectors, if not given.")
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
    """Build the HNSW index that search uses, concurrently: reads and writes continue.

    Refuses while a chunk that is not skipped lacks its vector, does nothing if a valid index
    exists, and drops an invalid one first. The index makes storing vectors slower: drop it for
    the bootstrap of a large table, and build it again afterwards.
    """
    options = Options(
        m=m, ef_construction=ef_construction, memory=memory_of(memory) if memory else None
    )
    if ef_construction < 2 * m:
        raise InvalidArgument(f"--ef-construction must be at least 2 m, here {2 * m}.")
    settings = load_settings()
    with database(settings) as (watcher, _), connect(settings) as connection:
        actions.names(watcher, source)
        chosen = targets(watcher, source)
        if source is not None and not chosen:
            raise ConditionNotMet(
                f"The table of source {source!r} was dropped: run `wikiembed reconcile`."
            )
        refused = []
        for target in chosen:
            if drop:
                _drop(connection, watcher, target)
            elif source is None and not target.embedded:
                say(f"{target.source}: no vectors yet, nothing to index.")
            elif (reason := _refusal(watcher, target)) is not None and not anyway:
                refused.append(reason)
            else:
                _build(connection, watcher, target, options)
    if refused:
        raise ConditionNotMet("; ".join(refused) + ": or build it now with --anyway.")
    if not chosen:
        raise ConditionNotMet("No source is attached: run `wikiembed attach`.")


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


def _drop(connection: Connection, watcher: Connection, target: Target) -> None:
    require_owner(watcher, target)
    builder = Builder(connection, watcher, say=say)
    with builder.alone(target):
        dropped = builder.drop(target)
    if dropped:
        say(f"Dropped {', '.join(dropped)}.")
        say(f"Build it again: wikiembed index --source {target.source}")
    else:
        say(f"{target.source}: there is no index {target.index}.")
    for index in indexes(watcher, target):
        say(f"{target.source}: index {index.label} is not wikiembed's and is kept.")


def _build(connection: Connection, watcher: Connection, target: Target, options: Options) -> None:
    """Build one index, with progress."""
    if _report_existing(watcher, target):
        return
    require_buildable(watcher, target)
    what = f"index {target.source}"

    with Reporter(what) as reporter:

        def on_progress(now: Progress) -> None:
            total = max(target.embedded, now.rows)
            reporter.update(now.rows, total, note=now.phase, phase=now.phase)

        builder = Builder(connection, watcher, say=reporter.say, on_progress=on_progress)
        with builder.alone(target):
            if _report_existing(watcher, target):
                return
            memory = builder.memory(target, options)
            if memory.warning:
                reporter.warn(f"{target.source}: {memory.warning}.")
            began = time.monotonic()
            builder.build(target, options, memory=memory)
        reporter.update(target.embedded, target.embedded)
    say(
        f"Built {target.schema}.{target.index} on {target.relation}:"
        f" {count(target.embedded, 'vector')}, m {options.m}, ef_construction"
        f" {options.ef_construction}, {human_bytes(builder.size(target))},"
        f" in {duration(time.monotonic() - began)}."
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
