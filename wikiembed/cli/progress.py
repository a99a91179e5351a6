"""Progress of long work: a bar when a person watches, JSON lines when not."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from wikiembed.cli.console import duration, print_json, say, warn

REPORT_EVERY_S = 5.0


class Reporter:
    """Tells of `what`: ``update`` as often as you like, it reports seldom enough."""

    def __init__(self, what: str, *, every_s: float = REPORT_EVERY_S) -> None:
        self._what = what
        self._every_s = every_s
        self._last = time.monotonic()
        self._done = 0
        self._bar: Progress | None = None
        if sys.stdout.isatty():
            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=30),
                TextColumn("{task.fields[count]}"),
                TextColumn("{task.fields[note]}"),
                console=Console(),
                transient=False,
                redirect_stderr=sys.stderr.isatty(),
            )
            self._task = self._bar.add_task(what, total=None, note="", count="")

    def __enter__(self) -> Reporter:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            if error is None:  # what had no known end has reached it
                self._bar.update(self._task, completed=self._done, total=self._done)
            self._bar.stop()

    def say(self, sentence: str) -> None:
        """Say one sentence, above the bar where there is one."""
        if self._bar is not None:
            self._bar.console.print(sentence, markup=False)
        else:
            say(sentence)

    def warn(self, sentence: str) -> None:
        """Warn on standard error, or above the bar where there is one."""
        if self._bar is not None:
            self._bar.console.print(f"Warning: {sentence}", markup=False)
        else:
            warn(sentence)

    def update(
        self, done: int, total: int | None = None, *, note: str = "", **fields: object
    ) -> None:
        """Report `done` of `total`; `note` is for people, `fields` are for machines."""
        if self._bar is not None:
            count = f"{done:,}" if total is None else f"{done:,}/{total:,}"
            self._done = done
            self._bar.update(self._task, completed=done, total=total, note=note, count=count)
        elif time.monotonic() - self._last >= self._every_s:
            self._last = time.monotonic()
            print_json(
                {"event": "progress", "what": self._what, "done": done, "total": total, **fields}
            )


def rate_note(chunks_per_s: float, eta_s: float | None, failed: int) -> str:
    """``812/s · 3 min 4 s left · 2 failed``."""
    parts = [f"{chunks_per_s:,.0f}/s"]
    if eta_s:
        parts.append(f"{duration(eta_s)} left")
    if failed:
        parts.append(f"{failed:,} failed")
    return " · ".join(parts)
