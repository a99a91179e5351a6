"""Documents: what an edit embeds, and what splitting, writing and waiting cost."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from unittest import mock

from tests.support import export
from tests.support.eventually import eventually
from tests.tools.bench import edits as editing
from tests.tools.bench.place import DIMENSIONS, LIMIT_S, Base, Place
from tests.tools.bench.result import Form, Measured, middle, percentile, ratio_of_rates
from wikiembed.config import Settings
from wikiembed.documents import SplitOptions, pack, work
from wikiembed.documents import split as pieces_of
from wikiembed.pipeline.runtime import Runtime
from wikiembed.pipeline.stats import Stats
from wikiembed.sample import sample_path

SHORT = 3_000
"""Characters that a short page has at most."""
OTHER_REACH = 0.5
"""Of `wikiembed.documents.pack`: other anchors, hence other pieces of the same size."""
PAGE_CHUNKS = 10
"""Chunks of a page of ordinary length, in the rows that insert one."""
Text = tuple[str, str]
"""Title and body."""


def edits(place: Place, form: Form) -> Iterator[Measured]:
    """Texts embedded for an edit at a random place of a real article of ten or more chunks."""
    del place
    if why := export.missing():
        _say(f"edits: left out, {why}")
        return
    options = SplitOptions()
    texts = [text for _, text in editing.documents()]
    long = [text for text in texts if len(pieces_of(text, options=options)) >= editing.LEAST_PIECES]
    for name, edit in editing.KINDS.items():
        costs = editing.costs_of_edits(long, edit, options, edits=form.of(100, 2_000))
        found = {
            "mean": sum(costs) / len(costs),
            "median": middle(costs),
            "p99": editing.percentile(costs, 0.99),
        }
        for key, value in found.items():
            yield Measured(
                row=f"edit, {name}, {key}",
                what=f"texts embedded for one edit of {len(long)} real articles: {name}, {key}",
                value=value, unit="texts", better="less", goal=editing.GOAL[key],
                detail={"edits": len(costs), "costs": costs},
            )  # fmt: skip


def split(place: Place, form: Form) -> Iterator[Measured]:
    """Pages split and written per second by one worker, and by a loop, in turns."""
    long = _texts(form.of(100, 1_000))
    short = [(title, _beginning(body)) for title, body in _texts(form.of(600, 6_000))]
    for name, texts in (("", long), (", short", short)):
        with place.base() as base, place.server("instant") as server:
            _attach(base)
            _bare(base)
            with place.worker(base, server):
                _insert(base, "articles", texts[:16])
                _wait(base)
                rates = _rates(base, texts, rounds=form.of(3, 7))
        yield Measured(
            row=f"documents split{name}",
            what=f"pages of {_mean_chars(texts):,} characters split and written/s: one worker"
            " ÷ a bare loop that selects, splits and copies the same chunks",
            value=ratio_of_rates(rates["worker"], rates["bare"]), unit="ratio",
            better="more", goal=0.8, detail=rates,
        )  # fmt: skip


def _rates(base: Base, texts: Sequence[Text], *, rounds: int) -> dict[str, list[float]]:
    """Pages per second; a worker's from the commit of the pages to the last one's chunks."""
    rates: dict[str, list[float]] = {"worker": [], "bare": []}
    for _ in range(rounds):
        _empty(base)
        _insert(base, "bare_articles", texts)
        base.settle()
        rates["bare"].append(len(texts) / _bare_seconds(base))
        _insert(base, "articles", texts)
        began = base.one("select clock_timestamp()")
        eventually(partial(_is_split, base), within_s=LIMIT_S, poll_s=0.02)
        state = "wikiembed_private.documents_articles"
        ended = base.one(f"select max(split_at) from {state}")
        rates["worker"].append(len(texts) / (ended - began).total_seconds())
        copied = base.one("select count(*) from public.bare_articles_chunks")
        assert base.one(f"select sum(chunks) from {state}") == copied
        _wait(base)
    return rates


def resplit(place: Place, form: Form) -> Iterator[Measured]:
    """Chunks that keep their vector when all documents are split again by other anchors."""
    texts = _texts(form.of(30, 100))
    state = "select id, document_id, coalesce(context, ''), content from public.articles_chunks"
    with place.base() as base, place.server("instant") as server:
        _attach(base)
        _insert(base, "articles", texts)
        place.drain(base, server)
        before = {row[0]: row[1:] for row in base.execute(state)}
        base.execute("select wikiembed.resplit('articles', p_force => true)")
        asyncio.run(_split_by_other_anchors(base))
        after = {row[0]: row[1:] for row in base.execute(f"{state} where embedding is not null")}
        chunks = Counter(row[1:] for row in base.execute(state))
    equal = (Counter(before.values()) & chunks).total()
    kept = sum(before.get(key) == row for key, row in after.items())
    detail = {"before": len(before), "after": chunks.total(), "equal": equal, "kept": kept}
    yield Measured(
        row="documents resplit",
        what="chunks that keep their row and vector when documents are split again by another"
        " anchor rule ÷ chunks whose text is equal",
        value=kept / equal, unit="ratio", better="more", goal=1.0, detail=detail,
    )  # fmt: skip
    yield Measured(
        row="documents resplit, equal",
        what=f"chunks whose text is equal ÷ all {len(before):,}",
        value=equal / len(before), unit="ratio", better="more", goal=None, detail=detail,
    )  # fmt: skip


async def _split_by_other_anchors(base: Base) -> None:
    """Split every document as a worker does, in this process, with other anchors."""
    runtime = await Runtime.open(Settings(), base.url, stats=Stats())
    keys = [row[0] for row in base.execute("select id::text from public.articles order by id")]
    with mock.patch.object(pack, "REACH", OTHER_REACH):
        await work.process(work.SplitJob(source="articles", documents=keys), runtime)
    await runtime.aclose()
    assert _is_split(base)


def insert(place: Place, form: Form) -> Iterator[Measured]:
    """One page per statement and transaction, with our triggers and without, in turns."""
    body = _page()
    seconds: dict[str, list[float]] = {"articles": [], "bare_articles": []}
    with place.base() as base:
        _attach(base)
        _bare(base)
        for _ in range(form.of(5, 20)):
            _empty(base)
            base.settle()
            for _ in range(50):
                for table, measured in seconds.items():
                    for number in range(5):  # the first of a turn finds cold caches
                        took = _insert_seconds(base, table, body)
                        if number:
                            measured.append(took)
    yield Measured(
        row="documents insert",
        what=f"insert of one document of {len(body):,} characters, a statement a transaction,"
        " 1 client ÷ without our triggers",
        value=middle(seconds["articles"]) / middle(seconds["bare_articles"]), unit="ratio",
        better="less", goal=2.0,
        detail={f"{table}_ms": 1000 * middle(found) for table, found in seconds.items()},
    )  # fmt: skip


def latency(place: Place, form: Form) -> Iterator[Measured]:
    """From the commit of a page to the vector of its last chunk, on an idle system."""
    body = _page()
    times: list[float] = []
    with place.base() as base, place.server("instant") as server:
        _attach(base)
        with place.worker(base, server):
            _insert(base, "articles", [("Title", body)])
            _wait(base)
            for _ in range(form.of(50, 500)):
                time.sleep(0.2)
                _insert(base, "articles", [("Title", body)])
                began = time.perf_counter()
                eventually(partial(_is_ready, base), within_s=LIMIT_S, poll_s=0.001)
                times.append(1000 * (time.perf_counter() - began))
    for name, value, goal in (
        ("median", middle(times), 50.0),
        ("99th percentile", percentile(times, 0.99), None),
    ):
        yield Measured(
            row=f"documents latency {name}",
            what=f"insert commit of a page of {PAGE_CHUNKS} chunks → all embedded, idle system,"
            f" {name}",
            value=value, unit="ms", better="less", goal=goal, detail={"ms": times},
        )  # fmt: skip


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def _texts(count: int) -> list[Text]:
    """Real articles of the export, else of the packaged sample, as often as needed."""
    if why := export.missing():
        _say(f"the packaged sample's articles: {why}")
        lines = sample_path().read_text().splitlines()
        found = [(one["title"], one["text"]) for one in map(json.loads, lines)]
    else:
        found = list(editing.documents())
    return list(itertools.islice(itertools.cycle(found), count))


def _beginning(body: str) -> str:
    """Its first paragraphs, of at most `SHORT` characters."""
    return body[: body.rfind("\n\n", 0, SHORT) + 1] or body[:SHORT]


def _mean_chars(texts: Sequence[Text]) -> int:
    return sum(len(body) for _, body in texts) // len(texts)


def _page() -> str:
    """A text of ten chunks."""
    words = " ".join(f"Sentence {n} says where item {n * 7919 % 1000} is." for n in range(24))
    return "\n\n".join(f"{n}. {words[: 780 - len(str(n))]}." for n in range(PAGE_CHUNKS))


def _table(base: Base, name: str) -> None:
    base.execute(
        f"create table public.{name} (id bigint generated always as identity primary key,"
        " title text, body text)"
    )


def _attach(base: Base) -> None:
    _table(base, "articles")
    base.execute(
        "select wikiembed.attach_documents('public.articles', 'id', 'body', 'articles',"
        f" p_title => 'title', p_dimensions => {DIMENSIONS})"
    )


def _bare(base: Base) -> None:
    """The same two tables, with all their keys, and without our triggers and index."""
    _table(base, "bare_articles")
    base.execute(
        "create table public.bare_articles_chunks (like public.articles_chunks including all"
        " excluding indexes)"
    )
    base.execute(
        "alter table public.bare_articles_chunks add primary key (id),"
        " add unique (document_id, position) deferrable initially deferred,"
        " add foreign key (document_id) references public.bare_articles (id)"
        " on update cascade on delete cascade"
    )


def _insert(base: Base, table: str, texts: Sequence[Text]) -> None:
    """Insert all texts in one statement."""
    base.execute(
        f"insert into public.{table} (title, body) select * from unnest(%s::text[], %s::text[])",
        [title for title, _ in texts],
        [body for _, body in texts],
    )


def _insert_seconds(base: Base, table: str, body: str) -> float:
    began = time.perf_counter()
    base.connection.execute(
        f"insert into public.{table} (title, body) values (%s, %s)".encode(),
        ("Title", body),
        prepare=True,
    )
    return time.perf_counter() - began


def _bare_seconds(base: Base) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "tests.tools.bench.bare_documents", base.url],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def _is_split(base: Base) -> bool:
    return bool(base.one("select not wikiembed_private.has_waiting_document('articles')"))


def _is_ready(base: Base) -> bool:
    return _is_split(base) and bool(
        base.one("select not exists (select from public.articles_chunks where embedding is null)")
    )


def _wait(base: Base) -> None:
    eventually(partial(_is_ready, base), within_s=LIMIT_S)


def _empty(base: Base) -> None:
    base.execute(
        "truncate public.articles, public.articles_chunks, public.bare_articles,"
        " public.bare_articles_chunks restart identity"
    )
    base.execute("delete from wikiembed_private.documents_articles")
    base.execute("delete from wikiembed_queue.procrastinate_jobs where status = 'todo'")
