"""``ready``: whether everything is embedded, for scripts by the exit code."""

from __future__ import annotations

from typing import Annotated

import typer

from wikiembed.cli.console import count, database, print_json, remark
from wikiembed.control import actions
from wikiembed.control.documents import documents
from wikiembed.db.endpoint import endpoint
from wikiembed.errors import ConditionNotMet
from wikiembed.store.coverage import Coverage
from wikiembed.words import verb


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("ready")(run_ready)


def run_ready(
    source: Annotated[
        str | None, typer.Argument(help="The source; all of them, if not given.")
    ] = None,
    *,
    smoke: Annotated[
        bool,
        typer.Option("--smoke", help="Embed the text of a chunk, and check that search finds it."),
    ] = False,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Count a source without vectors as ready.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Exit 0 when all rows but the skipped ones are embedded; else exit 1 and list what is missing.

    The first line is WIKI_EMBEDDINGS_READY=true or false; the obstacles follow as comments, each
    with its command; standard error names the database. A source without a single vector is not
    ready, unless --allow-empty is given. Over all sources, the wiki's is left out while nothing was
    ever embedded into it and other tables are attached. With --smoke a ready source must also be
    searchable: the text of one of its chunks is embedded again, and the nearest chunk must be that
    one.
    """
    from wikiembed.control.ready import obstacles
    from wikiembed.control.ready import smoke as smoke_test

    with database() as (connection, settings):
        where = endpoint(settings, connection)
        if not json:
            remark(where.line)
        actions.names(connection, source)
        counted = [row for row in actions.coverage(connection, source) if source or not row.unused]
        names = [row.source for row in counted]
        ready = {
            name: actions.is_ready(connection, name, allow_empty=allow_empty) for name in names
        }
        rows = [row for row in counted if not ready[row.source]]
        in_the_way = obstacles(connection, rows)
        unsplit = {
            one.source: one.waiting + one.failed
            for one in documents(connection)
            if one.waiting + one.failed
        }
        done = bool(ready) and all(ready.values())
        tested = []
        if smoke and done:
            tested = [smoke_test(connection, settings, name) for name in names]
    passed = [one.passed for one in tested]
    done = done and not (smoke and (False in passed or True not in passed))
    if json:
        state = {
            "ready": done,
            "database": where.as_json(),
            "sources": ready,
            "in_the_way": [o.as_json() for o in in_the_way],
        }
        print_json(state | ({"smoke": [one.as_json() for one in tested]} if smoke else {}))
    else:
        typer.echo(f"WIKI_EMBEDDINGS_READY={'true' if done else 'false'}")
        for obstacle in in_the_way:
            whose = f"{obstacle.source}: " if obstacle.source else ""
            typer.echo(f"# {whose}{obstacle.sentence}: {obstacle.command}")
        if not names:
            typer.echo("# no source is attached: wikiembed attach")
        for one in tested:
            typer.echo(f"# {one.sentence}")
    if rows or not names:
        raise ConditionNotMet(
            _missing(
                rows,
                empty={o.source for o in in_the_way if o.name == "empty"},
                unsplit=unsplit,
            )
        )
    if False in passed:
        wrong = next(one for one in tested if one.passed is False)
        raise ConditionNotMet(f"The smoke test failed, {wrong.sentence}: see `wikiembed doctor`.")
    if smoke and True not in passed:
        raise ConditionNotMet(
            "No source has vectors, so there is nothing to search: load chunks first."
        )


def _missing(rows: list[Coverage], *, empty: set[str | None], unsplit: dict[str, int]) -> str:
    if not rows:
        return "No source is attached."
    return "; ".join(
        _misses(row, empty=row.source in empty, unsplit=unsplit.get(row.source, 0))
        for row in rows
    ) + "."  # fmt: skip


def _misses(row: Coverage, *, empty: bool, unsplit: int) -> str:
    if unsplit and not row.missing:
        return (
            f"Source {row.source!r} has {count(unsplit, 'document')} that {verb(unsplit)} not split"
        )
    if empty and row.total == 0:
        return f"Source {row.source!r} has no chunks: load some, or `--allow-empty`"
    if empty:
        return (
            f"Source {row.source!r} has no vectors, since each of its"
            f" {count(row.total, 'chunk')} is skipped: retry some, or `--allow-empty`"
        )
    return (
        f"Source {row.source!r} lacks vectors for {row.missing:,} of {count(row.total, 'chunk')}"
        f" ({row.failed:,} failed{', paused' if row.paused else ''})"
        + (f", and {count(unsplit, 'document')} {verb(unsplit)} not split" if unsplit else "")
    )
