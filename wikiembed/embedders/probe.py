"""What a failure means where the probe met it; of batches, `wikiembed.servers.classify` decides."""

from __future__ import annotations

from wikiembed.errors import EmbedderError, EmbedderMisconfigured, EmbedderRejected

_NO_REFUSAL = frozenset({408, 409, 423, 424, 425, 429, 499})
"""4xx that speak of now, not of the request; 424 is TEI's and Bedrock's for a failed model."""


def of_probe(error: EmbedderError) -> EmbedderError:
    """What `error` means where the probe met it: no text is at fault, so the server is.

    A 4xx is an answer of a server that is within reach and refuses: waiting does not help.
    Silence, 408, 429 and 5xx are an outage, and so is a 4xx by which a server reports its own
    failure (Ollama's 400 "do embedding request").
    """
    if not isinstance(error, EmbedderRejected) or error.own_fault:
        return error
    status = error.http_status or 0
    if not 400 <= status < 500 or status in _NO_REFUSAL:
        return error
    said = f": {error.said.rstrip('.')}" if error.said else ""
    return EmbedderMisconfigured(
        f"The embedding server refuses even a short known text ({status}){said}. Check"
        " WIKIEMBED_MODEL, WIKIEMBED_EMBEDDER_URL and WIKIEMBED_EMBEDDER, then resume.",
        http_status=error.http_status,
    )
