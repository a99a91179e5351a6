"""Another system with the same rows, server and Postgres: pgai's vectorizer worker.

pgai is not a dependency: `--pgai` names its command in a separate virtual environment
(``pip install 'pgai[vectorizer-worker]'``). Both get batches of 64 and 4 requests in flight.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import Any

from tests.support.standin import BadText, StandIn
from tests.tools.bench.place import DIMENSIONS, LIMIT_S, Base, Place
from tests.tools.bench.result import Form, Measured, ratio_of_rates

BATCH = 64
IN_FLIGHT = 4
REFUSED = "text 100 "


def peers(place: Place, form: Form) -> Iterator[Measured]:
    """Chunks per second with an instant server, and the cost of one refused text.

    Raises: ValueError without `--pgai`.
    """
    if form.pgai is None:
        raise ValueError("the row peers needs --pgai: the path of pgai's command")
    texts, rounds = form.of(8_000, 60_000), form.of(2, 5)
    ours: list[float] = []
    theirs: list[float] = []
    with place.server("instant", "--lists") as server:
        for _ in range(rounds):
            with place.base() as base:
                base.fill("docs", texts)
                base.settle()
                stats = place.drain(base, server, concurrency=str(IN_FLIGHT))
                ours.append(_rate(stats))
            with place.base() as base:
                base.fill("bare", texts)
                _vectorize(base, form.pgai, server.url)
                base.settle()
                server.reset()
                _work(base, form.pgai)
                assert base.one("select count(*) from public.peer") == texts
                theirs.append(_rate(server.stats()))
    yield Measured(
        row="peer pgai",
        what="768-dimension chunks/s, instant server, lists of numbers: one worker ÷ pgai's",
        value=ratio_of_rates(ours, theirs),
        unit="ratio",
        better="more",
        goal=None,
        detail={"chunks_per_s": ours, "pgai_chunks_per_s": theirs},
    )
    yield from _refused(place, form.pgai)


def _refused(place: Place, pgai: str) -> Iterator[Measured]:
    """Rows with a vector after one run over ten batches, one text of which the server refuses."""
    rows = 10 * BATCH
    refuses = BadText(contains=REFUSED, status=400, body='{"error": {"message": "bad text"}}')
    done: dict[str, float] = {}
    with StandIn(dialect="openai", dimensions=DIMENSIONS, bad_texts=[refuses]) as server:
        with place.base() as base:
            base.fill("docs", rows)
            assert place.start_worker(base, server, "--drain").wait(LIMIT_S) == 0
            done["wikiembed"] = base.one("select count(vec) from public.docs")
        with place.base() as base:
            base.fill("bare", rows)
            _vectorize(base, pgai, server.url)
            _work(base, pgai)
            done["pgai"] = base.one("select count(*) from public.peer")
    for name, row in (("wikiembed", "refused text"), ("pgai", "refused text, pgai")):
        yield Measured(
            row=row,
            what=f"rows embedded of {rows} with one that the server refuses, {name}",
            value=done[name],
            unit="rows",
            better="more",
            goal=rows - 1 if name == "wikiembed" else None,
        )


def _vectorize(base: Base, pgai: str, url: str) -> None:
    """Make pgai keep `public.bare` embedded in its own table `public.peer`."""
    subprocess.run([pgai, "install", "--db-url", base.url], check=True, capture_output=True)
    base.execute(
        "select ai.create_vectorizer('public.bare'::regclass,"
        " loading => ai.loading_column('body'), chunking => ai.chunking_none(),"
        " destination => ai.destination_table(target_table => 'peer', view_name => 'peer_view'),"
        f" embedding => ai.embedding_openai('bench', {DIMENSIONS}, base_url => '{url}/v1'),"
        f" processing => ai.processing_default(batch_size => {BATCH}, concurrency => {IN_FLIGHT}))"
    )


def _work(base: Base, pgai: str) -> None:
    """Run pgai's worker once over the queue; it stops at its first error."""
    subprocess.run(
        [pgai, "vectorizer", "worker", "--db-url", base.url, "--once", "-c", str(IN_FLIGHT)],
        env=os.environ | {"OPENAI_API_KEY": "none"},
        check=False,
        capture_output=True,
        timeout=LIMIT_S,
    )


def _rate(stats: dict[str, Any]) -> float:
    return float(stats["texts"] / stats["seconds"])
