"""``backfill --dry-run``: the work to do, and how long it takes."""

from __future__ import annotations

from wikiembed.cli.console import database, print_json, say
from wikiembed.cli.unsplit import expected, expected_phrase
from wikiembed.command_line import command_line
from wikiembed.config import Settings
from wikiembed.control import actions
from wikiembed.control.estimate import Estimate, estimate
from wikiembed.control.measure import Rate
from wikiembed.db.endpoint import endpoint
from wikiembed.store.coverage import Coverage
from wikiembed.times import about
from wikiembed.words import count, money, roughly, verb


def print_estimate(
    settings: Settings,
    source: str | None,
    *,
    max_chunks: int | None,
    batch_size: int | None,
    concurrency: int | None,
    json: bool,
) -> None:
    """Print what a backfill would do, per source and in total."""
    found: list[Estimate] = []
    with database(settings) as (connection, _):
        where = endpoint(settings, connection)
        if not json:
            say(where.line)
        queueing = actions.enqueue_all(
            connection,
            source,
            max_chunks=max_chunks,
            batch_size=batch_size or settings.batch_size,
            dry_run=True,
        )
        rows = {row.source: row for row in actions.coverage(connection, source)}
        for one in queueing:
            if one.source not in rows:
                continue
            left = None if max_chunks is None else max_chunks - sum(e.chunks for e in found)
            found.append(
                estimate(
                    connection,
                    settings,
                    rows[one.source],
                    one,
                    most_chunks=left,
                    concurrency=concurrency,
                    expected=expected(connection, one.source)
                    if one.documents is not None
                    else None,
                )
            )
            if json:
                print_json({"event": "would_queue", **one.as_json(), "database": where.as_json()})
                print_json({"event": "estimate", **found[-1].as_json()})
            else:
                say(estimate_sentence(found[-1], one, rows[one.source]))
    if len(found) > 1:
        known = [e.seconds for e in found if e.seconds is not None]
        seconds = sum(known) if len(known) == len(found) else None
        chunks = sum(e.chunks for e in found)
        if json:
            hours = None if seconds is None else round(seconds / 3600, 3)
            print_json(
                {"event": "estimate", "source": None, "chunks": chunks,
                 "jobs": sum(e.jobs for e in found), "hours": hours}
            )  # fmt: skip
        else:
            unknown = [e.source for e in found if e.seconds is None]
            without = f" without {', '.join(unknown)}" if unknown and sum(known) > 0 else ""
            takes = _takes(sum(known) if without else seconds)
            work = f"{count(chunks, 'chunk')}, {takes}{without}" if chunks else "nothing to embed"
            say(f"Total: {work}.")


def _takes(seconds: float | None) -> str:
    if seconds is None:
        return "no estimate of the time"
    return about(seconds) if seconds < 10 else f"about {about(seconds)}"


def estimate_sentence(found: Estimate, queueing: actions.Enqueued, row: Coverage) -> str:
    """The work to do, the sample's size, and the estimated time, or why it is unknown."""
    if found.expected is not None and found.expected.chunks is None:
        return f"{found.source}: {expected_phrase(found.expected)}; {found.unknown}."
    if found.chunks == 0:
        failed = f" but {count(row.failed, 'failed chunk')}" if row.failed else ""
        return f"{found.source}: nothing to embed{failed}."
    sentences = [f"{_what(found, queueing)}.", _how_long(found)]
    if row.paused:
        sentences.append(f"It is paused: run `{command_line('resume', found.source)}`.")
    measured = found.measured
    if measured is not None and measured.refused:
        why = (measured.refusal or "").rstrip(".")
        refused = count(measured.refused, "text")
        were = verb(measured.refused, "was", "were")
        sentences.append(f"{refused} of the sample {were} refused and left out ({why}).")
    return " ".join(filter(None, sentences))


def _what(found: Estimate, queueing: actions.Enqueued) -> str:
    to_queue = []
    if queueing.documents:
        documents = count(queueing.documents, "document")
        to_queue.append(f"{documents} would be queued in {count(queueing.splits, 'job')}")
    if queueing.chunks:
        jobs = count(queueing.jobs - queueing.splits, "job")
        to_queue.append(f"{count(queueing.chunks, 'chunk')} would be queued in {jobs}")
    queued = ", ".join(to_queue) or "all queued already"
    if found.expected is None:
        work = f"{count(found.chunks, 'chunk')} to embed in {count(found.jobs, 'job')}"
        what = f"{found.source}: {work} ({queued})"
    else:
        missing = found.chunks - (found.expected.chunks or 0)
        more = f"; with {count(missing, 'chunk')} that lack a vector" if missing > 0 else ""
        what = f"{found.source}: {expected_phrase(found.expected)} ({queued}){more}"
    if found.characters is not None and found.tokens is not None:
        what += (
            f", about {roughly(found.characters)} characters or {roughly(found.tokens)} tokens by"
            f" a sample of {count(found.sampled, 'text')}"
        )
    if found.cost is not None and found.price is not None:
        price = money(found.price.per_million, found.price.currency)
        what += f", which cost about {money(found.cost, found.price.currency)} at {price} a million"
    return what


def _how_long(found: Estimate) -> str:
    if found.rate is None:
        why = (found.unknown or "nothing could be measured").rstrip(".")
        return f"How long it takes is not known: {why}."
    return (
        f"At about {roughly(found.rate.chunks_per_s)} chunks/s, {_basis(found.rate)}:"
        f" {_takes(found.seconds)}."
    )


def _basis(rate: Rate) -> str:
    if rate.known_from == "history":
        return "the last day's rate in view throughput"
    chunks = count(rate.sampled, "chunk")
    return f"measured just now by embedding {chunks}, none written"
