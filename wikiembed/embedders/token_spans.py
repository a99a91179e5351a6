"""Tokens of texts by a tokenizer of Hugging Face's `tokenizers`, never truncated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class TokenSpans:
    """A copy of `tokenizer`, which another thread may go on to use.

    `special`: whether the model's special tokens are added.
    """

    def __init__(self, tokenizer: Tokenizer, *, special: bool = True) -> None:
        self._tokenizer = type(tokenizer).from_str(tokenizer.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._special = special

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=self._special)
        return [len(encoding.ids) for encoding in found]

    def chars(self, text: str, tokens: int) -> int:
        """Characters of `text` in its first `tokens` tokens, special ones included."""
        added = self._tokenizer.num_special_tokens_to_add(is_pair=False) if self._special else 0
        found = self._tokenizer.encode(text, add_special_tokens=False)
        ends = [end for _, end in found.offsets[: max(tokens - added, 0)]]
        return max(ends, default=0)
