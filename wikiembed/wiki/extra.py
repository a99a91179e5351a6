"""The error for a missing optional dependency."""

from __future__ import annotations

from wikiembed.errors import ConfigurationError


def missing_extra(error: ImportError) -> ConfigurationError:
    """The error to raise when a library of the extra ``wiki`` cannot be imported."""
    return ConfigurationError(
        f"Reading wiki files needs {error.name}, which is not installed: "
        "pip install 'wikiembed[wiki]'."
    )
