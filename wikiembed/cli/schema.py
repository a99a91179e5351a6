"""``wikiembed migrate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import psycopg
import typer

from wikiembed.cli.console import confirm, count, say
from wikiembed.config import load_settings
from wikiembed.db import version
from wikiembed.db.connect import connect_options, database_url, translate_errors

if TYPE_CHECKING:
    from wikiembed.db.migrate import Loss


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("migrate")(run_migrate)


def run_migrate(
    *,
    to: Annotated[str, typer.Option(help="Schema version to bring the database to.")] = "head",
    down: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="Go back to VERSION instead; `base` removes wikiembed and the wiki's own tables.",
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before rows of the wiki are removed.")
    ] = False,
    sql: Annotated[
        bool, typer.Option("--sql", help="Print the SQL for an empty database, run nothing.")
    ] = False,
) -> None:
    """Create or upgrade wikiembed's schema, in one transaction.

    --down to a version below 0003, or to base, drops the wiki's own tables: it lists them with
    their rows and asks first. Your own tables keep their rows and vectors.

    WIKIEMBED_DIMENSIONS sets the wiki's vector column when it is created: 768, or 256 for the
    local embedder, unless given.
    """
    from wikiembed.db import migrate

    settings = load_settings()
    if sql:
        typer.echo(migrate.offline_sql(settings, revision=to), nl=False)
        return
    url = database_url(settings, create=down is None)
    if down is not None:
        _ask_before_loss(migrate.losses(url, revision=down), yes=yes)
        migrate.downgrade(url, settings, revision=down)
    else:
        migrate.upgrade(url, settings, revision=to)
    with translate_errors(), psycopg.connect(url, **connect_options(url)) as connection:
        reached = version.current(connection)
    if reached is None:
        say("The database has no wikiembed schema.")
    else:
        say(f"The database is at schema version {reached}.")


def _ask_before_loss(losses: list[Loss], *, yes: bool) -> None:
    """List what would be dropped, and ask.

    Raises: WrongUsage, NotSo; then nothing was done.
    """
    if not losses:
        return
    listed = " and ".join(f"{loss.table} with {count(loss.rows, 'row')}" for loss in losses)
    confirm(f"This drops {listed}, with their texts and vectors", yes=yes)
