"""Progress of long work: a bar on a terminal, JSON lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, Task, TextColumn
from rich.text import Text

from wikiembed.cli.console import print_json, say, warn

REPORT_EVERY_S = 5.0
WIDE, WIDE_BAR, NARROW_BAR = 100, 30, 10
NEARLY = 0.99
"""Most of the bar that is filled while the total still grows."""
LONGEST_SILENCE_S = 30.0
"""Longest time between lines that are due by number of batches."""


class Cadence:
    """When a line is due: every `every_s` seconds or, if `batches` is given, every so many batches.

    By batches, a line is also due every 30 s, however slow they are.
    """

    def __init__(
        self,
        *,
        every_s: float = REPORT_EVERY_S,
        batches: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._every_s = every_s if batches is None else LONGEST_SILENCE_S
        self._batches = batches
        self._clock = clock
        self._last_s = clock()
        self._last_batches = 0

    def is_due(self, batches: int) -> bool:
        """Whether a line is due after `batches` of this process; if so, it counts as printed."""
        enough = self._batches is not None and batches - self._last_batches >= self._batches
        if not enough and self._clock() - self._last_s < self._every_s:
            return False
        self._last_s, self._last_batches = self._clock(), batches
        return True


class _Spinner(SpinnerColumn):
    """Spins while the work runs, and is blank afterwards."""

    def render(self, task: Task) -> RenderableType:
        """The current frame, or a blank when the work is over."""
        return Text(" ") if task.fields["over"] else super().render(task)


class Reporter:
    """Reports progress of `what`: ``update`` may be called often, `cadence` limits the output.

    `json`: lines on a terminal too. `to_the_end`: the last update is always printed.
    """

    def __init__(
        self,
        what: str,
        *,
        cadence: Cadence | None = None,
        json: bool = False,
        to_the_end: bool = False,
    ) -> None:
        self._what = what
        self._cadence = cadence or Cadence()
        self._to_the_end = to_the_end
        self._pending: dict[str, object] | None = None
        self._done = 0
        self._total: int | None = None
        self._reached = 0.0
        self._wide = False
        self._bar: Progress | None = None
        if sys.stdout.isatty() and not json:
            console = Console()
            self._wide = console.width >= WIDE
            self._bar = Progress(
                _Spinner(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=WIDE_BAR if self._wide else NARROW_BAR),
                TextColumn("{task.fields[count]}"),
                TextColumn("{task.fields[note]}"),
                console=console,
                transient=False,
                redirect_stderr=sys.stderr.isatty(),
            )
            self._task = self._bar.add_task(what, total=None, note="", count="", over=False)

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
            if error is not None:
                self.discard()
            elif self._total is None:  # the total was unknown until now
                self._bar.update(self._task, completed=self._done, total=self._done)
            self._bar.update(self._task, over=True)
            self._bar.stop()
        elif self._to_the_end and self._pending is not None:
            self._print(self._pending)

    def discard(self) -> None:
        """Remove the bar from the screen on exit: it will not reach its end."""
        if self._bar is not None:
            self._bar.live.transient = True

    def line(self, text: str) -> None:
        """Print one line above the bar, truncated to the width of the terminal."""
        if self._bar is not None:
            self._bar.console.print(
                text, markup=False, highlight=False, no_wrap=True, overflow="ellipsis"
            )

    def say(self, sentence: str) -> None:
        """Print one sentence, above the bar if there is one."""
        if self._bar is not None:
            self._bar.console.print(sentence, markup=False)
        else:
            say(sentence)

    def warn(self, sentence: str) -> None:
        """Print a warning on standard error, or above the bar if there is one."""
        if self._bar is not None:
            self._bar.console.print(f"Warning: {sentence}", markup=False)
        else:
            warn(sentence)

    def update(
        self,
        done: int,
        total: int | None = None,
        *,
        growth: int | None = 0,
        parts: tuple[int, ...] = (),
        note: str = "",
        batches: int = 0,
        **fields: object,
    ) -> None:
        """Report `done` of `total`; `note` is for people, `fields` are for machines.

        `batches` is the number that this process has done so far. `parts`: documents that are split
        and all of them, while some wait; `growth`: how much they will add to `total`, by an
        estimate, None if there is none. Then the bar never runs backwards, and is not full.
        """
        if self._bar is not None:
            self._done, self._total = done, total
            completed, whole = self._filled(done, total, growth=growth, grows=bool(parts))
            count = self._count(done, total, parts)
            self._bar.update(self._task, completed=completed, total=whole, note=note, count=count)
            return
        line: dict[str, object] = {"done": done, "total": total, **fields}
        if self._cadence.is_due(batches):
            self._print(line)
        else:
            self._pending = line

    def _filled(
        self, done: int, total: int | None, *, growth: int | None, grows: bool
    ) -> tuple[float, float | None]:
        """How much of the bar is filled, and of what; None: it only moves."""
        if not grows and not self._reached:
            return done, total
        if total is None or (growth is None and not self._reached):
            return done, None
        share = done / max(1, total + (growth or 0)) if growth is not None else 0.0
        self._reached = max(self._reached, min(share, NEARLY if grows else 1.0))
        return self._reached, 1.0

    def _count(self, done: int, total: int | None, parts: tuple[int, ...]) -> str:
        """``12/40 documents, 60/75+ chunks``, shorter on a narrow terminal, or ``60/75``."""
        count = f"{done:,}" if total is None else f"{done:,}/{total:,}"
        if not parts:
            return count
        split, documents = parts
        if self._wide:
            return f"{split:,}/{documents:,} documents, {count}+ chunks"
        return f"docs {split:,}/{documents:,} · {count}+"

    def _print(self, line: dict[str, object]) -> None:
        self._pending = None
        print_json({"event": "progress", "what": self._what, **line})
