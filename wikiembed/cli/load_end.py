"""The message of a load that ended early: what it has stored."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg

from wikiembed.control.load import Loaded
from wikiembed.wiki import LoadCounts
from wikiembed.words import count, shortened, verb

AGAIN = "running it again is safe"


@dataclass(slots=True, kw_only=True)
class FileRun:
    """A file that was started: what was read, what was stored, and how many pages wait after it.

    `waiting`: None when that was not asked, or no source splits the pages.
    """

    name: str
    counts: LoadCounts = field(default_factory=LoadCounts)
    loaded: Loaded = field(default_factory=Loaded)
    waiting: int | None = None


@dataclass(slots=True, kw_only=True)
class Run:
    """One call of ``load``; `is_committing` once all files are read and written."""

    names: list[str]
    atomic: bool
    files: list[FileRun] = field(default_factory=list)
    is_committing: bool = False

    def begin(self, name: str) -> FileRun:
        """Start the next file."""
        self.files.append(FileRun(name=name))
        return self.files[-1]


def sentences_after(run: Run, *, error: BaseException) -> str:
    """What is stored after an error, which pages were refused, and which files were not started."""
    parts = []
    if run.files and (refused := run.files[-1].loaded.refused) is not None:
        first, last = (f"“{shortened(title)}”" for title in refused)
        parts.append(
            f"Refused: page {first}." if first == last else f"Refused: among {first} to {last}."
        )
    parts.append(_stored(run, error))
    if rest := run.names[len(run.files) :]:
        parts.append(f"Not started: {', '.join(rest)}.")
    return " ".join(parts)


def _stored(run: Run, error: BaseException) -> str:
    if run.atomic:
        answered = isinstance(error, psycopg.Error) and error.sqlstate is not None
        stored = (
            "It is unknown whether the commit succeeded"
            if run.is_committing and not answered
            else "Nothing of this run is stored (--atomic)"
        )
        return f"{stored}; {AGAIN}."
    loaded = run.files[-1].loaded if run.files else Loaded()
    if not loaded.stored:
        stored = "No page of this file is stored"
        if loaded.in_doubt:
            pages = count(loaded.in_doubt, "page")
            stored = f"It is unknown whether the first {pages} {verb(loaded.in_doubt)} stored"
        return f"{stored}; {AGAIN}."
    stored = (
        f"{count(loaded.stored, 'page')} of this file {verb(loaded.stored)} stored"
        f" ({loaded.added:,} added, {loaded.changed:,} changed, {loaded.unchanged:,} unchanged)"
    )
    if loaded.in_doubt:
        stored += f", and perhaps the next {loaded.in_doubt:,}"
    return f"{stored}; {AGAIN}, stored pages are left unchanged."
