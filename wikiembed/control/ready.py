"""Whether everything is embedded, the obstacles if not, and whether search finds a chunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg
from psycopg import errors as pg

from wikiembed.command_line import command_line
from wikiembed.config import Settings
from wikiembed.control import actions
from wikiembed.control.documents import Documents, documents
from wikiembed.control.outages import open_outages
from wikiembed.db.connect import translate_errors
from wikiembed.embedders.base import PROBE_TEXT
from wikiembed.search import plan
from wikiembed.search.client import Client, OneConnection
from wikiembed.search.hit import Hit
from wikiembed.store.coverage import Coverage
from wikiembed.store.resolution import for_documents
from wikiembed.times import local
from wikiembed.words import count, verb

Connection = psycopg.Connection[Any]
NEAR = 0.05
"""Cosine distance beyond which a text and its stored vector are not of one model and prefix."""
EQUAL = 1e-6
NEIGHBOURS = 100
OBSTACLES = {
    "relation": "The source's table was dropped.",
    "paused": "An operator or a worker paused the source.",
    "failed": "Chunks were set aside as failed, by class.",
    "empty": "Nothing is embedded: the table has no rows, or all of them are skipped.",
    "held_back": "Chunks wait to be queued by an operator: rows that existed at attach, or what a"
    " bounded enqueue left.",
    "documents": "Documents wait to be split into chunks.",
    "documents_failed": "Documents could not be split.",
    "not_queued": "Chunks are in no job: after a restore, or while triggers were disabled.",
    "waiting": "Chunks wait in jobs, or a worker is embedding them.",
    "miscounted": "A row lacks its vector and the ledger counts none as missing.",
    "outage": "Workers cannot reach an embedding server.",
}
"""Name and meaning of each obstacle, for docs/reference/doctor.md."""

_JOBS = "select q.todo + q.doing + q.scheduled_later from wikiembed.queue as q where q.source = %s"
_ALIVE = "select count(*) from wikiembed.workers as w where w.alive"
_PAUSE = """
select s.paused_by, s.pause_reason, s.resume_at,
       (select b.period from wikiembed.budgets as b where b.source = s.name and b.reached limit 1)
  from wikiembed.sources as s where s.name = %s
