"""Listeners for outages; they can neither block nor fail the breaker."""

from __future__ import annotations

from typing import Protocol

from wikiembed.errors import EmbedderError
from wikiembed.telemetry import emit


class Listener(Protocol):
    """Receives the error when a server is out of reach, None when it answers.

    Called synchronously and often: it must not block.
    """

    def __call__(self, error: EmbedderError | None, outage_s: float) -> None:
        """`outage_s`: seconds since the outage began; 0 with no error."""
        ...


def notify(
    listener: Listener | None, error: EmbedderError | None, outage_s: float, *, server: str
) -> None:
    """Call `listener`; its exceptions are reported and suppressed."""
    if listener is None:
        return
    try:
        listener(error, outage_s)
    except Exception as defect:
        emit(
            "outage_not_kept",
            level=30,
            server=server,
            error=type(defect).__name__,
            reason="The listener failed.",
        )
