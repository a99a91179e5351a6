"""Names of OpenTelemetry's semantic conventions, as far as a worker uses them.

Sources: https://opentelemetry.io/docs/specs/semconv/gen-ai/ (spans of embeddings, client metrics),
https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/, and those of `server` and
`error`. Both of the first are in development, so that the names stand here alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from wikiembed.config import Provider
from wikiembed.metrics.observer import Batch, Request

OPERATION_NAME = "gen_ai.operation.name"
PROVIDER_NAME = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
DIMENSIONS = "gen_ai.embeddings.dimension.count"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - a name
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
ERROR_TYPE = "error.type"
MESSAGING_SYSTEM = "messaging.system"
MESSAGING_OPERATION_NAME = "messaging.operation.name"
MESSAGING_OPERATION_TYPE = "messaging.operation.type"
MESSAGING_DESTINATION = "messaging.destination.name"
MESSAGING_MESSAGE_ID = "messaging.message.id"
SOURCE = "wikiembed.source"
TEXTS = "wikiembed.request.texts"
CHUNKS = "wikiembed.batch.chunks"
EMBEDDED = "wikiembed.batch.embedded"
FAILED = "wikiembed.batch.failed"
OUTCOME = "wikiembed.batch.outcome"
"""These of wikiembed are numbers, the source's name and the outcome."""
LINK = "wikiembed.link"
"""Of a link, what it leads to: one of the two below."""
BEGAN_IN = "began_in"
"""The batch in which a task began that has outlived it: a probe of an outage."""
EARLIER_RUN = "earlier_run"
"""The last run of the same job, which returned to the queue."""
ATTRIBUTES = frozenset(
    {
        *(OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, DIMENSIONS, INPUT_TOKENS, TOKEN_TYPE),
        *(SERVER_ADDRESS, SERVER_PORT, ERROR_TYPE, MESSAGING_SYSTEM, MESSAGING_OPERATION_NAME),
        *(MESSAGING_OPERATION_TYPE, MESSAGING_DESTINATION, MESSAGING_MESSAGE_ID),
        *(SOURCE, TEXTS, CHUNKS, EMBEDDED, FAILED, OUTCOME, LINK),
    }
)
"""Every attribute that is ever set: none holds a text, a key of a row, or a secret."""

EMBEDDINGS = "embeddings"
PROCESS = "process"
INPUT = "input"
SYSTEM = "procrastinate"

OPERATION_DURATION = "gen_ai.client.operation.duration"
DURATION_BUCKETS_S = (
    *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)
TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105 - a name
TOKEN_BUCKETS = tuple(4**n for n in range(14))
"""Bounds as the conventions have them: 1 to 67,108,864."""

_PROVIDERS = {
    Provider.OPENAI: "openai",
    Provider.OLLAMA: "ollama",
    Provider.TEI: "text_embeddings_inference",
    Provider.LOCAL: "wordllama",
    Provider.SENTENCE_TRANSFORMERS: "sentence_transformers",
    Provider.FASTEMBED: "fastembed",
}
"""Of these the conventions know `openai`, which stands for any server of that dialect."""

Attributes = Mapping[str, str | int]


def name_of_request(request: Request) -> str:
    """``embeddings {model}``."""
    return f"{EMBEDDINGS} {request.model}" if request.model else EMBEDDINGS


def name_of_batch(batch: Batch) -> str:
    """``process {queue}``."""
    return f"{PROCESS} {batch.queue}"


def request_attributes(request: Request) -> dict[str, str | int]:
    """What is known before a request is sent, of spans and of metrics."""
    found: dict[str, str | int] = {
        OPERATION_NAME: EMBEDDINGS,
        PROVIDER_NAME: _PROVIDERS[request.server.provider],
    }
    if request.model:
        found[REQUEST_MODEL] = request.model
    if request.server.address:
        found[SERVER_ADDRESS] = request.server.address
        if request.server.port:
            found[SERVER_PORT] = request.server.port
    return found


def batch_attributes(batch: Batch) -> dict[str, str | int]:
    """What is known before a batch is embedded."""
    found: dict[str, str | int] = {
        MESSAGING_SYSTEM: SYSTEM,
        MESSAGING_OPERATION_NAME: PROCESS,
        MESSAGING_OPERATION_TYPE: PROCESS,
        MESSAGING_DESTINATION: batch.queue,
        SOURCE: batch.source,
        CHUNKS: batch.chunks,
    }
    if batch.job_id is not None:
        found[MESSAGING_MESSAGE_ID] = str(batch.job_id)
    return found
