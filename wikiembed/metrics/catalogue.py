"""Every metric by its name: the endpoints, the reference and the files of docs/deploy follow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_JOBS = 10_000
"""Up to this many jobs of a source and a priority are counted."""
MOST_FAILURES = 100_000
"""Up to this many failures of a source are grouped by class."""


class Kind(StrEnum):
    """The type of a metric, as Prometheus names it."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


class Process(StrEnum):
    """The process whose endpoint has a metric."""

    SERVE = "serve"
    SEVERAL = "several"
    """`serve` on several databases, beside the metrics of each."""
    WORKER = "worker"


class BatchOutcome(StrEnum):
    """How the run of a job of chunks ended."""

    EMBEDDED = "embedded"
    """Every chunk that lacked a vector has one, or was skipped as empty."""
    FAILED = "failed"
    """At least one chunk was recorded in wikiembed.failures."""
    NOTHING = "nothing"
    """No chunk lacked a vector."""
    REQUEUED = "requeued"
    """An outage, a pause, a stop or Postgres ended it: the job returned to the queue."""
    ERROR = "error"
    """An unexpected exception: the job is retried."""


OK = "ok"
"""The outcome of a request that was answered with vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric; the `name` of a counter ends with ``_total``, as its samples do.

    `meaning`: in Markdown, for docs/reference. `values`: for a label with few known values, these.
    `buckets`: upper bounds of a histogram.
    """

    name: str
    kind: Kind
    process: Process
    meaning: str
    labels: Sequence[str] = ()
    values: Sequence[tuple[str, Sequence[str]]] = ()
    buckets: Sequence[float] = ()

    @property
    def help(self) -> str:
        """The meaning without Markdown, for the endpoints."""
        return re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", self.meaning).replace("`", "")

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its samples."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))
        return (self.name,)


REQUEST_BUCKETS_S = (*(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),)
WAIT_BUCKETS_S = (
    *(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0),
    *(3600.0, 4 * 3600.0, 24 * 3600.0),
)

CHUNKS = Metric(
    name="wikiembed_chunks",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("source", "state"),
    values=(("state", ("embedded", "waiting", "failed", "skipped")),),
    meaning="Chunks by state, each in one: with a vector, without one and waiting for it, failed,"
    " skipped. Their sum is the table's rows; from the ledger, exact.",
)
CHUNKS_EMBEDDED = Metric(
    name="wikiembed_chunks_embedded_total",
    kind=Kind.COUNTER,
    process=Process.SERVE,
    labels=("source",),
    meaning="Vectors stored by workers since the source was attached, those of changed texts"
    " included; kept by Postgres, so no restart resets it.",
)
DOCUMENTS = Metric(
    name="wikiembed_documents",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("source", "state"),
    values=(("state", ("split", "waiting", "failed")),),
    meaning="Documents by state, of the sources that have documents; read once a minute.",
)
QUEUE_JOBS = Metric(
    name="wikiembed_queue_jobs",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("source", "state"),
    values=(("state", ("todo", "scheduled", "doing")),),
    meaning="Jobs that wait for a worker, that wait for a time (a retry that is due included), and"
    f" that a worker has. Of those that wait, {MOST_JOBS:,} of a priority are counted.",
)
QUEUE_OLDEST = Metric(
    name="wikiembed_queue_oldest_seconds",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("source", "fresh"),
    values=(("fresh", ("true", "false")),),
    meaning="Seconds since the oldest job that can begin was queued, 0 if there is none; `fresh`:"
    " `true` for rows that a user's transaction wrote, `false` for bulk work.",
)
FAILURES = Metric(
    name="wikiembed_failures",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("source", "error_class", "kind"),
    values=(("kind", ("chunk", "document")),),
    meaning="Open failures by [class](failures.md), of chunks and of documents, without skipped"
    f" ones; of a source {MOST_FAILURES:,} are grouped, once a minute. `wikiembed_chunks` has the"
    " exact number.",
)
SOURCE_PAUSED = Metric(
    name="wikiembed_source_paused",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("source",),
    meaning="1 while the source is paused, else 0.",
)
BULK_CLOSED = Metric(
    name="wikiembed_bulk_closed",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("source",),
    meaning="1 while bulk work waits for the source's next [window](../how-to/costs.md#windows),"
    " else 0; left out without a schedule.",
)
SERVER_OUTAGE = Metric(
    name="wikiembed_server_outage",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("server",),
    meaning="1 while a worker reports that this embedding server is out of reach, else 0; servers"
    " without an outage in 30 days are left out.",
)
WORKERS_ALIVE = Metric(
    name="wikiembed_workers_alive",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    meaning="Worker processes whose heartbeat is younger than 30 s.",
)
SOURCE_INFO = Metric(
    name="wikiembed_source_info",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("source", "provider", "model", "dimensions"),
    meaning="Always 1; its labels say what embeds the source, empty where no vector is stored yet.",
)
RECALL = Metric(
    name="wikiembed_recall",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("source", "depth"),
    meaning="Recall of the vector index, 0 to 1, as [last measured](../how-to/recall.md) without a"
    " filter at the setting in use; `depth`: hits per search.",
)
MODEL_DRIFT = Metric(
    name="wikiembed_model_drift",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("source",),
    meaning="1 when the server no longer makes the vectors that are stored, by the"
    " [last check](../how-to/verify.md), else 0; left out before the first.",
)
LAG = Metric(
    name="wikiembed_lag_seconds",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("source", "percentile"),
    values=(("percentile", ("50", "95", "99")),),
    meaning="How long rows that users' transactions wrote [waited for their"
    " vectors](../how-to/costs.md#lag), in this hour and the one before: half, 95 % or 99 % of them"
    " no longer than this, within 5 %; left out without such rows. Read once a minute.",
)
USAGE_TOKENS = Metric(
    name="wikiembed_usage_tokens",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("source",),
    meaning="Tokens that workers used today (UTC), as in view `usage`: 0 again at midnight.",
)
USAGE_COST = Metric(
    name="wikiembed_usage_cost",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("source", "currency"),
    meaning="Cost of these tokens at the source's [price](../how-to/costs.md#prices); left out"
    " without one.",
)
BUDGET_USED = Metric(
    name="wikiembed_budget_used_ratio",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("source", "period"),
    values=(("period", ("day", "month")),),
    meaning="Used share of a [budget](../how-to/costs.md#budgets) in the present period, without"
    " batches in flight: 1 is all of it.",
)
BUDGET_REACHED = Metric(
    name="wikiembed_budget_reached",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("source", "period"),
    values=(("period", ("day", "month")),),
    meaning="1 while the source is paused because the budget has no room for its next batch, else"
    " 0.",
)
LIMIT_USED = Metric(
    name="wikiembed_limit_used_ratio",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("server", "model"),
    meaning="Used share of a [limit of a server](../how-to/provider-limits.md) in the last minute,"
    " of requests or of tokens, whichever is larger: 1 is all of it. An empty `model`: all models"
    " of the server that have no limit of their own.",
)
LIMIT_WAITS = Metric(
    name="wikiembed_limit_waits",
    kind=Kind.GAUGE,
    process=Process.SERVE,
    labels=("server", "model"),
    meaning="1 while workers wait for that limit, else 0.",
)
DATABASE_UP = Metric(
    name="wikiembed_database_up",
    kind=Kind.GAUGE,
    process=Process.SEVERAL,
    labels=("database",),
    meaning="1 while the console reads the state of this database; 0 while it is out of reach,"
    " takes too long or refuses: its other metrics are missing then.",
)
REQUESTS_IN_FLIGHT = Metric(
    name="wikiembed_requests_in_flight",
    kind=Kind.GAUGE,
    process=Process.WORKER,
    labels=("server",),
    meaning="Requests of this worker that the embedding server has not answered yet.",
)
REQUEST_DURATION = Metric(
    name="wikiembed_request_duration_seconds",
    kind=Kind.HISTOGRAM,
    process=Process.WORKER,
    labels=("server", "outcome"),
    buckets=REQUEST_BUCKETS_S,
    meaning="Duration of requests with texts, probes included. `outcome`: `ok`, the status of an"
    " HTTP error such as `429`, or the class of another error such as `EmbedderTimeout`.",
)
TOKENS = Metric(
    name="wikiembed_tokens_total",
    kind=Kind.COUNTER,
    process=Process.WORKER,
    labels=("server", "counted_by"),
    values=(("counted_by", ("server", "estimate")),),
    meaning="Tokens of the requests of this worker, as the server counts them, else estimated at 4"
    " bytes each.",
)
COMMIT_TO_VECTOR = Metric(
    name="wikiembed_commit_to_vector_seconds",
    kind=Kind.HISTOGRAM,
    process=Process.WORKER,
    labels=("source", "fresh"),
    values=(("fresh", ("true", "false")),),
    buckets=WAIT_BUCKETS_S,
    meaning="How long chunks waited for their vectors: from the begin of the transaction that"
    " queued them to the commit of the vector; up to the fetch by the clock of Postgres, then by"
    " the worker's.",
)
BATCHES = Metric(
    name="wikiembed_batches_total",
    kind=Kind.COUNTER,
    process=Process.WORKER,
    labels=("source", "outcome"),
    values=(("outcome", tuple(BatchOutcome)),),
    meaning="Batches of this worker: `embedded`; `failed`, with at least one chunk in failures;"
    " `nothing`, no chunk lacked a vector; `requeued` by an outage, a pause, a stop or Postgres;"
    " `error`, retried after an unexpected exception.",
)
METRICS = (
    *(CHUNKS, CHUNKS_EMBEDDED, DOCUMENTS, QUEUE_JOBS, QUEUE_OLDEST, FAILURES, SOURCE_PAUSED),
    *(BULK_CLOSED, SERVER_OUTAGE, WORKERS_ALIVE, SOURCE_INFO, RECALL, MODEL_DRIFT),
    *(LAG, USAGE_TOKENS, USAGE_COST, BUDGET_USED, BUDGET_REACHED, LIMIT_USED, LIMIT_WAITS),
    DATABASE_UP,
    *(REQUESTS_IN_FLIGHT, REQUEST_DURATION, TOKENS, COMMIT_TO_VECTOR, BATCHES),
)
"""In the order of the reference."""
