"""Every command: its module, its place in ``--help``, its exit codes and its examples.

Which module has a command is said here so that a command imports only its own: all modules
together import every library of the product, which costs most commands more than their work does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import NamedTuple

import typer


class Entry(NamedTuple):
    """A command: the module of `wikiembed.cli` that registers it, and what pages say of it.

    `exits`: exit codes, but for 2 and 3 as they are everywhere. `examples` can be typed unchanged.
    """

    module: str
    exits: str
    examples: tuple[str, ...]


PANELS: Mapping[str, Mapping[str, Entry]] = {
    "Set up": {
        "demo": Entry(
            module="demo",
            exits=(
                "0 when everything was embedded; 1 when it was not within five minutes, or an "
                "invariant does not hold"
            ),
            examples=("wikiembed demo",),
        ),
        "migrate": Entry(
            module="schema",
            exits="0 when the database is at this wikiembed's version",
            examples=(
                "wikiembed migrate",
                "wikiembed migrate --sql > schema.sql",
            ),
        ),
        "uninstall": Entry(
            module="schema",
            exits=(
                "0 when wikiembed is removed, or was not installed; 1 when the question was "
                "answered with no, 2 when there was no terminal to confirm on, or when "
                "something of yours depends on wikiembed"
            ),
            examples=(
                "wikiembed uninstall",
                "wikiembed uninstall --and-wiki --yes",
            ),
        ),
        "attach": Entry(
            module="sources",
            exits=(
                "0 when attached; 2 when the table or a column is refused, and then nothing has "
                "changed"
            ),
            examples=(
                "wikiembed attach public.docs --key id --text body --embedding vec --name docs",
                "wikiembed attach public.notes --provider ollama --model bge-m3",
                "wikiembed attach public.articles --key tenant,id --text title --text body",
                "wikiembed attach public.pages --documents --text body --title title",
            ),
        ),
        "resplit": Entry(
            module="resplit",
            exits=(
                "0 when the documents are queued, or nothing changes; 2 when the source has none "
                "or an option is refused, 3 when a writer of the documents is waited for longer "
                "than 10 s, and then nothing has changed"
            ),
            examples=(
                "wikiembed resplit pages --max-chars 800 --dry-run",
                "wikiembed resplit pages --max-chars 800",
                "wikiembed resplit pages --force",
            ),
        ),
        "sources": Entry(
            module="sources",
            exits="0",
            examples=(
                "wikiembed sources",
                "wikiembed sources --json",
            ),
        ),
        "detach": Entry(
            module="sources",
            exits="0 when detached",
            examples=("wikiembed detach docs",),
        ),
    },
    "Embed": {
        "load": Entry(
            module="load",
            exits=(
                "0 when every file was read to its end; 2 for a file that cannot be read, 3 "
                "where Postgres refuses a page or is lost: pages before it are kept, except "
                "with `--atomic`"
            ),
            examples=(
                "wikiembed load dump.xml.bz2",
                "zstdcat dump.xml.zst | wikiembed load -",
                "wikiembed load pages.jsonl --json",
                "wikiembed load old.jsonl new.jsonl --atomic",
            ),
        ),
        "backfill": Entry(
            module="backfill",
            exits=(
                "0 when nothing is missing but skipped chunks, or when `--max-chunks` are "
                "embedded; 1 when chunks are missing at its end (failed ones only without "
                "`--allow-failures`), or when what is left is paused; 2 when its model is not "
                "the one that a source is pinned to; 3 when an outage outlasts "
                "`WIKIEMBED_OUTAGE_LIMIT_S`; 130 and 143 when Ctrl-C or SIGTERM ended it before"
            ),
            examples=(
                "wikiembed backfill",
                "wikiembed backfill docs --max-chunks 10000",
                "wikiembed backfill --dry-run",
            ),
        ),
        "enqueue": Entry(
            module="work",
            exits="0, also when nothing was left to queue",
            examples=(
                "wikiembed enqueue docs",
                "wikiembed enqueue --dry-run",
            ),
        ),
        "worker": Entry(
            module="work",
            exits=(
                "0 when stopped or drained, even if chunks failed (run `ready`); with "
                "`--drain`: 1 when what is left is paused, 3 when an outage outlasts "
                "`WIKIEMBED_OUTAGE_LIMIT_S`; 2 when its model is not the one that a source is "
                "pinned to"
            ),
            examples=(
                "wikiembed worker",
                "wikiembed worker --drain --concurrency 8",
            ),
        ),
        "fleet": Entry(
            module="fleet",
            exits=(
                "0 when stopped or drained, even if chunks failed (run `ready`); with "
                "`--drain`: 1 when what is left is paused, 3 when an outage outlasts "
                "`WIKIEMBED_OUTAGE_LIMIT_S`; 2 when Ray is missing, here or on the nodes, and "
                "for what `worker` exits with 2; 3 when no Ray cluster is in reach at the start, "
                "or when it is stopped while the cluster is lost"
            ),
            examples=(
                "wikiembed fleet --max 16 --gpus-per-worker 1",
                "wikiembed fleet --address local --max 2 --drain",
            ),
        ),
    },
    "Look": {
        "status": Entry(
            module="look",
            exits="0, also when `--watch` is ended by Ctrl-C",
            examples=(
                "wikiembed status",
                "wikiembed status --watch --every 5",
                "wikiembed status --json",
            ),
        ),
        "ready": Entry(
            module="ready",
            exits=(
                "0 when ready; 1 when not, when no source is attached, or when with `--smoke` "
                "search does not find the chunk; see [doctor](doctor.md#what-is-in-the-way-of-"
                "ready)"
            ),
            examples=(
                "wikiembed ready docs",
                "wikiembed ready --smoke",
            ),
        ),
        "serve": Entry(
            module="serve",
            exits=(
                "0 when stopped by SIGTERM or Ctrl-C; 2 on another address than loopback without "
                "authentication, for a token file that cannot be read, or without the extra `web`"
            ),
            examples=(
                "wikiembed serve",
                "wikiembed serve --host 0.0.0.0 --token-file /etc/wikiembed/tokens",
            ),
        ),
        "failures": Entry(
            module="look",
            exits="0, also when there are none",
            examples=(
                "wikiembed failures docs",
                "wikiembed failures --class text_too_long --json",
            ),
        ),
        "usage": Entry(
            module="usage",
            exits="0, also when nothing was used",
            examples=(
                "wikiembed usage docs",
                "wikiembed usage --days 90 --json",
            ),
        ),
        "lag": Entry(
            module="usage",
            exits="0, also when nothing was embedded",
            examples=(
                "wikiembed lag docs",
                "wikiembed lag --hours 168 --json",
            ),
        ),
        "doctor": Entry(
            module="look",
            exits=(
                "0 when no finding is a fault (warnings are allowed), else 1; see "
                "[doctor](doctor.md)"
            ),
            examples=(
                "wikiembed doctor",
                "wikiembed doctor --full --json",
                "wikiembed doctor --max-lag 30s",
            ),
        ),
    },
    "Control": {
        "pause": Entry(
            module="control",
            exits="0",
            examples=(
                "wikiembed pause docs --why 'the server moves' --until 2h",
                "wikiembed pause --until 2031-05-01T08:00",
            ),
        ),
        "resume": Entry(
            module="control",
            exits="0, also when nothing was paused",
            examples=(
                "wikiembed resume docs --why 'the server is back'",
                "wikiembed resume",
            ),
        ),
        "retry": Entry(
            module="control",
            exits="0, also when nothing was to be retried",
            examples=(
                "wikiembed retry docs",
                "wikiembed retry docs --class text_too_long",
            ),
        ),
        "price": Entry(
            module="usage",
            exits="0 when the price is set, or prices are listed",
            examples=(
                "wikiembed price docs 0.02 --currency USD",
                "wikiembed price docs 0.04 --from 2031-05-01",
                "wikiembed price",
            ),
        ),
        "budget": Entry(
            module="budget",
            exits="0 when the budget is set, or budgets are listed",
            examples=(
                "wikiembed budget docs --tokens 1000000 --per day",
                "wikiembed budget docs --cost 25 --per month",
                "wikiembed budget",
            ),
        ),
        "schedule": Entry(
            module="schedule",
            exits="0 when the schedule is set or removed, or schedules are listed",
            examples=(
                "wikiembed schedule docs --window '22:00-06:00 Asia/Seoul' --weekdays mon-fri",
                "wikiembed schedule docs --remove",
                "wikiembed schedule",
            ),
        ),
        "limit": Entry(
            module="limit",
            exits="0 when the limit is set or removed, or limits are listed",
            examples=(
                "wikiembed limit https://api.openai.com --requests-per-minute 3000",
                "wikiembed limit http://gpu:8080 --model bge-m3 --remove",
                "wikiembed limit",
            ),
        ),
        "skip": Entry(
            module="control",
            exits="0 when all keys were skipped; 1 when some do not exist or have their vector",
            examples=("wikiembed skip docs 17 42 --why 'no text'",),
        ),
        "reconcile": Entry(
            module="control",
            exits="0",
            examples=(
                "wikiembed reconcile",
                "wikiembed reconcile docs --json",
            ),
        ),
    },
    "Search": {
        "search": Entry(
            module="search",
            exits=(
                "0 with results; 1 when nothing is embedded yet; 2 when the sources have "
                "different models and none is named"
            ),
            examples=(
                "wikiembed search 'how do bees make honey'",
                "wikiembed search 'opening hours' --source docs --limit 3 --json",
            ),
        ),
        "compare": Entry(
            module="compare",
            exits=(
                "0 when compared, whatever the result; 1 when a source has no vectors; 2 for "
                "sources of different tables, or questions that cannot be read"
            ),
            examples=(
                "wikiembed compare docs docs_new",
                "wikiembed compare docs docs_new --queries questions.txt --json",
            ),
        ),
        "switch": Entry(
            module="switch",
            exits=(
                "0 when searches use the source, also when they did before; 2 for a source that is "
                "refused, and then nothing has changed"
            ),
            examples=(
                "wikiembed switch docs --to docs_new",
                "wikiembed switch docs --to docs",
            ),
        ),
        "verify": Entry(
            module="verify",
            exits=(
                "0 when the model makes the vectors that are stored, of whole texts; 1 when not, "
                "or when nothing is embedded; 2 when the model has other dimensions"
            ),
            examples=(
                "wikiembed verify docs",
                "wikiembed verify docs --sample 500 --json",
            ),
        ),
        "index": Entry(
            module="index",
            exits=(
                "0 when the index exists and is valid, or with `--drop` does not exist; 1 when "
                "chunks lack vectors; 2 for a column that pgvector cannot index so or a table that "
                "the role does not own; 130 when interrupted by Ctrl-C"
            ),
            examples=(
                "wikiembed index --source docs",
                "wikiembed index --source docs --quantise binary",
                "wikiembed index --source docs --drop",
            ),
        ),
        "recall": Entry(
            module="recall",
            exits=(
                "0 when it was measured, or search is exact; 1 when fewer than 20 questions find "
                "a chunk, or with `--set` no `ef_search` reaches `--target`; 2 for a filter "
                "that is refused, or `--set` by another role than wikiembed's owner"
            ),
            examples=(
                "wikiembed recall docs",
                "wikiembed recall docs --target 0.99 --set",
                "wikiembed recall docs --filter tenant=3 --json",
            ),
        ),
    },
}
"""The commands of each panel of ``--help``, in order."""
ENTRIES: Mapping[str, Entry] = {
    name: entry for panel in PANELS.values() for name, entry in panel.items()
}


def modules_for(command: str | None) -> Iterable[str]:
    """The module of `command`; every module for None and for an unknown command."""
    known = ENTRIES.get(command or "")
    return [known.module] if known else {entry.module: None for entry in ENTRIES.values()}


def register(cli: typer.Typer, command: str | None = None) -> None:
    """Add `command`, with the others of its module, or all commands to `cli`."""
    for module in modules_for(command):
        import_module(f"wikiembed.cli.{module}").register(cli)
