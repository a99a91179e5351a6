"""Models of Hugging Face's hub that are on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def hub_name(model: str) -> tuple[str, str | None]:
    """The whole name of a model, and its revision: `mini@v1` is `sentence-transformers/mini`."""
    name, _, revision = model.partition("@")
    return name if "/" in name else f"sentence-transformers/{name}", revision or None


def cached_folder(model: str) -> Path | None:
    """The folder of `model` in the hub's cache; None: it was not downloaded.

    The library's own `local_files_only` asks the hub which agent runs it when a file is absent.
    """
    from huggingface_hub import try_to_load_from_cache

    name, revision = hub_name(model)
    for file in ("modules.json", "config.json"):
        found = try_to_load_from_cache(
            name, file, cache_dir=os.environ.get("SENTENCE_TRANSFORMERS_HOME"), revision=revision
        )
        if isinstance(found, str):
            return Path(found).parent
    return None
