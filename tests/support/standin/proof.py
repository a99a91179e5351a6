"""Vectors that prove which text they were made from, in Python and in SQL alike.

The 32 hexadecimal digits of md5(salt || text) are laid out in blocks of 32 components; block b
is rotated by b digits. A digit d becomes (d - 7.5) / 128: never zero, exact in float32 and in
float16, and a vector of 768 components has about unit length.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

DIGITS = "0123456789abcdef"
_VALUES = ((np.arange(16) - 7.5) / 128).astype(np.float32)


def vector_of(text: str, dimensions: int, salt: str = "") -> npt.NDArray[np.float32]:
    """The vector of `text`: `(dim,) float32`."""
    row: npt.NDArray[np.float32] = vectors_of([text], dimensions, salt)[0]
    return row


def vectors_of(texts: Sequence[str], dimensions: int, salt: str = "") -> npt.NDArray[np.float32]:
    """The vectors of `texts`: `(n, dim) float32`."""
    digests = b"".join(
        hashlib.md5((salt + text).encode(), usedforsecurity=False).digest() for text in texts
    )
    pairs = np.frombuffer(digests, dtype=np.uint8).reshape(len(texts), 16)
    digits = np.stack([pairs >> 4, pairs & 15], axis=2).reshape(len(texts), 32)
    i = np.arange(dimensions)
    # np.take keeps rows contiguous, which orjson requires; fancy indexing would not.
    matrix: npt.NDArray[np.float32] = _VALUES[np.take(digits, (i + i // 32) % 32, axis=1)]
    return matrix


def blurred(texts: Sequence[str], dimensions: int, salt: str) -> npt.NDArray[np.float32]:
    """Vectors as of other weights of the model, such as quantised ones: each a little off."""
    made = vectors_of(texts, dimensions, salt).copy()
    made[:, 0] += 0.01
    return made


def proof_sql(schema: str, *, vector_schema: str = "public", salt: str = "") -> str:
    """SQL that creates `SCHEMA.proves(content, embedding)` for `vector` and for `halfvec`.

    `vector_schema` is pgvector's. `salt` precedes each text: a document prefix,
    or the salt that the server was given. Null of either argument gives false.
    """
    table = "".join(f",{value:+.8f}" for value in _VALUES)
    width = len(table) // 16
    block = width * 32
    prefix = salt.replace("'", "''")
    body = f"""
  select coalesce(p_embedding::real[] = ('{{' || substr(left(
      string_agg(substr(b.t || b.t, 1 + {width} * (g % 32), {block}), '' order by g),
      {width} * array_length(p_embedding::real[], 1)), 2) || '}}')::real[], false)
  from (
    select string_agg(substr('{table}',
        {width} * strpos('{DIGITS}', substr(md5('{prefix}' || p_content), i, 1)) - {width - 1},
        {width}), '' order by i) as t
    from generate_series(1, 32) as i
  ) as b, generate_series(0, (array_length(p_embedding::real[], 1) - 1) / 32) as g
"""
    return f"""
create or replace function {schema}.proves(p_content text, p_embedding {vector_schema}.vector)
returns boolean language sql immutable parallel safe as $proof${body}$proof$;
create or replace function {schema}.proves(p_content text, p_embedding {vector_schema}.halfvec)
returns boolean language sql immutable parallel safe as $proof$
  select {schema}.proves(p_content, p_embedding::{vector_schema}.vector)
$proof$;
"""
