"""What a change of the options would make of the stored chunks, by splitting documents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from wikiembed.documents.work import Unreadable, plan_of
from wikiembed.store.documents import Document, DocumentOptions


@dataclass(slots=True, kw_only=True)
class Preview:
    """Counts of chunks: `stay` with row and vector, `change` in their row, are `new`, or `go`.

    `documents` were split, of which `unreadable` could not be. `estimated`: the counts are
    extrapolated from these to all documents.
    """

    documents: int = 0
    unreadable: int = 0
    stay: int = 0
    change: int = 0
    new: int = 0
    go: int = 0
    estimated: bool = False

    @property
    def chunks(self) -> int:
        """Chunks that are stored."""
        return self.stay + self.change + self.go

    @property
    def embed(self) -> int:
        """Texts to embed."""
        return self.change + self.new

    def as_json(self) -> dict[str, object]:
        """Its counts by name."""
        counts = asdict(self)
        return {"sampled": counts.pop("documents"), **counts, "embed": self.embed}

    def scaled(self, documents: int, chunks: int) -> Preview:
        """The counts extrapolated to so many documents with so many stored chunks."""
        if self.documents >= documents or not self.documents:
            return self
        factor = chunks / self.chunks if self.chunks else documents / self.documents
        # What stays, changes and goes makes up all the chunks.
        stay, go = round(self.stay * factor), round(self.go * factor)
        return Preview(
            documents=self.documents,
            unreadable=self.unreadable,
            stay=stay,
            change=max(0, chunks - stay - go) if self.chunks else 0,
            new=round(self.new * factor),
            go=go,
            estimated=True,
        )


def preview(documents: Iterable[Document], options: DocumentOptions) -> Preview:
    """Split `documents` with `options`, and compare with their stored chunks; holds one at a time.

    Raises: ConfigurationError, MemoryError, and what `documents` raises.
    """
    found = Preview()
    for document in documents:
        found.documents += 1
        try:
            changes = plan_of(document, options).changes
        except Unreadable:  # keeps its chunks
            found.unreadable += 1
            found.stay += len(document.chunks)
            continue
        found.stay += len(changes.kept)
        found.change += len(changes.changed)
        found.new += len(changes.inserted)
        found.go += len(changes.deleted)
    return found
