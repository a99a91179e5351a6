"""``migrate`` and ``uninstall``: create, upgrade and remove wikiembed's schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import psycopg
import typer

from wikiembed.cli.console import confirm, count, say
from wikiembed.config import load_settings
from wikiembed.db import version
from wikiembed.db.connect import connect_options, database_url, translate_errors

if TYPE_CHECKING:
    from wikiembed.control.uninstall import Removal


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("migrate")(run_migrate)
    cli.command("uninstall")(run_uninstall)


def run_migrate(
    *,
    sql: Annotated[
        bool, typer.Option("--sql", help="Print the SQL for an empty database, run nothing.")
    ] = False,
) -> None:
    """Create or upgrade wikiembed's schema, in one transaction.

    Functions, views and triggers are rewritten each time. There is no downgrade: restore a backup,
    or remove everything with `wikiembed uninstall`.

    WIKIEMBED_DIMENSIONS sets the dimensions of the wiki's vector column when it is created, by
    default 768, or 256 for the local embedder.
    """
    from wikiembed.db import migrate

    settings = load_settings()
    if sql:
        typer.echo(migrate.offline_sql(settings), nl=False)
        return
    url = database_url(settings, create=True)
    migrate.upgrade(url, settings)
    with translate_errors(), psycopg.connect(url, **connect_options(url)) as connection:
        reached = version.current(connection)
    say(f"The database is at schema version {version.shown(reached)}.")


def run_uninstall(
    *,
    and_wiki: Annotated[
        bool,
        typer.Option("--and-wiki", help="Drop the wiki's own tables too, with their vectors."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Remove wikiembed from the database; your tables keep their rows and vectors.

    Lists what it removes and asks first. Sources are detached: their triggers, jobs, failures and
    pauses are removed, and so are wikiembed's schemas. The wiki's own tables are kept unless
    --and-wiki is given.
    """
    from wikiembed.control import uninstall

    settings = load_settings()
    url = database_url(settings)
    found = uninstall.removal(url, settings)
    if found.is_empty or (not found.installed and not and_wiki):
        say("The database has no wikiembed schema.")
        return
    say(found.database.line)
    for line in _lines(found, and_wiki=and_wiki):
        say(line)
    confirm("This removes wikiembed from the database", yes=yes)
    uninstall.uninstall(url, found, and_wiki=and_wiki)
    say("wikiembed is removed from the database.")


def _lines(found: Removal, *, and_wiki: bool) -> list[str]:
    """What is removed, and what is kept."""
    lines = []
    wiki = " and ".join(f"{table.name} with {count(table.rows, 'row')}" for table in found.wiki)
    of_wiki = {table.name for table in found.wiki}
    if found.installed:
        names = f" ({', '.join(found.sources)})" if found.sources else ""
        lines.append(
            f"Removes: {count(len(found.sources), 'source')}{names}, {count(found.jobs, 'job')},"
            f" {count(found.failures, 'failure')}, and every trigger and count."
        )
    if wiki and and_wiki:
        lines.append(f"Removes: {wiki}.")
    kept = sorted({*found.sources.values(), *found.documents} - {".", *of_wiki})
    if kept:
        lines.append(f"Keeps, with every row and vector: {', '.join(kept)}.")
    if wiki and not and_wiki:
        lines.append(f"Keeps unless --and-wiki is given: {wiki}.")
    return lines
