"""By what a search ranks; apart from the rest, since the command line lists the modes."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """By what a search ranks; ``auto``: both where the source has an index of text."""

    AUTO = "auto"
    VECTOR = "vector"
    TEXT = "text"
    HYBRID = "hybrid"
