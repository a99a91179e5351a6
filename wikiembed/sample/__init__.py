"""Sixty short articles, for `wikiembed demo` and for tests that search real prose."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def sample_path() -> Path:
    """The file of articles: JSON lines with `title` and `text`."""
    return Path(str(resources.files(__name__) / "articles.jsonl"))
