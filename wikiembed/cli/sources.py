"""``wikiembed attach``, ``detach`` and ``sources``."""

from __future__ import annotations

from typing import Annotated

import typer

from wikiembed.cli.console import count, database, note, print_json, print_table, say, warn
from wikiembed.config import Provider
from wikiembed.control import actions
from wikiembed.control import sources as control
from wikiembed.control.dimensions import Notices
from wikiembed.store import Coverage


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("attach")(run_attach)
    cli.command("detach")(run_detach)
    cli.command("sources")(run_sources)


def run_attach(
    relation: Annotated[str, typer.Argument(help="The table, with its schema: public.docs.")],
    *,
    key: Annotated[
        str | None, typer.Option(help="Unique, not null key column; id, if not given.")
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="Column whose text is embedded; content, if not given.")
    ] = None,
    embedding: Annotated[
        str | None, typer.Option(help="The vector or halfvec column; embedding, if not given.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the source, ≤ 32 bytes; the table's, if not given.")
    ] = None,
    provider: Annotated[Provider | None, typer.Option(help="Pin the server's dialect.")] = None,
    model: Annotated[str | None, typer.Option(help="Pin the model.")] = None,
    dimensions: Annotated[
        int | None, typer.Option(help="Dimensions, for a column that declares none.")
    ] = None,
    document_prefix: Annotated[
        str | None, typer.Option(help="Prepended to each text that is stored.")
    ] = None,
    query_prefix: Annotated[
        str | None, typer.Option(help="Prepended to each text that is searched for.")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Chunks per job, 1 to 4096.")] = 64,
    enqueue: Annotated[bool, typer.Option("--enqueue", help="Queue the existing rows.")] = False,
    move: Annotated[
        bool, typer.Option("--move", help="Move the attached source NAME to this table.")
    ] = False,
) -> None:
    """Attach a vector column of an existing table: from now on it is kept embedded.

    Existing rows are counted, and wait for `wikiembed enqueue`, `wikiembed backfill` or --enqueue:
    no worker embeds them before. Rows written from now on are queued at once. The index on missing
    rows is built concurrently; the table is locked only while its rows are counted. A warning
    names the roles that could run SQL as wikiembed's owner through the table.

    If the embedding server answers, the column's dimensions are compared with its model's: a
    model that the settings or options name must match.

    --move is for a table that was swapped by renames, or recreated: the source keeps its settings,
    its model and its pause; columns that are not given keep their names; failures of rows that are
    equal in both tables and vectors of equal texts are carried over.
    """
    with database() as (connection, settings):
        source = control.attach(
            connection,
            control.Columns(relation=relation, key=key, text=text, embedding=embedding, name=name),
            control.AttachOptions(
                provider=provider.value if provider else None,
                model=model,
                dimensions=dimensions,
                document_prefix=document_prefix,
                query_prefix=query_prefix,
                batch_size=batch_size,
                move=move,
                enqueue=enqueue,
            ),
            settings=settings,
            notices=Notices(warn=warn, note=note),
        )
        (row,) = actions.coverage(connection, source)
        queued = actions.enqueue(connection, source) if enqueue else None
        moved = control.moved(connection, source) if move else None
    say(_attached(relation, row) if moved is None else _moved(relation, row, moved))
    if queued is not None:
        say(f"{source}: {count(queued.chunks, 'chunk')} queued in {count(queued.jobs, 'job')}.")
    elif row.held_back:
        say(f"Queue them: wikiembed enqueue {source}")


def _attached(relation: str, row: Coverage) -> str:
    return f"Attached {relation} as source {row.source!r}: {_rows(row)}."


def _moved(relation: str, row: Coverage, moved: control.Moved) -> str:
    if moved.former is None:
        return f"Source {row.source!r} is already attached to {relation}: its name is recorded."
    return (
        f"Moved source {row.source!r} from {moved.former} to {relation}, with"
        f" {count(moved.vectors, 'vector')} and {count(moved.failures, 'failure')}: {_rows(row)}."
    )


def _rows(row: Coverage) -> str:
    return f"{count(row.total, 'row')}, {row.missing:,} without a vector"


def run_detach(
    name: Annotated[str, typer.Argument(help="The source.")],
) -> None:
    """Detach a source: remove its triggers, jobs, failures and counts, keep rows and vectors."""
    with database() as (connection, _):
        control.detach(connection, name)
    say(f"Detached source {name!r}; its table keeps all rows and vectors.")


def run_sources(
    *, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the attached columns and the models they are pinned to."""
    with database() as (connection, _):
        rows = control.list_sources(connection)
    if json:
        print_json(rows)
        return
    for row in rows:
        row["column"] = f"{row['relation']}.{row['embedding_column']}"
    print_table(
        rows, ["name", "column", "provider", "model", "dimensions", "batch_size", "generation"]
    )