"""
_CLASSES = """
select string_agg(c.error_class || ' ' || c.chunks, ', ' order by c.chunks desc, c.error_class)
  from (select f.error_class, count(*) as chunks from wikiembed.failures as f
         where f.source = %s and f.state = 'failed' group by f.error_class) as c
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """An obstacle to readiness, the number of chunks if it has one, and the command to run.

    `facts`: what `sentence` says beside the number, by name, for sentences of other languages.
    """

    source: str | None
    name: str
    sentence: str
    command: str
    chunks: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Its fields by name, without the facts."""
        fields = asdict(self)
        del fields["facts"]
        return fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoke:
    """Whether search found a chunk of `source`, and the nearest distance; None: no vectors."""

    source: str
    passed: bool | None
    sentence: str
    key: str | None = None
    distance: float | None = None

    def as_json(self) -> dict[str, object]:
        """Its fields by name."""
        return asdict(self)


def obstacles(
    connection: Connection,
    unready: list[Coverage],
    *,
    counted: bool = True,
    of_documents: Sequence[Documents] | None = None,
) -> list[Obstacle]:
    """The obstacles of `unready` sources, each with the command that removes it.

    Not `counted`: by the ledger and the views alone, in milliseconds whatever the number of rows
    and jobs. Then jobs are not counted, and missing chunks count as queued unless the source holds
    them back. `of_documents`: what `documents` returned before; None: documents are counted now.
    """
    if of_documents is None:
        of_documents = [one for row in unready for one in documents(connection, row.source)]
    found = [
        obstacle
        for row in unready
        for obstacle in _of_source(
            connection,
            row,
            [one for one in of_documents if one.source == row.source],
            counted=counted,
        )
    ]
    if unready:
        found += [
            Obstacle(
                source=None,
                name="outage",
                sentence=f"{outage.server} is out of reach since {local(outage.since)}:"
                f" {outage.reason.rstrip('.')}",
                command="wikiembed doctor",
                facts={"server": outage.server, "since": outage.since, "why": outage.reason},
            )
            for outage in open_outages(connection)
            if not outage.partial
        ]
    return found


def _of_source(
    connection: Connection, row: Coverage, of_documents: Sequence[Documents], *, counted: bool
) -> Iterator[Obstacle]:
    name = row.source
    with translate_errors():
        gone = connection.execute(
            "select not exists (select from pg_catalog.pg_class as c where c.oid = s.relation)"
            " from wikiembed.sources as s where s.name = %s",
            (name,),
        ).fetchone()
        (alive,) = connection.execute(_ALIVE).fetchone() or (0,)
        pause = connection.execute(_PAUSE, (name,)).fetchone()
    if gone == (True,):
        yield Obstacle(
            source=name, name="relation", sentence="the table was dropped",
            command=command_line("reconcile", name),
        )  # fmt: skip
        return
    if row.paused and pause is not None:
        who, why, until, budget = pause
        ends = f" until {local(until)}" if until else ""
        reason = f" ({why.rstrip('.')})" if why else ""
        yield Obstacle(
            source=name, name="paused", sentence=f"paused by {who}{ends}{reason}",
            command=command_line("resume", name) if budget is None
            else command_line("budget", name, "--per", budget, "--tokens", "N"),
            facts={"who": who, "why": why, "until": until},
        )  # fmt: skip
    if row.failed:
        kinds = _classes(connection, name) if counted else None
        yield Obstacle(
            source=name, name="failed", chunks=row.failed,
            sentence=f"{row.failed:,} failed ({kinds})" if kinds else f"{row.failed:,} failed",
            command=f"{_listed_and_retried(name)} or {command_line('skip', name, 'KEY')}",
        )  # fmt: skip
    for one in of_documents:
        held = actions.documents_to_queue(connection, name)[1] if counted else None
        queued = not (one.held_back if held is None else held)
        yield from _of_documents(one, queued=queued, alive=alive)
    unqueued = _unqueued(connection, name) if counted else None
    unqueued = row.held_back if unqueued is None else unqueued
    if unqueued:
        held_back = row.held_back > 0
        yield Obstacle(
            source=name, name="held_back" if held_back else "not_queued", chunks=unqueued,
            sentence=f"{unqueued:,} wait to be queued" if held_back
            else f"{unqueued:,} not queued",
            command=command_line("enqueue", name),
        )  # fmt: skip
    waiting = row.missing - row.failed - unqueued
    if waiting > 0:
        idle = "" if alive else ", and no worker is alive"
        where = f" in {count(_jobs(connection, name), 'job')}" if counted else ""
        yield Obstacle(
            source=name, name="waiting", chunks=waiting,
            sentence=f"{waiting:,} wait{where}{idle}",
            command="wikiembed status --watch" if alive else "wikiembed worker",
        )  # fmt: skip
    if any(one.waiting or one.failed for one in of_documents):
        return
    if row.missing == 0 and actions.is_ready(connection, name, allow_empty=True):
        yield Obstacle(
            source=name, name="empty", chunks=row.total, sentence=_why_empty(row),
            command=_filled_by(row), facts={"n": row.total},
        )  # fmt: skip
    elif row.missing == 0:
        yield Obstacle(
            source=name, name="miscounted", command=command_line("reconcile", name),
            sentence="a row lacks its vector and the counts say that none does",
        )  # fmt: skip


def _jobs(connection: Connection, source: str) -> int:
    with translate_errors():
        row = connection.execute(_JOBS, (source,)).fetchone()
    return int(row[0]) if row is not None else 0


def _classes(connection: Connection, source: str) -> str | None:
    """``2 timeout, 1 rejected``; None without failures."""
    with translate_errors():
        row = connection.execute(_CLASSES, (source,)).fetchone()
    return row[0] if row is not None else None


def _of_documents(row: Documents, *, queued: bool, alive: int) -> Iterator[Obstacle]:
    if row.failed:
        yield Obstacle(
            source=row.source, name="documents_failed",
            sentence=f"{count(row.failed, 'document')} could not be split",
            command=_listed_and_retried(row.source),
            facts={"n": row.failed},
        )  # fmt: skip
    if row.waiting:
        command = "wikiembed status --watch" if alive else "wikiembed worker"
        yield Obstacle(
            source=row.source, name="documents",
            sentence=f"{count(row.waiting, 'document')} {verb(row.waiting, 'waits', 'wait')}"
            " to be split",
            command=command if queued else command_line("enqueue", row.source),
            facts={"n": row.waiting},
        )  # fmt: skip


def _listed_and_retried(source: str) -> str:
    """The commands that list failures, and queue them again."""
    return f"{command_line('failures', source)}; then {command_line('retry', source)}"


def _filled_by(row: Coverage) -> str:
    """The command that gives a source its first vector, or accepts that it has none."""
    if row.total == 0 and row.source == "wiki":
        return "wikiembed load FILE"
    return command_line("ready", row.source, "--allow-empty")


def _why_empty(row: Coverage) -> str:
    if row.total:
        return f"nothing is embedded, since all {row.total:,} are skipped"
    return "has no chunks"


def _unqueued(connection: Connection, source: str) -> int | None:
    """The number of missing chunks in no job and no failure; None for a role without the right."""
    try:
        row = connection.execute(
            "select chunks from wikiembed.enqueue(%s, p_dry_run => true)", (source,)
        ).fetchone()
    except (pg.InsufficientPrivilege, pg.ReadOnlySqlTransaction):
        return None
    return int(row[0]) if row is not None else None


def smoke(connection: Connection, settings: Settings, source: str) -> Smoke:
    """Embed the text of a chunk as a worker would, and check that search finds that chunk.

    Raises: ConfigurationError, EmbedderError.
    """
    with Client(pool=OneConnection(connection), settings=settings) as client:
        known = []
        if any(row.embedded for row in actions.coverage(connection, source)):
            known = client.take(plan.nearest(PROBE_TEXT, name=source, limit=1))
        if not known:
            sentence = f"{source}: no vectors, nothing to search"
            return Smoke(source=source, passed=None, sentence=sentence)
        (found,) = client.take(plan.find([source], switched=False)).values()
        chunk = known[0]
        text = for_documents(found, settings).prefix + _text_of(connection, source, chunk.key)
        hits = client.take(plan.nearest(text, name=source, limit=NEIGHBOURS))
    first = _distance(hits[0]) if hits else 2.0
    itself = [
        hit for hit in hits
        if _distance(hit) <= first + EQUAL
        and (hit.key == chunk.key or hit.content == chunk.content)
    ]  # fmt: skip
    if itself and first <= NEAR:
        sentence = f"{source}: search finds chunk {chunk.key}, at distance {first:.4f}"
    elif itself:
        sentence = (
            f"{source}: chunk {chunk.key} is {first:.2f} away from its own text: its vector was"
            " made with another model or prefix than these settings'"
        )
    else:
        other = f"chunk {hits[0].key}, {first:.4f} away" if hits else "nothing"
        sentence = f"{source}: searching for the text of chunk {chunk.key} finds {other}"
    return Smoke(
        source=source,
        passed=bool(itself) and first <= NEAR,
        sentence=sentence,
        key=chunk.key,
        distance=first,
    )


def _text_of(connection: Connection, source: str, key: str) -> str:
    """The text of a chunk as a worker embeds it, without the prefix."""
    with translate_errors():
        row = connection.execute(
            "select content from wikiembed.embedded_chunks(%s, array[%s])", (source, key)
        ).fetchone()
    return str(row[0]) if row is not None else ""


def _distance(hit: Hit) -> float:
    return 2.0 if hit.distance is None else hit.distance
