"""Success answers to matrices: JSON lists or base64 float32 to `(n, dim) float32`."""

from __future__ import annotations

import binascii

import numpy as np
import orjson
import pybase64

from wikiembed.embedders.plain import plain_items, plain_rows
from wikiembed.errors import EmbedderBadAnswer
from wikiembed.vectors import Matrix
from wikiembed.words import count as of

_NUMBERS = frozenset({int, float})
_NULL = type(None)


def no_rows() -> Matrix:
    """The answer to no text at all: `(0, 0) float32`."""
    return np.empty((0, 0), dtype=np.float32)


def read_json(body: bytes) -> object:
    """Parse the body of a success answer.

    Raises: EmbedderBadAnswer when it is not JSON (HTML, cut short, empty, NaN literals).
    """
    try:
        answer: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        what = "an empty body" if not body.strip() else "a body that is not JSON"
        raise EmbedderBadAnswer(
            f"The embedding server answered {what}: set WIKIEMBED_EMBEDDER_URL to one that embeds."
        ) from None
    return answer


def field_of(answer: object, name: str) -> object:
    """The field `name` of a JSON object.

    Raises: EmbedderBadAnswer when the answer is no object or lacks the field.
    """
    if not isinstance(answer, dict) or name not in answer:
        raise EmbedderBadAnswer(f"The embedding server's answer has no field {name!r}.")
    value: object = answer[name]
    return value


def rows_in(body: bytes, field: str | None, *, count: int) -> Matrix:
    """The rows in `field` of an answer (None: the answer is the rows): `(count, dim) float32`.

    Raises: EmbedderBadAnswer, as `read_json`, `field_of` and `matrix_of_rows` do.
    """
    plain = plain_rows(body, field, count=count)
    if plain is not None:
        return plain
    answer = read_json(body)
    return matrix_of_rows(answer if field is None else field_of(answer, field), count=count)


def items_in(body: bytes, *, count: int) -> tuple[Matrix, str | None]:
    """OpenAI's `data` as `(count, dim) float32`, and the model that the answer names.

    Raises: EmbedderBadAnswer, as `read_json`, `field_of` and `matrix_of_items` do.
    """
    plain = plain_items(body, count=count)
    if plain is not None:
        return plain
    answer = read_json(body)
    matrix = matrix_of_items(field_of(answer, "data"), count=count)
    model = answer.get("model") if isinstance(answer, dict) else None
    return matrix, model if isinstance(model, str) else None


def matrix_of_rows(rows: object, *, count: int) -> Matrix:
    """Lists of numbers to `(count, dim) float32`; a row with a null in it becomes all NaN.

    Numbers beyond float32 become infinite; `wikiembed.vectors.usable_rows` judges them.

    Raises: EmbedderBadAnswer on a wrong count, ragged rows, or anything but numbers.
    """
    checked = _list_of(rows, count=count)
    lists: list[list[object]] = [row for row in checked if isinstance(row, list)]
    whole_nulls = checked.count(None)
    if len(lists) + whole_nulls < count:
        raise EmbedderBadAnswer("The embedding server answered a vector that is not a list.")
    dimensions = _one_length([len(row) for row in lists])
    kinds = _kinds_of(lists)
    if not kinds <= _NUMBERS | {_NULL}:
        raise EmbedderBadAnswer("The embedding server answered a vector not made of numbers.")
    if not whole_nulls and _NULL not in kinds:
        return _to_float32(lists)
    matrix = np.full((count, dimensions), np.nan, dtype=np.float32)
    for i, vector in enumerate(checked):
        if isinstance(vector, list) and None not in vector:
            matrix[i] = _to_float32(vector)
    return matrix


def _kinds_of(lists: list[list[object]]) -> set[type]:
    kinds: set[type] = set()
    for row in lists:
        kinds.update(map(type, row))
    return kinds


def matrix_of_base64(rows: object, *, count: int) -> Matrix:
    """Base64 of little-endian float32 to `(count, dim) float32`; a null row is all NaN.

    Raises: EmbedderBadAnswer on a wrong count, ragged rows, or what is not such base64.
    """
    checked = _list_of(rows, count=count)
    raw = [None if row is None else _bytes_of(row) for row in checked]
    size = _one_length([len(row) for row in raw if row is not None])
    if size % 4:
        raise EmbedderBadAnswer("The embedding server answered base64 that is not float32.")
    nan_row = np.full(size // 4, np.nan, dtype="<f4").tobytes()
    joined = b"".join(nan_row if row is None else row for row in raw)
    return np.frombuffer(joined, dtype="<f4").astype(np.float32).reshape(count, size // 4)


def matrix_of_items(items: object, *, count: int) -> Matrix:
    """OpenAI's `data` (objects with `index` and `embedding`) to `(count, dim) float32`.

    Rows are put in the order of `index`; vectors are lists of numbers or base64.

    Raises: EmbedderBadAnswer on a missing, double or foreign index, and as the above.
    """
    rows: list[object] = [None] * count
    seen: set[int] = set()
    for item in _list_of(items, count=count):
        index = field_of(item, "index")
        if type(index) is not int or not 0 <= index < count:
            raise EmbedderBadAnswer("The embedding server answered an index out of range.")
        if index in seen:
            raise EmbedderBadAnswer("The embedding server answered the same index twice.")
        seen.add(index)
        rows[index] = field_of(item, "embedding")
    if any(isinstance(row, str) for row in rows):
        return matrix_of_base64(rows, count=count)
    return matrix_of_rows(rows, count=count)


def _list_of(rows: object, *, count: int) -> list[object]:
    if not isinstance(rows, list):
        raise EmbedderBadAnswer("The embedding server's answer holds no list of vectors.")
    if len(rows) != count:
        raise EmbedderBadAnswer(
            f"The embedding server answered {of(len(rows), 'vector')} to {of(count, 'text')}."
        )
    return rows


def _one_length(lengths: list[int]) -> int:
    """The one length of all rows that are not null as a whole."""
    if not lengths or 0 in lengths:
        raise EmbedderBadAnswer("The embedding server answered vectors without numbers.")
    if len(set(lengths)) > 1:
        raise EmbedderBadAnswer("The embedding server answered vectors of several dimensions.")
    return lengths[0]


def _bytes_of(row: object) -> bytes:
    if not isinstance(row, str):
        raise EmbedderBadAnswer("The embedding server mixed base64 with other vectors.")
    try:
        return pybase64.b64decode(row, validate=True)
    except (binascii.Error, ValueError):
        raise EmbedderBadAnswer("The embedding server answered base64 that is damaged.") from None


def _to_float32(rows: list[list[object]] | list[object]) -> Matrix:
    with np.errstate(over="ignore"):
        return np.array(rows, dtype=np.float32)
