"""Every finding of doctor: its name, its levels, what they mean and the command that fixes it.

docs/reference/doctor.md is generated from this list, and a test provokes each of its alarms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["ok", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A finding that is not ok: its stable name, its level, its meaning and what fixes it."""

    name: str
    level: Level
    meaning: str
    fix: str


ALARMS = (
    Alarm(
        "database", "fault",
        "Postgres is out of reach, or refuses the login.",
        "Start Postgres, or set `WIKIEMBED_DATABASE_URL`",
    ),
    Alarm(
        "read_only", "fault",
        "Postgres answers but is read-only: a standby, or `default_transaction_read_only`.",
        "Set `WIKIEMBED_DATABASE_URL` to the primary, or end the read-only mode",
    ),
    Alarm(
        "postgres", "fault",
        "Postgres is older than 15.",
        "Upgrade Postgres",
    ),
    Alarm(
        "pgvector", "fault",
        "The extension vector is not in this database.",
        "`create extension vector`, or restore the database if it was dropped with its columns",
    ),
    Alarm(
        "pgvector", "warning",
        "The server has files of a newer pgvector than the database uses.",
        "`alter extension vector update`",
    ),
    Alarm(
        "schema", "fault",
        "The database has no wikiembed schema, an older one, or one of a newer wikiembed.",
        "`wikiembed migrate`, or install the wikiembed that made it",
    ),
    Alarm(
        "procrastinate", "fault",
        "The package procrastinate has another version than its schema in the database.",
        "`pip install procrastinate==VERSION`",
    ),
    Alarm(
        "queue_schema", "fault",
        "A table, a function or a trigger of the queue is missing or disabled.",
        "`alter table … enable trigger …` as the sentence says; restore what is missing",
    ),
    Alarm(
        "clock", "warning",
        "The clocks of Postgres and of this machine differ by more than 5 s.",
        "Synchronize both by NTP",
    ),
    Alarm(
        "unexamined", "fault",
        "Postgres refuses a query of doctor's, in most cases because a privilege is missing.",
        "Run it as wikiembed's owner",
    ),
    Alarm(
        "sources", "warning",
        "No source is attached.",
        "`wikiembed attach`",
    ),
    Alarm(
        "relation", "fault",
        "The table of a source was dropped.",
        "`wikiembed reconcile SOURCE`, which detaches it",
    ),
    Alarm(
        "replaced", "fault",
        "Another table has the name of a source's table: its rows are not embedded.",
        "`wikiembed attach TABLE --name SOURCE --move`",
    ),
    Alarm(
        "citus", "fault",
        "Citus has managed a source's table since it was attached: workers cannot read its rows.",
        "Make it a plain table as the sentence says, then `wikiembed attach TABLE --name SOURCE"
        " --move`",
    ),
    Alarm(
        "triggers", "fault",
        "A source's triggers are missing, disabled, or of another version.",
        "`wikiembed reconcile SOURCE`",
    ),
    Alarm(
        "documents_relation", "fault",
        "The table of a source's documents, or a column of it that is used, was dropped.",
        "`wikiembed reconcile SOURCE`, which keeps the chunks",
    ),
    Alarm(
        "chunk_table", "fault",
        "A source's table of chunks lacks a column or constraint that its documents need: it was"
        " renamed or dropped, or a foreign key went with a partition of the documents.",
        "What the sentence says, then `wikiembed reconcile SOURCE`",
    ),
    Alarm(
        "document_triggers", "fault",
        "Triggers on a source's documents are missing, disabled, or of another version or name.",
        "`wikiembed reconcile SOURCE`",
    ),
    Alarm(
        "index", "warning",
        "The partial index on a source's missing rows is missing or invalid: `ready` reads the"
        " whole table.",
        "`create index concurrently …` as the sentence says",
    ),
    Alarm(
        "search_index", "warning",
        "The index of vectors is invalid, or is missing where 10,000 vectors or more are searched,"
        " or is not of the kind that `--quantise` chose; or that of text is missing or invalid"
        " where search by text was set up.",
        "`wikiembed index --source SOURCE`",
    ),
    Alarm(
        "recall", "warning",
        "By the last measurement, search by the index of vectors finds less than 95 % of the"
        " nearest chunks.",
        "`wikiembed recall SOURCE --set`; where no setting reaches it,"
        " [build the index with more links](../how-to/recall.md#more-links)",
    ),
    Alarm(
        "owner", "warning",
        "A role could gain privileges by running SQL as wikiembed's owner through a table.",
        "Let a role with fewer rights own wikiembed",
    ),
    Alarm(
        "prefix", "warning",
        "The model expects prefixes, and its vectors were made without.",
        "[Empty the vectors](../how-to/change-the-model.md#only-the-prefix), then set"
        " `WIKIEMBED_DOCUMENT_PREFIX` and `WIKIEMBED_QUERY_PREFIX`",
    ),
    Alarm(
        "paused", "warning",
        "An operator or a worker paused a source.",
        "Fix the cause, then `wikiembed resume SOURCE`",
    ),
    Alarm(
        "budget", "warning",
        "A source has used 90 % of its budget, or is paused because it has reached it.",
        "`wikiembed budget SOURCE --tokens N`, or wait for the next day or month",
    ),
    Alarm(
        "held_back", "warning",
        "Chunks wait to be queued by an operator: rows that existed at attach, or what"
        " `--max-chunks` left.",
        "`wikiembed enqueue SOURCE`",
    ),
    Alarm(
        "documents_waiting", "warning",
        "Documents wait to be split and are in no job: they existed at attach, or jobs were lost.",
        "`wikiembed enqueue SOURCE`",
    ),
    Alarm(
        "documents_failed", "warning",
        "Documents could not be split.",
        "`wikiembed failures SOURCE`, then `wikiembed retry SOURCE`",
    ),
    Alarm(
        "splitter_version", "warning",
        "Documents were split by another version of the splitter than the installed one, which may"
        " cut elsewhere.",
        "`wikiembed resplit SOURCE --dry-run`, then `wikiembed resplit SOURCE`",
    ),
    Alarm(
        "splitter", "fault",
        "A source has documents, and the package that splits them cannot be imported here.",
        "`pip install --force-reinstall semantic-text-splitter`",
    ),
    Alarm(
        "failures", "warning",
        "Chunks were set aside as failed.",
        "`wikiembed failures SOURCE`, then `wikiembed retry SOURCE` or `wikiembed skip SOURCE KEY`",
    ),
    Alarm(
        "workers", "warning",
        "No worker is alive, and none is needed now.",
        "`wikiembed worker`",
    ),
    Alarm(
        "workers", "fault",
        "No worker is alive, and jobs wait.",
        "`wikiembed worker`",
    ),
    Alarm(
        "stuck_jobs", "warning",
        "Jobs belong to dead workers, or have run for longer than half an hour.",
        "`wikiembed worker`, which rescues them within 90 s",
    ),
    Alarm(
        "oldest_job", "warning",
        "A job of a source that is not paused has waited for ten minutes.",
        "More workers: `wikiembed worker`",
    ),
    Alarm(
        "lag", "fault",
        "Rows that were just written wait for their vectors for longer than `--max-lag` or"
        " `WIKIEMBED_MAX_LAG_S`: now, or 5 % of those of the last hour.",
        "More workers: `wikiembed worker`",
    ),
    Alarm(
        "invariants", "fault",
        "Rows, jobs, failures and counts are inconsistent: something bypassed the triggers.",
        "`wikiembed reconcile`",
    ),
    Alarm(
        "outage", "fault",
        "Workers cannot reach an embedding server now.",
        "Fix the server; workers retry automatically",
    ),
    Alarm(
        "outage", "warning",
        "An embedding server was out of reach, and no worker has tried it since; or workers leave"
        " out one of several servers of a model, and the others take the work.",
        "`wikiembed worker`, or `select wikiembed.end_outage('SERVER')` if the server is retired;"
        " or fix the server",
    ),
    Alarm(
        "limit", "warning",
        "A limit is set to more than its server states, which will refuse requests.",
        "`wikiembed limit SERVER --model MODEL --remove`, or lower it",
    ),
    Alarm(
        "embedder", "fault",
        "The embedding server cannot be reached from here, refuses the key, or has no such model.",
        "Start the server, or set `WIKIEMBED_EMBEDDER_URL`, `WIKIEMBED_MODEL`, `WIKIEMBED_API_KEY`",
    ),
    Alarm(
        "embedder", "warning",
        "One of several servers cannot be used from here, or runs another model; another can.",
        "Start or correct that server, or take it out of `WIKIEMBED_EMBEDDER_URL`",
    ),
    Alarm(
        "model", "fault",
        "A source is pinned to another model than these settings select: a worker would stop.",
        "Set `WIKIEMBED_EMBEDDER` and `WIKIEMBED_MODEL` to the source's, or change its model",
    ),
    Alarm(
        "served_model", "warning",
        "The server lists another model than the requested one, but accepts requests for it.",
        "Set `WIKIEMBED_MODEL` to the model that the server serves",
    ),
    Alarm(
        "silent_truncation", "warning",
        "The server truncates long texts silently: their vectors are stored as if of whole ones.",
        "Use a server that refuses them, or keep chunks shorter than the sentence says; or set"
        " `WIKIEMBED_TRUNCATE=true` if that is intended",
    ),
    Alarm(
        "model_drift", "fault",
        "The server does not make the vectors that are stored: another model, pooling or prefix,"
        " for all chunks or a part of them.",
        "Serve the model that made them, then `wikiembed verify SOURCE`; or"
        " [change the model](../how-to/change-the-model.md)",
    ),
    Alarm(
        "model_drift", "warning",
        "The server's vectors are slightly off those that are stored: other weights or another"
        " quantisation.",
        "`wikiembed verify SOURCE`, and [what to do then](../how-to/verify.md)",
    ),
    Alarm(
        "dimensions", "fault",
        "The model returns another number of dimensions than a source's column has.",
        "Set `WIKIEMBED_MODEL` to another model, or attach another column",
    ),
)  # fmt: skip

_KNOWN = {(alarm.name, alarm.level) for alarm in ALARMS}


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; an alarm must be in `ALARMS`."""

    name: str
    level: Level
    sentence: str
    details: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Reject undocumented alarms. Raises: ValueError."""
        if self.level != "ok" and (self.name, self.level) not in _KNOWN:
            raise ValueError(f"no such alarm: {self.name} {self.level}")

    def as_json(self) -> dict[str, object]:
        """Its fields by name, and its details."""
        named = {"name": self.name, "level": self.level, "sentence": self.sentence}
        return {**named, **self.details}
