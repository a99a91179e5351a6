"""``load``: the articles of wiki files into the wiki's tables."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import psycopg
import typer

from wikiembed.cli.console import count, database, print_json, remark, say
from wikiembed.cli.load_end import FileRun, Run, sentences_after
from wikiembed.cli.progress import Reporter
from wikiembed.control.load import Loaded, load_articles, waiting_pages
from wikiembed.db.connect import as_ours
from wikiembed.encodings import shown
from wikiembed.errors import InputError, WikiembedError, WrongUsage
from wikiembed.wiki import (
    EVERYTHING,
    FORMAT_NAMES,
    Binary,
    LoadCounts,
    Rendering,
    Titles,
    read_articles,
    read_rules,
)
from wikiembed.words import verb

STANDARD_INPUT = "-"
MOST_NAMED = 10
ATTACH_AGAIN = (
    "wikiembed attach public.wiki_pages --documents --key id --text content --title title"
    " --chunks wiki_chunks --name wiki"
)
"""What undoes a detach of the wiki."""


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("load")(run_load)


def run_load(
    files: Annotated[
        list[str],
        typer.Argument(
            help=f"{FORMAT_NAMES}; plain, gzip or bzip2; - is standard input.",
            metavar="FILES...",
        ),
    ],
    *,
    atomic: Annotated[
        bool, typer.Option("--atomic", help="Store all files or none, in one transaction.")
    ] = False,
    tables: Annotated[
        bool, typer.Option("--tables/--no-tables", help="Keep the rows of tables as text.")
    ] = True,
    infoboxes: Annotated[
        bool,
        typer.Option(
            "--infoboxes/--no-infoboxes", help="Keep infoboxes, in sections of their own."
        ),
    ] = True,
    templates: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file of rules for templates.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Name the ten templates most often left out.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Load wiki pages as plain text, which workers split and embed; unchanged ones are not written.

    Reads files in constant memory; format and compression are detected from the content.
    Redirects and pages of other namespaces than articles are left out and counted. Of pages
    with the same title the last one is kept.

    A load that ends early reports how many pages are stored, and can be run again. With --atomic
    none is stored in that case, and all jobs are queued at the end.
    """
    sources = sources_of(files)
    run = Run(names=[shown(file) for file in files], atomic=atomic)
    titles = Titles()
    rendering = Rendering(
        tables=tables,
        infoboxes=infoboxes,
        templates=read_rules(templates) if templates else {},
    )
    with database() as (connection, _):
        # The transaction is the inner one: its end must be reported after it.
        transaction = connection.transaction() if atomic else contextlib.nullcontext()
        with _early_end_reported(run, json=json), transaction:
            for name, source in zip(run.names, sources, strict=True):
                done = run.begin(name)
                load_file(
                    connection,
                    source,
                    done.counts,
                    total=done.loaded,
                    titles=titles,
                    rendering=rendering,
                )
                if not atomic:
                    done.waiting = waiting_pages(connection)
                    report(done, json=json, verbose=verbose)
            run.is_committing = True
        for done in run.files if atomic else ():
            done.waiting = waiting_pages(connection)
            report(done, json=json, verbose=verbose)


def sources_of(files: Sequence[str]) -> list[Path | Binary]:
    """The files by path; standard input for ``-``.

    Raises: InputError if there is no such file, WrongUsage.
    """
    if files.count(STANDARD_INPUT) > 1:
        raise WrongUsage("Standard input can be read once only: give - once.")
    sources: list[Path | Binary] = []
    for file in files:
        if file == STANDARD_INPUT:
            if sys.stdin.isatty():
                raise WrongUsage("Standard input is a terminal: pipe a file into it, or name one.")
            sources.append(cast("Binary", sys.stdin.buffer))
        elif Path(file).is_file() or Path(file).is_fifo():
            sources.append(Path(file))
        else:
            raise InputError(f"No such file: {shown(file)}.")
    return sources


@contextlib.contextmanager
def _early_end_reported(run: Run, *, json: bool) -> Iterator[None]:
    """Add what is stored to an error that ends the load early, and keep the error's class."""
    try:
        yield
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        if json and run.files and not run.atomic:
            report(run.files[-1], json=True, complete=False)
        if isinstance(error, psycopg.Error):
            ours = as_ours(error)
        elif isinstance(error, WikiembedError):
            ours = error
        else:
            remark(f"Stopped. {sentences_after(run, error=error)}")
            raise
        raise type(ours)(f"{ours} {sentences_after(run, error=error)}") from error


def load_file(
    connection: psycopg.Connection[Any],
    source: Path | Binary,
    counts: LoadCounts,
    *,
    total: Loaded | None = None,
    titles: Titles | None = None,
    rendering: Rendering = EVERYTHING,
) -> Loaded:
    """Load one file with progress; pages before an error in it are written.

    Raises: InputError; DatabaseError and its kinds.
    """
    what = shown(source.name) if isinstance(source, Path) else STANDARD_INPUT
    with Reporter(f"load {what}") as reporter:
        return load_articles(
            connection,
            read_articles(source, counts, titles, rendering),
            total=total,
            on_batch=lambda done: reporter.update(
                counts.pages, note=f"{done.written:,} written", written=done.written
            ),
        )


def report(done: FileRun, *, json: bool, complete: bool = True, verbose: bool = False) -> None:
    """Print what was read of a file and what was written."""
    counts, loaded = done.counts, done.loaded
    if json:
        written = {**loaded.as_json(), "waiting": done.waiting}
        fields = {**counts_of(counts), **written, "complete": complete}
        names = {"most_silent_templates": dict(most_silent(counts))} if verbose else {}
        print_json({"file": done.name, **fields, **names})
        return
    say(
        f"{done.name}: {count(counts.pages, 'page')} read, {loaded.added:,} added,"
        f" {loaded.changed:,} changed, {loaded.unchanged:,} unchanged; {_waiting(done.waiting)}."
    )
    if counts.redirects + counts.other_namespaces + counts.other_models + counts.empty:
        say(
            f"Left out: {count(counts.redirects, 'redirect')}, {counts.other_namespaces:,}"
            f" of other namespaces, {counts.other_models:,} not wikitext,"
            f" {counts.empty:,} empty."
        )
    if silent := counts.silent_templates.total():
        named = "; ".join(f"{name} {n:,}" for name, n in most_silent(counts))
        more = f", most often {named}" if verbose else "; --verbose names them"
        say(f"{count(silent, 'unknown template')} left out{more}.")
    if counts.repeated is None:
        say("Repeated titles were not counted: there is no space for temporary files.")
    elif counts.repeated:
        pages = count(counts.repeated, "page")
        say(f"{pages} had the title of an earlier page: the last page of a title is kept.")


def _waiting(pages: int | None) -> str:
    """How many pages wait, or the command that makes them wait."""
    if pages is None:
        return f"no source splits them: run `{ATTACH_AGAIN}`"
    return f"{count(pages, 'page')} {verb(pages, 'waits', 'wait')} to be split"


def most_silent(counts: LoadCounts) -> list[tuple[str, int]]:
    """The templates most often left out, and how often."""
    return counts.silent_templates.most_common(MOST_NAMED)


def counts_of(counts: LoadCounts) -> dict[str, int | None]:
    """What was read, by kind."""
    return {
        "pages": counts.pages,
        "redirects": counts.redirects,
        "other_namespaces": counts.other_namespaces,
        "other_models": counts.other_models,
        "empty": counts.empty,
        "repeated": counts.repeated,
        "silent_templates": counts.silent_templates.total(),
    }
