"""Success answers that hold nothing but numbers, read by simdjson straight into a matrix.

What is not plain (a null, a string, ragged rows, damaged JSON) is None here, and is read again by
`wikiembed.embedders.decode`, which takes a closer look and says what is wrong. A second decoder
beside orjson pays: an answer of 64 vectors of 768 numbers (608 KB) takes 0.9 ms of CPU to the
matrix, and 3.3 ms by orjson's lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import simdjson

from wikiembed.vectors import Matrix

_LISTS = re.compile(rb'"embedding"\s*:\s*\[')
_WITHIN = 4096
"""An item's vector begins so near to the beginning of the answer, unless the answer is unusual."""
_parser = simdjson.Parser()
Found = TypeVar("Found")


def plain_rows(body: bytes, field: str | None, *, count: int) -> Matrix | None:
    """Rows of the list in `field` (None: of the body itself) as `(count, dim) float32`."""

    def pick(answer: object) -> Matrix | None:
        rows = answer if field is None else answer[field]  # type: ignore[index]
        if not isinstance(rows, simdjson.Array) or len(rows) != count:
            return None
        return _matrix(list(rows), range(count), body)

    return _picked(body, pick)


def plain_items(body: bytes, *, count: int) -> tuple[Matrix, str | None] | None:
    """OpenAI's `data` of lists as `(count, dim) float32` in the order of `index`; its `model`."""

    def pick(answer: object) -> tuple[Matrix, str | None] | None:
        if not isinstance(answer, simdjson.Object):
            return None
        items, model = answer["data"], answer.get("model")
        if not isinstance(items, simdjson.Array) or len(items) != count:
            return None
        found = [item["index"] for item in items]  # type: ignore[index]
        places = [place for place in found if type(place) is int]
        if sorted(places) != list(range(count)):
            return None
        rows = [item["embedding"] for item in items]  # type: ignore[index]
        matrix = _matrix(rows, places, body)
        return None if matrix is None else (matrix, model if isinstance(model, str) else None)

    return None if _LISTS.search(body, 0, _WITHIN) is None else _picked(body, pick)


def _picked(body: bytes, pick: Callable[[object], Found | None]) -> Found | None:
    """What `pick` finds in the parsed body; None where that, or the parsing, fails."""
    global _parser
    try:
        return pick(_parser.parse(body))
    except (ValueError, TypeError, KeyError, RuntimeError):
        _parser = simdjson.Parser()  # what an error holds on to blocks the old one
        return None


def _matrix(rows: list[object], places: list[int] | range, body: bytes) -> Matrix | None:
    """Row i at `places[i]`; None where one is no list of numbers, or all are not of one length."""
    arrays = [row for row in rows if isinstance(row, simdjson.Array)]
    # simdjson flattens lists within lists: there are none when no other list is in the answer.
    if not arrays or len(arrays) < len(rows) or body.count(b"[") != len(arrays) + 1:
        return None
    dimensions = len(arrays[0])
    if not dimensions or any(len(array) != dimensions for array in arrays):
        return None
    found = np.empty((len(arrays), dimensions), dtype=np.float64)
    for place, array in zip(places, arrays, strict=True):
        found[place] = np.frombuffer(array.as_buffer(of_type="d"), dtype=np.float64)
    with np.errstate(over="ignore"):
        return found.astype(np.float32)
