"""What documents that wait to be split will give, for the estimates of `enqueue` and `backfill`."""

from __future__ import annotations

from typing import Any

import psycopg

from wikiembed.control.documents import documents
from wikiembed.control.estimate import MANY_SPLIT, Expected
from wikiembed.words import count, roughly, verb


def expected(connection: psycopg.Connection[Any], source: str) -> Expected | None:
    """The chunks of the documents of `source` that wait; None: none waits.

    By the mean of those that are split, where they are many and no document of the sample was split
    before; else by a sample, of which an edited document counts with what its edit changed.
    """
    from wikiembed.documents.sample import sample

    for row in documents(connection, source):
        if not row.waiting:
            continue
        found = sample(connection, source)
        mean = row.chunks / row.split if row.split else None
        if found is None or not found.documents:
            chunks = None if mean is None else round(mean * row.waiting)
            return Expected(documents=row.waiting, chunks=chunks, split=row.split)
        if mean is not None and row.split >= MANY_SPLIT and not found.kept:
            return Expected(
                documents=row.waiting,
                chunks=round(mean * row.waiting),
                split=row.split,
                texts=found.texts,
            )
        return Expected(
            documents=row.waiting,
            chunks=round(len(found.texts) / found.documents * row.waiting),
            sampled=found.documents,
            texts=found.texts,
        )
    return None


def expected_phrase(found: Expected) -> str:
    """``20 documents will give about 40 chunks to embed, by a sample of 20 documents``."""
    waiting = f"{count(found.documents, 'document')} {verb(found.documents, 'waits', 'wait')}"
    if found.chunks is None:
        return f"{waiting} to be split, into a number of chunks that is not known"
    basis = (
        f"a sample of {count(found.sampled, 'document')}"
        if found.sampled
        else f"the mean of the {count(found.split, 'document')} that {verb(found.split)} split"
    )
    chunks = f"about {roughly(found.chunks)} {verb(found.chunks, 'chunk', 'chunks')}"
    return f"{waiting} to be split and will give {chunks} to embed, by {basis}"
