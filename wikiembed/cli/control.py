"""``pause``, ``resume``, ``retry``, ``skip`` and ``reconcile``: actions on a source."""

from __future__ import annotations

from typing import Annotated

import typer

from wikiembed.cli.console import count, database, held_back_sentence, print_json, say
from wikiembed.cli.each import Connection, Say, on_each
from wikiembed.command_line import command_line
from wikiembed.control import actions, resplit
from wikiembed.errors import ConditionNotMet, InvalidArgument
from wikiembed.times import local, now, read_time
from wikiembed.words import verb

Source = Annotated[str | None, typer.Argument(help="The source; all of them, if not given.")]


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("pause")(run_pause)
    cli.command("resume")(run_resume)
    cli.command("retry")(run_retry)
    cli.command("skip")(run_skip)
    cli.command("reconcile")(run_reconcile)


def run_pause(
    source: Source = None,
    *,
    why: Annotated[
        str | None, typer.Option(help="The reason, which `status` and `doctor` show.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="When it ends: 2h, 1h30min, or a time such as 2031-05-01T08:00."),
    ] = None,
) -> None:
    """Pause a source: no worker starts another batch of it; batches in flight finish.

    Of several databases in WIKIEMBED_DATABASE_URL it pauses the source in each that has it; one
    that is away does not stop the others, and the exit code is 3.

    A time without an offset is local time; all commands show local times with their offset, and
    UTC in JSON.
    """
    end = read_time(until) if until is not None else None
    if end is not None and end <= now():
        raise InvalidArgument(
            f"The pause would end at {local(end)}, which is past: give a future time, or none."
        )
    ends = f" until {local(end)}" if end else ""

    def pause(connection: Connection, say: Say) -> None:
        paused = actions.pause(connection, source, why=why, until=end)
        say(f"Paused {_sources(source, paused)}{ends}.")

    on_each(pause)


def run_resume(
    source: Source = None,
    *,
    why: Annotated[str | None, typer.Option(help="The reason, which the action log keeps.")] = None,
) -> None:
    """End a pause; workers continue at once. Of several databases it acts on all, as `pause`."""

    def resume(connection: Connection, say: Say) -> None:
        resumed = actions.resume(connection, source, why=why)
        say(f"Resumed {_sources(source, resumed)}." if resumed else "Nothing was paused.")

    on_each(resume)


def _sources(source: str | None, n: int) -> str:
    return f"source {source!r}" if source else count(n, "source")


def run_retry(
    source: Source = None,
    *,
    key: Annotated[list[str] | None, typer.Option(help="Only this chunk; may be repeated.")] = None,
    error_class: Annotated[
        str | None, typer.Option("--class", help="Only failures of this class.")
    ] = None,
) -> None:
    """Queue failed chunks and documents again; skipped ones only when named by key or class.

    Failures of chunks held by another transaction are left, and counted.
    """
    with database() as (connection, _):
        error_class = actions.error_class(connection, error_class)
        for name in actions.names(connection, source):
            done = actions.retry(connection, name, keys=key, error_class=error_class)
            documents = f" and {count(done.documents, 'document')}" if done.documents else ""
            say(
                f"{name}: {count(done.chunks, 'chunk')}{documents} queued again in"
                f" {count(done.jobs, 'job')}."
            )
            if done.held:
                say(
                    f"{name}: {count(done.held, 'failure')} {verb(done.held)} held by another"
                    " transaction: run it again later."
                )
            without = len(set(key or ())) - done.chunks - done.documents - done.held
            if source is not None and without > 0:
                say(
                    f"{name}: {count(without, 'key')} {verb(without, 'has', 'have')} no such"
                    f" failure; list: `{command_line('failures', name)}`."
                )


def run_skip(
    source: Annotated[str, typer.Argument(help="The source.")],
    keys: Annotated[list[str], typer.Argument(help="Keys of the chunks.")],
    *,
    why: Annotated[str | None, typer.Option(help="The reason.")] = None,
) -> None:
    """Skip chunks: workers do not embed them, and `ready` does not count them.

    All of them, or none if another transaction holds one for more than 10 s.
    """
    named = len(set(keys))
    with database() as (connection, _):
        skipped = actions.skip(connection, source, keys, why=why)
    say(f"{source}: {skipped:,} of {count(named, 'chunk')} skipped.")
    if skipped < named:
        raise ConditionNotMet("The others do not exist, or have a vector already.")


def run_reconcile(
    source: Source = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Repair what bypassed the triggers: a restore, a replica, jobs or counts changed by hand."""
    with database() as (connection, _):
        found = actions.reconcile(connection, source)
        waiting = [row for row in actions.coverage(connection, source) if row.held_back]
        outdated = resplit.outdated(connection, source)
    if json:
        print_json(found)
        return
    queued = found["documents_enqueued"]
    documents = f" and {count(queued, 'document')}" if queued else ""
    say(
        f"Queued {count(found['orphans_enqueued'], 'orphaned chunk')}{documents}, dropped"
        f" {count(found['dead_jobs'], 'dead job')}, corrected the ledger by"
        f" {found['ledger_drift']:,}."
    )
    for row in waiting:
        say(held_back_sentence(row.source, row.held_back))
    for sentence in outdated:
        say(sentence)
