"""Who wants to know of outages: told in passing, and never able to stand in the way."""

from __future__ import annotations

from typing import Protocol

from wikiembed.errors import EmbedderError
from wikiembed.telemetry import emit


class Listener(Protocol):
    """Is told that a server is out of reach and why, or, with no error, that it answers.

    Called at once and often: it must not wait.
    """

    def __call__(self, error: EmbedderError | None, outage_s: float) -> None:
        """`outage_s`: seconds since the outage began; 0 with no error."""
        ...


def notify(
    listener: Listener | None, error: EmbedderError | None, outage_s: float, *, server: str
) -> None:
    """Call `listener`; its defects are reported and go no further."""
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
