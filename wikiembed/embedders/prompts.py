"""Prompts of a model in the process: what its own configuration puts before each text."""

from __future__ import annotations

from collections.abc import Mapping

from wikiembed.embedders.base import Role

_NAMES = {Role.DOCUMENT: ("document", "passage", "corpus"), Role.QUERY: ("query",)}


def prompts_of(
    prompts: Mapping[str, str | None], default_name: str | None = None
) -> dict[Role, str]:
    """The prompt of each role, by the names that sentence-transformers uses; empty: none.

    Source: `prompts` and `default_prompt_name` in config_sentence_transformers.json.
    """
    return {
        role: next((prompts[n] or "" for n in (*names, default_name) if n and prompts.get(n)), "")
        for role, names in _NAMES.items()
    }


def prompted(text: str, prompt: str) -> str:
    """`text` behind `prompt`, once: a source's prefix may be the same."""
    return text if text.startswith(prompt) else prompt + text
