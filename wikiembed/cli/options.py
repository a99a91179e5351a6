"""Arguments and options that several commands take."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

Source = Annotated[str | None, typer.Argument(help="The source; all of them, if not given.")]
MaxChunks = Annotated[int | None, typer.Option(min=0, help="Queue at most this many chunks.")]
BatchSize = Annotated[
    int | None,
    typer.Option(min=1, max=4096, help="Chunks per job; the source's own, if not given."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the numbers, write nothing.")]
Concurrency = Annotated[
    int | None,
    typer.Option(min=1, max=256, help="Batches in flight; WIKIEMBED_CONCURRENCY, if not given."),
]


class Splitter(StrEnum):
    """How a document is split."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"


class Context(StrEnum):
    """What precedes a chunk when it is embedded."""

    NONE = "none"
    TITLE = "title"
    HEADING = "heading"
    TITLE_HEADING = "title_heading"
