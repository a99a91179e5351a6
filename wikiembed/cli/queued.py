"""What a backfill reports of its sources before it starts."""

from __future__ import annotations

from collections.abc import Sequence

from wikiembed.cli.console import say
from wikiembed.command_line import command_line
from wikiembed.control.actions import Enqueued
from wikiembed.store.coverage import Coverage
from wikiembed.words import count, verb

MOST_NAMED = 3


def say_queued(queued: Sequence[tuple[Enqueued, Coverage]], *, bounded: bool) -> None:
    """Print a sentence per source with work to do, and the number of the others."""
    idle = [
        done.source
        for done, row in queued
        if not done.chunks and not done.documents and row.missing <= row.failed
    ]
    for done, row in queued:
        if done.source not in idle or len(queued) == 1:
            say(f"{done.source}: {queued_phrase(done, row, bounded=bounded)}.")
    if idle and len(queued) > 1:
        names = ", ".join(idle) if len(idle) <= MOST_NAMED else count(len(idle), "source")
        say(f"Nothing to queue: {names}.")


def queued_sentence(done: Enqueued, *, dry_run: bool = False) -> str:
    """``docs: 10 chunks queued in 1 job.``; documents of a source that has them are counted too."""
    word = "would be queued" if dry_run else "queued"
    jobs = done.jobs - done.splits
    parts = [f"{count(done.chunks, 'chunk')} {word} in {count(jobs, 'job')}"]
    if done.documents is not None:
        documents = f"{count(done.documents, 'document')} {word} in {count(done.splits, 'job')}"
        parts = [documents, *(parts if done.chunks else [])]
    return f"{done.source}: {', '.join(parts)}."


def queued_phrase(done: Enqueued, row: Coverage, *, bounded: bool) -> str:
    """What was queued now, what was queued already, and what failed before.

    `bounded`: other chunks may not be queued, so they are not mentioned.
    """
    waiting = 0 if bounded else max(0, row.missing - row.failed - done.chunks)
    jobs = done.jobs - done.splits
    parts = []
    if done.documents:
        documents = count(done.documents, "document")
        parts.append(f"{documents} queued in {count(done.splits, 'job')}")
    if done.chunks:
        parts.append(f"{count(done.chunks, 'chunk')} queued in {count(jobs, 'job')}")
    if waiting:
        noun = "more chunk" if done.chunks else "chunk"
        parts.append(f"{count(waiting, noun)} {verb(waiting)} queued already")
    if not parts:
        parts.append("nothing was queued" if bounded else "nothing to queue")
    if row.failed:
        parts.append(f"{row.failed:,} failed before (`{command_line('retry', done.source)}`)")
    return ", ".join(parts)
