"""The indexes that search uses, of vectors and of text: checks, build, drop."""

from wikiembed.control.index.build import Builder
from wikiembed.control.index.memory import human_bytes, memory_for, usual_memory
from wikiembed.control.index.running import Progress
from wikiembed.control.index.target import (
    DEFAULT_EF_CONSTRUCTION,
    DEFAULT_M,
    FEWEST_VECTORS,
    NewIndex,
    Target,
    VectorIndex,
    indexes,
    require_buildable,
    require_owner,
    require_usable,
    targets,
)
from wikiembed.control.index.text import (
    drop_others,
    search_by_text_with,
    text_index,
    text_index_works,
)

__all__ = [
    "DEFAULT_EF_CONSTRUCTION",
    "DEFAULT_M",
    "FEWEST_VECTORS",
    "Builder",
    "NewIndex",
    "Progress",
    "Target",
    "VectorIndex",
    "drop_others",
    "human_bytes",
    "indexes",
    "memory_for",
    "require_buildable",
    "require_owner",
    "require_usable",
    "search_by_text_with",
    "targets",
    "text_index",
    "text_index_works",
    "usual_memory",
]
