"""Failed chunks on a terminal: a line each for the first few, all of them counted."""

from __future__ import annotations

from wikiembed.cli.progress import Reporter
from wikiembed.pipeline.stats import FailedChunk
from wikiembed.words import printable

MOST_SHOWN = 5


class FailedChunks:
    """Shows the first few above the bar with their keys; the bar counts all of them by class."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._shown = 0

    def __call__(self, failed: FailedChunk) -> None:
        """Show one, truncated to the terminal's width, unless enough of them are shown."""
        self._shown += 1
        if self._shown <= MOST_SHOWN:
            document = "document " if failed.document else ""
            self._reporter.line(
                f"{failed.source} {document}{printable(failed.key)}: {failed.error_class}:"
                f" {printable(failed.message)}"
            )
        elif self._shown == MOST_SHOWN + 1:
            self._reporter.line("More failures are counted below; list: wikiembed failures")
