"""``wikiembed load``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from wikiembed.cli.console import count, database, print_json, say
from wikiembed.cli.progress import Reporter
from wikiembed.control.load import Loaded, load_articles
from wikiembed.errors import InputError
from wikiembed.wiki import LoadCounts, read_articles


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("load")(run_load)


def run_load(
    files: Annotated[list[Path], typer.Argument(help="MediaWiki XML or JSON lines; .bz2, .gz.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Load wiki pages and split them into chunks; what is unchanged is left alone.

    Reads MediaWiki export XML, or JSON lines of title and text, plain or compressed, in constant
    memory. Redirects and other namespaces than articles are left out and counted.
    """
    for file in files:
        if not file.is_file():
            raise InputError(f"{file} is no file.")
    with database() as (connection, _):
        for file in files:
            counts = LoadCounts()
            loaded = load_file(connection, file, counts)
            if json:
                print_json({"file": str(file), **counts_of(counts), **loaded.as_json()})
                continue
            say(
                f"{file}: {count(counts.pages, 'page')} read, {loaded.added:,} added,"
                f" {loaded.changed:,} changed, {loaded.unchanged:,} unchanged;"
                f" {count(loaded.chunks_written, 'chunk')} written."
            )
            left_out = (
                counts.redirects + counts.other_namespaces + counts.other_models + counts.empty
            )
            if left_out:
                say(
                    f"Left out: {count(counts.redirects, 'redirect')}, {counts.other_namespaces:,}"
                    f" of other namespaces, {counts.other_models:,} not wikitext,"
                    f" {counts.empty:,} empty."
                )


def counts_of(counts: LoadCounts) -> dict[str, int]:
    """What was read, by kind."""
    return {
        "pages": counts.pages,
        "redirects": counts.redirects,
        "other_namespaces": counts.other_namespaces,
        "other_models": counts.other_models,
        "empty": counts.empty,
    }


def load_file(connection: psycopg.Connection[Any], file: Path, counts: LoadCounts) -> Loaded:
    """Load one file with progress; pages before an error in it are kept.

    Raises: InputError.
    """
    with Reporter(f"load {file.name}") as reporter:
        return load_articles(
            connection,
            read_articles(file, counts),
            on_batch=lambda done: reporter.update(
                counts.pages, note=count(done.chunks_written, "chunk"), chunks=done.chunks_written
            ),
        )
