"""Texts that no tokenizer takes."""

from __future__ import annotations

from collections.abc import Iterable

from wikiembed.errors import EmbedderRejected


def require_unicode(texts: Iterable[str]) -> None:
    """Check that each of `texts` can be encoded.

    Raises: EmbedderRejected.
    """
    try:
        for text in texts:
            text.encode()
    except UnicodeEncodeError:
        raise EmbedderRejected(
            "A text of the batch is not valid Unicode (half a surrogate pair)."
        ) from None
