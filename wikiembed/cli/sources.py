"""``attach``, ``detach`` and ``sources``: the tables that wikiembed keeps embedded."""

from __future__ import annotations

import csv
from typing import Annotated, Any

import typer

from wikiembed.cli.console import (
    count,
    database,
    listed,
    note,
    print_json,
    print_table,
    say,
    warn,
)
from wikiembed.cli.options import Context, Splitter
from wikiembed.cli.queued import queued_sentence
from wikiembed.command_line import command_line
from wikiembed.config import Provider
from wikiembed.control import actions
from wikiembed.control import documents as of_documents
from wikiembed.control import sources as control
from wikiembed.control.dimensions import Notices
from wikiembed.control.documents import DocumentOptions
from wikiembed.control.resplit import token_counter_of, tokens_sentence
from wikiembed.errors import WrongUsage
from wikiembed.store.coverage import Coverage
from wikiembed.words import verb


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("attach")(run_attach)
    cli.command("detach")(run_detach)
    cli.command("sources")(run_sources)


def run_attach(
    relation: Annotated[str, typer.Argument(help="The table, with its schema: public.docs.")],
    *,
    key: Annotated[
        list[str] | None,
        typer.Option(help="Key column, unique and not null, or several: tenant,id. Default: id."),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(
            help="Column to embed, or a JSON field, \"doc->>'body'\"; repeat it to join several."
            " Default: content."
        ),
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
        int | None,
        typer.Option(min=1, max=16_000, help="Dimensions, for a column that declares none."),
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
    documents: Annotated[
        bool,
        typer.Option("--documents", help="Each row is a document: split it into a chunk table."),
    ] = False,
    title: Annotated[str | None, typer.Option(help="Column of the document's title.")] = None,
    chunks: Annotated[
        str | None, typer.Option(help="The chunk table; SCHEMA.NAME_chunks, if not given.")
    ] = None,
    splitter: Annotated[
        Splitter | None, typer.Option(help="Format of the documents. Default: text.")
    ] = None,
    max_chars: Annotated[
        int | None, typer.Option(max=1_000_000, help="Most characters of a chunk. Default: 1000.")
    ] = None,
    overlap_chars: Annotated[
        int | None, typer.Option(max=250_000, help="Characters that a chunk repeats. Default: 0.")
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(max=1_000_000, help="Most tokens of a chunk, without title and prefix."),
    ] = None,
    context: Annotated[
        Context | None,
        typer.Option(help="Embedded before each chunk. Default: title_heading."),
    ] = None,
    halfvec: Annotated[
        bool, typer.Option("--halfvec", help="Store halfvec, half the size of vector.")
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

    With --documents the table needs no vector column: a table of chunks is created and attached,
    and workers split each document into it. --max-chars and the options beside it are for
    documents alone; `wikiembed resplit` changes them. Without --dimensions the chunk table has
    those of the model.
    """
    columns = control.Columns(
        relation=relation,
        key=_columns(key),
        text=text or None,
        embedding=embedding,
        name=name,
    )
    options = control.AttachOptions(
        provider=provider.value if provider else None,
        model=model,
        dimensions=dimensions,
        document_prefix=document_prefix,
        query_prefix=query_prefix,
        batch_size=batch_size,
        move=move,
        enqueue=enqueue,
    )
    given: dict[str, Any] = {
        "title": title,
        "chunks": chunks,
        "splitter": splitter.value if splitter else None,
        "max_chars": max_chars,
        "overlap_chars": overlap_chars,
        "context": context.value if context else None,
        "max_tokens": max_tokens,
        "halfvec": halfvec or None,
    }
    given = {option: value for option, value in given.items() if value is not None}
    if documents:
        if embedding is not None or move:
            raise WrongUsage(
                "--documents creates the chunk table with its vector column: leave out"
                f" {'--move' if move else '--embedding'}."
            )
        _attach_documents(columns, options, DocumentOptions(**given))
        return
    if given:
        names = [f"--{option.replace('_', '-')}" for option in given]
        raise WrongUsage(
            f"{listed(names)} {verb(len(names), 'needs', 'need')} --documents, which splits each"
            " row into chunks."
        )
    with database() as (connection, settings):
        source = control.attach(
            connection,
            columns,
            options,
            settings=settings,
            notices=Notices(warn=warn, note=note),
        )
        (row,) = actions.coverage(connection, source)
        queued = actions.enqueue(connection, source) if enqueue else None
        moved = control.moved(connection, source) if move else None
    say(_attached(relation, row) if moved is None else _moved(relation, row, moved))
    if queued is not None:
        say(queued_sentence(queued))
    elif row.held_back:
        say(f"Queue them: {command_line('enqueue', source)}")


def _attach_documents(
    columns: control.Columns, options: control.AttachOptions, document: DocumentOptions
) -> None:
    with database() as (connection, settings):
        source = of_documents.attach_documents(
            connection,
            columns,
            options,
            document,
            settings=settings,
            notices=Notices(warn=warn, note=note),
        )
        (row,) = of_documents.documents(connection, source)
        queued = actions.enqueue(connection, source) if options.enqueue else None
        tokens = token_counter_of(connection, settings, source)
    say(of_documents.attached_sentence(row))
    if document.max_tokens is not None:
        say(tokens_sentence(source, document.max_tokens, tokens))
    if queued is not None:
        say(queued_sentence(queued))
    elif row.waiting:
        say(f"Queue them: {command_line('enqueue', source)}")


def _columns(values: list[str] | None) -> list[str] | None:
    """Columns separated by commas; a name with a comma in it stands in double quotes."""
    rows = csv.reader(values, skipinitialspace=True) if values else None
    return None if rows is None else [name for row in rows for name in row]


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
        split = of_documents.documents(connection, name)
        control.detach(connection, name)
    kept = "its table keeps all rows and vectors"
    for row in split:
        kept = f"{row.relation} keeps its documents, {row.chunk_table} its chunks and vectors"
    say(f"Detached source {name!r}; {kept}.")


def run_sources(
    *, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the attached columns, the models they are pinned to, and names switched to them."""
    with database() as (connection, _):
        rows = control.list_sources(connection)
    if json:
        print_json(rows)
        return
    for row in rows:
        row["column"] = f"{row['relation']}.{row['embedding_column']}"
    columns = ["name", "column", "provider", "model", "dimensions", "batch_size", "generation"]
    if any(row["documents"] for row in rows):
        columns.insert(2, "documents")
    if any(row["searched_as"] != [row["name"]] for row in rows):
        for row in rows:
            row["searched_as"] = ", ".join(row["searched_as"]) or None
        columns.insert(1, "searched_as")
    print_table(rows, columns)
