"""The HNSW index that search uses: checks, build, drop."""

from wikiembed.control.index.build import Builder, Options
from wikiembed.control.index.memory import human_bytes
from wikiembed.control.index.running import Progress
from wikiembed.control.index.target import (
    DEFAULT_EF_CONSTRUCTION,
    DEFAULT_M,
    FEWEST_VECTORS,
    Target,
    VectorIndex,
    indexes,
    require_buildable,
    require_owner,
    require_usable,
    targets,
)

__all__ = [
    "DEFAULT_EF_CONSTRUCTION",
    "DEFAULT_M",
    "FEWEST_VECTORS",
    "Builder",
    "Options",
    "Progress",
    "Target",
    "VectorIndex",
    "human_bytes",
    "indexes",
    "require_buildable",
    "require_owner",
    "require_usable",
    "targets",
]
