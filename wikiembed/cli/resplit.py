"""``resplit``: split the documents of a source again, with other options."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from wikiembed.cli.console import count, database, listed, print_json, say
from wikiembed.cli.options import Context, DryRun, Splitter
from wikiembed.command_line import command_line
from wikiembed.control import resplit as control
from wikiembed.control.resplit import OptionChange, Plan
from wikiembed.errors import WrongUsage
from wikiembed.words import verb

if TYPE_CHECKING:
    from wikiembed.documents.preview import Preview

SAMPLE = 2_000


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("resplit")(run_resplit)


def run_resplit(
    source: Annotated[str, typer.Argument(help="The source, which has documents.")],
    *,
    max_chars: Annotated[
        int | None,
        typer.Option(max=1_000_000, help="Most characters of a chunk, 32 to 1,000,000."),
    ] = None,
    overlap_chars: Annotated[
        int | None,
        typer.Option(max=250_000, help="Characters that a chunk repeats of the one before."),
    ] = None,
    splitter: Annotated[Splitter | None, typer.Option(help="Format of the documents.")] = None,
    context: Annotated[Context | None, typer.Option(help="Embedded before each chunk.")] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            max=1_000_000, help="Most tokens of a chunk, without title and prefix; 0: no bound."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Split all again even if nothing changes.")
    ] = False,
    dry_run: DryRun = False,
    sample: Annotated[
        int | None,
        typer.Option(min=1, help="Documents that --dry-run splits. Default: 2000."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Split the documents of a source again, with other options; equal chunks keep their vectors.

    Options that are not given stay as they are; without any, a new version of the splitter is
    applied. Where neither changes nothing is done, unless --force. All documents wait for a worker,
    behind what is written meanwhile. Until it has split a document, search finds its old chunks.
    Chunks whose text stays equal are not embedded again.

    --dry-run splits documents itself and says how many chunks would stay; of more documents than
    --sample it splits a random choice, and the numbers are estimates.
    """
    if sample is not None and not dry_run:
        raise WrongUsage("--sample needs --dry-run, which splits that many documents.")
    change = OptionChange(
        splitter=splitter.value if splitter else None,
        max_chars=max_chars,
        overlap_chars=overlap_chars,
        context=context.value if context else None,
        max_tokens=max_tokens,
    )
    with database() as (connection, settings):
        plan = control.plan(connection, settings, source, change)
        if dry_run:
            from wikiembed.documents.preview import preview

            options = replace(plan.after, tokens=plan.tokens.count if plan.tokens else None)
            documents = control.stored_documents(connection, source, most=sample or SAMPLE)
            found = preview(documents, options).scaled(plan.documents, plan.chunks)
            waiting = 0
        else:
            waiting = control.resplit(connection, source, change, force=force)
    if json:
        counts = found.as_json() if dry_run else {"waiting": waiting}
        print_json({**plan.as_json(), **counts})
        return
    if dry_run:
        _say_preview(plan, found)
    elif plan.changes or force:
        say(_waits(plan, waiting))
    else:
        say(_unchanged(plan))
        return
    if plan.tokens is not None and plan.after.max_tokens is not None:
        say(control.tokens_sentence(source, plan.after.max_tokens, plan.tokens))
    if plan.paused:
        say(f"It is paused: run `{command_line('resume', source)}`.")
    elif waiting:
        say(f"A worker splits and embeds them, or `{command_line('backfill', source)}`.")


def _how(plan: Plan) -> str:
    return f"with {listed(plan.changes, most=5)}" if plan.changes else "with the same options"


def _waits(plan: Plan, waiting: int) -> str:
    return (
        f"{plan.source}: {count(waiting, 'document')} {verb(waiting, 'waits', 'wait')} to be split"
        f" again, {_how(plan)}; until then, search finds the old chunks."
    )


def _unchanged(plan: Plan) -> str:
    return (
        f"{plan.source}: nothing was queued, since the options and the version of the splitter,"
        f" {plan.versions[0]}, are those that its documents are split with;"
        f" `{command_line('resplit', plan.source, '--force')}` splits them again."
    )


def _say_preview(plan: Plan, found: Preview) -> None:
    """Print what would be done; numbers of a sample are rounded."""

    def number(n: int) -> int:
        return int(float(f"{n:.2g}")) if found.estimated else n

    about = "about " if found.estimated else ""
    say(
        f"{plan.source}: {count(plan.documents, 'document')} with {count(plan.chunks, 'chunk')},"
        f" split again {_how(plan)}:"
    )
    say(
        f"{about}{count(number(found.stay), 'chunk')} would stay, {number(found.change):,} change,"
        f" {number(found.new):,} be new and {number(found.go):,} go;"
        f" {about}{count(number(found.embed), 'text')} would be embedded."
    )
    if found.unreadable:
        say(f"{count(found.unreadable, 'document')} could not be split: its chunks stay.")
    if found.estimated:
        say(f"Estimated from {found.documents:,} documents chosen at random. Nothing was written.")
    else:
        say("All documents were split to find out. Nothing was written.")
