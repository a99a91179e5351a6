"""The loop to compare with: select, split and COPY, and no queue.

``python -m tests.tools.bench.bare_documents URL`` does what a careful developer writes by hand:
16 documents in one select, our splitter, one COPY of their chunks and a commit. It writes what a
worker writes (key, position, context, content, heading, offsets), compares nothing with what is
stored, and notices no edit. Prints the seconds that it took, without the start of the process.
"""

from __future__ import annotations

import argparse
import time

import psycopg

from wikiembed.documents.work import plan_of
from wikiembed.store.documents import Document, DocumentOptions

AT_ONCE = 16
"""Documents per transaction: as many as a job of ours has."""
OPTIONS = DocumentOptions("text", 1_000, 0, "title_heading")
READ = "select id, title, body from public.bare_articles where id between %s and %s"
COPY = (
    "copy public.bare_articles_chunks"
    " (document_id, position, context, content, heading, starts_at, ends_at) from stdin"
)


def run(url: str) -> float:
    """Split every document; returns seconds."""
    with psycopg.connect(url) as connection:
        row = connection.execute("select min(id), max(id) from public.bare_articles").fetchone()
        assert row is not None
        began = time.perf_counter()
        for first in range(row[0], row[1] + 1, AT_ONCE):
            found = connection.execute(READ, (first, first + AT_ONCE - 1), prepare=True).fetchall()
            with connection.cursor() as cursor, cursor.copy(COPY) as copy:
                for key, title, body in found:
                    plan = plan_of(Document(str(key), title, body, 0), OPTIONS)
                    for position, one in enumerate(plan.chunks):
                        copy.write_row(
                            (key, position, one.context, one.content, one.heading, one.start,
                             one.end)
                        )  # fmt: skip
            connection.commit()
        return time.perf_counter() - began


def main() -> None:
    """Parse arguments, run, and print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    print(run(parser.parse_args().url))


if __name__ == "__main__":
    main()
