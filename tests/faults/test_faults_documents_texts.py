"""Documents with unusual texts: huge, blank, without spaces, with odd characters, deeply nested."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.faults.crew import Crew
from tests.faults.documents import SENTENCES, add_articles, make_articles, reckon_articles
from tests.support.cli import Running, wait_for
from tests.support.database import Database
from tests.support.long_form import LONG
from tests.support.standin import StandIn
from tests.support.workers import drain, settings_of

TIMES, HEADINGS = (20, 100_000) if LONG else (1, 200)
TEXTS = {
    "word": "word",
    "white space": " \n\t\u00a0\u2003\u3000 \n",
    "empty": "",
    "null": None,
    "control": "a\x01b\x1f\x7f c\x0bd\x0ce\x85f. " * 100,
    "replacement": "\ufffd\ufffe\uffff \\ud800 \\u0000 \\x00. " * 100,
    "separators": "One\u2028two\u2029three\r\nfour\rfive. " * 100,
    "zero width": "a\u200bb\u200cc\u200dd\ufeffe " * 200,
    "zero width only": "\u200b" * 2_000,
    "combining": "e" + "\u0301" * 2_000 + " e\u0302\u0323 o\u0308\u0304. " * 100,
    "right to left": "\u202eשלום עולם. مرحبا بالعالم؟ \u202c" * 100,
    "families": "👨‍👩‍👧‍👦🏳️‍🌈🇰🇷" * 300,
    "jamo": "\u1112\u1161\u11ab\u1100\u1173\u11af " * 300,
    "line": "x" * (50_000 * TIMES),
    "hangul line": "가나다라" * (5_000 * TIMES),
    "headings": "".join(f"# Part {n}\n\nText {n}.\n\n" for n in range(HEADINGS)),
    "html headings": "".join(f"<h2>Part {n}</h2><p>Text {n}.</p>" for n in range(200 * TIMES)),
    "nested html": "<ul><li>" * (1_000 * TIMES) + "deep" + "</li></ul>" * (1_000 * TIMES),
    "nested quotes": ">" * (2_000 * TIMES) + " deep",
    "nested lists": "".join("  " * n + f"- item {n}\n" for n in range(100 * TIMES)),
    "brackets": "[" * 2_000 + "x" + "](y)" * 2_000,
    "unclosed": "<!-- <script> ``` " * 500,
}  # fmt: skip


@pytest.mark.parametrize("splitter", ["text", "markdown", "html"])
async def test_unusual_texts_are_split_and_embedded(
    database: Database, standin: StandIn, splitter: str
) -> None:
    """Each is tiled by its chunks, with every splitter; then edited in the middle."""
    make_articles(database, splitter=splitter, overlap_chars=0)
    for key, (name, text) in enumerate(TEXTS.items(), 1):
        database.execute("insert into public.articles values (%s, %s, %s)", [key, name, text])
    settings = settings_of(database, standin.url)
    await drain(settings, timeout_s=600)
    count = reckon_articles(database)
    database.execute(
        "update public.articles"
        " set body = overlay(body placing ' An edit. ' from length(body) / 2 for 1)"
        " where length(body) > 2"
    )  # fmt: skip
    await drain(settings, timeout_s=600)
    assert reckon_articles(database) >= count // 2


def peak_mb(worker: Running) -> int:
    """The most memory that the process has had resident, in MB."""
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


MB = 50 if LONG else 0.3
MOST_MB_PER_MB = 30
"""Resident memory per MB of text, beyond the worker's own."""


def test_large_document_does_not_hold_up_the_others(crew: Crew) -> None:
    """Small documents that come after it are embedded first; the worker's heart beats on."""
    make_articles(crew.database, max_chars=1_000)
    text = " ".join(SENTENCES)
    crew.database.execute(
        "insert into public.articles select 1, 'Large', string_agg(%s || g, ' ')"
        " from generate_series(1, %s::int) as g",
        [text, int(MB * 1_000_000) // (len(text) + 1)],
    )
    worker = crew.worker(drain=False)
    doing = (
        "select count(*) from wikiembed_queue.procrastinate_jobs"
        " where task_name = 'wikiembed.split' and status = 'doing'"
    )
    wait_for(lambda: crew.database.one(doing) == 1, worker)
    own = peak_mb(worker)
    small = 0
    splits = "select version is not null from wikiembed_private.documents_articles where key = '1'"
    while not crew.database.one(splits):
        begin = 100 + 4 * small
        add_articles(crew.database, 4, begin=begin)
        wait_for(
            lambda begin=begin: crew.database.one(  # type: ignore[misc]
                "select bool_and(version is not null) from wikiembed_private.documents_articles"
                f" where key::int between {begin} and {begin + 3}"
            ),
            worker,
        )
        small += 1
        beat = crew.database.one(
            "select max(extract(epoch from now() - last_heartbeat))"
            " from wikiembed_queue.procrastinate_workers"
        )
        assert beat < 30
        if not LONG:
            break
        time.sleep(0.5)
    assert small >= 1
    wait_for(lambda: crew.database.one(splits), worker, within_s=1_200)
    most = peak_mb(worker)
    print(json.dumps({"mb": MB, "own": own, "peak": most, "small": 4 * small}))
    assert most - own < 200 + MOST_MB_PER_MB * MB
    assert worker.stop(timeout=60).returncode == 0, worker.stderr
    drained = crew.worker()
    assert drained.wait(1_200).returncode == 0
    reckon_articles(crew.database)
