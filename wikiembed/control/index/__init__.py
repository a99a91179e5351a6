"""The indexes that search uses, of vectors and of text: checks, build, drop."""

from wikiembed.control.index.build import Builder
from wikiembed.control.index.memory import human_bytes, memory_for, usual_memory
from wikiembed.control.index.running import Progress
from wikiembed.control.index.target import NewIndex, Target, require_owner, targets
from wikiembed.control.index.text import (
    drop_others,
    search_by_text_with,
    text_index,
    text_index_works,
)
from wikiembed.control.index.vector import (
    DEFAULT_EF_CONSTRUCTION,
    DEFAULT_M,
    FEWEST_VECTORS,
    Quantise,
    VectorIndex,
    drop_kinds,
    graph_bytes,
    index_name,
    indexes,
    require_choosable,
    require_usable,
    search_by,
    vector_index,
    wanted,
)

__all__ = [
    "DEFAULT_EF_CONSTRUCTION",
    "DEFAULT_M",
    "FEWEST_VECTORS",
    "Builder",
    "NewIndex",
    "Progress",
    "Quantise",
    "Target",
    "VectorIndex",
    "drop_kinds",
    "drop_others",
    "graph_bytes",
    "human_bytes",
    "index_name",
    "indexes",
    "memory_for",
    "require_choosable",
    "require_owner",
    "require_usable",
    "search_by",
    "search_by_text_with",
    "targets",
    "text_index",
    "text_index_works",
    "usual_memory",
    "vector_index",
    "wanted",
]
