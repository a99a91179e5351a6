"""Documents become pieces, and the pieces of a changed document are compared with the stored ones.

Pure functions, without a database or HTTP; only `wikiembed.documents.work` uses the store.
"""

from wikiembed.documents.diff import Changes, NewChunk, OldChunk, diff
from wikiembed.documents.split import SPLITTER_VERSION, Piece, SplitOptions, split

__all__ = [
    "SPLITTER_VERSION",
    "Changes",
    "NewChunk",
    "OldChunk",
    "Piece",
    "SplitOptions",
    "diff",
    "split",
]
