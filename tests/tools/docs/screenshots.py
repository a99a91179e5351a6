"""The pictures of docs/how-to/console.md: ``python -m tests.tools.docs.screenshots`` takes them.

Needs Chromium and fonts with Korean (`apt-get install chromium fonts-noto-cjk`). ``--all FOLDER``
takes every screen in both languages, schemes and widths instead, to be looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import itertools
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.async_api import Browser

from tests.support.chromium import CHROMIUM, DESKTOP, PHONE, chromium, served
from tests.support.chunks import attach_sql, table_sql
from tests.support.refused import no_database
from tests.tools.bench.place import Base, a_place
from tests.tools.docs.pages import DOCS
from wikiembed.config import Settings
from wikiembed.db.endpoint import Endpoint
from wikiembed.db.several import Database
from wikiembed.web.access import Access
from wikiembed.web.app import Console
from wikiembed.web.consoles import Consoles
from wikiembed.web.site import Site, SiteOptions

FOLDER = DOCS / "how-to" / "console"
COLORS = 128
"""A picture of text and flat areas needs no more, and is a third as large."""
SCREENS = {
    "overview": "/",
    "source": "/source?name=docs",
    "filtered": "/source?name=docs&text=answer&newer=2d#list",
    "retry": "/source/retry?name=docs&class=timeout",
    "workers": "/workers",
    "actions": "/actions",
    "search": "/search",
    "doctor": "/doctor",
}
LIST = "databases"
"""The first page of a console on several databases."""
AWAY = no_database("archive")
# What the database would hold after a week of work, by the counts alone.
STATE = """
insert into wikiembed.ledger (source, at, total, embedded, failed, skipped)
values ('docs', now() - interval '1 hour', 1284000, 961200, 0, 0),
       ('articles', now() - interval '1 hour', 48200, 48200, 0, 0),
       ('faq', now() - interval '1 hour', 9600, 4100, 0, 0);
insert into wikiembed.ledger (source, at, total, embedded, gained)
select 'docs', now() - i * interval '1 s', 0, 64, 64 from generate_series(1, 50) as i;
insert into wikiembed_private.throughput_history (source, at, chunks)
select 'docs', date_trunc('minute', now()) - i * interval '1 minute',
       (3000 + 900 * sin(i / 7.0) + 400 * cos(i / 3.0))::int
  from generate_series(2, 1430) as i where i not between 16 and 24
 union all
select 'docs', date_trunc('hour', now()) - interval '1 day' - i * interval '1 hour',
       (60000 + 40000 * sin(i / 24.0))::int from generate_series(1, 2100) as i;
insert into wikiembed.failures (source, key, error_class, http_status, message, attempts, last_at)
select 'docs', i::text, 'timeout', null,
       'The embedding server at http://gpu-2:8080 gave no answer within 60 s.', 3,
       now() - i * interval '17 minutes'
  from generate_series(1, 36) as i
 union all
select 'docs', (900 + i)::text, 'text_too_long', 413,
       'The text is longer than the model''s 8,192 tokens.', 1, now() - i * interval '3 hours'
  from generate_series(1, 9) as i;
insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args, queued_at)
select 'embed_docs', 'wikiembed.embed', case when i % 40 = 0 then 0 else -10 end,
       jsonb_build_object('source', 'docs', 'keys', jsonb_build_array(i::text)),
       now() - interval '42 minutes' from generate_series(1, 5040) as i;
select wikiembed.report_outage('http://gpu-2:8080', 1380, 'no_answer', 503,
                               'The embedding server at http://gpu-2:8080 cannot be reached.');
insert into wikiembed.outages
  (server, since, last_seen_at, ended_at, error_class, http_status, reason, times)
select 'http://gpu-1:8080', now() - i * interval '31 hours', now() - i * interval '31 hours'
       + interval '2 hours', now() - i * interval '31 hours' + interval '2 hours', 'throttled', 429,
       'HTTP 429: too many requests.', 3 from generate_series(1, 4) as i;
set wikiembed.actor = 'minji';
select wikiembed.pause('faq', 'the model is being compared', now() + interval '3 hours');
set wikiembed.actor = 'kim';
select wikiembed.pause('articles', 'an import'), wikiembed.resume('articles', 'imported');
"""
WORKER = """
with w as (insert into wikiembed_queue.procrastinate_workers default values returning id)
select wikiembed.register_worker(w.id, gen_random_uuid(), %s, %s, '0.1.0', 'tei bge-m3',
                                 now() - interval '3 days'), w.id from w
"""
# Of the other database: a table that is embedded.
EMBEDDED = """
insert into wikiembed.ledger (source, at, total, embedded)
values ('docs', now() - interval '1 hour', 48200, 48200);
"""
# No worker runs, whose heartbeats and reports would be old when the last picture is taken.
ALIVE = """
update wikiembed_queue.procrastinate_workers set last_heartbeat = now();
update wikiembed.outages set last_seen_at = now() where ended_at is null;
update wikiembed.ledger set at = now() - (id % 50) * interval '1 s' where gained > 0;
"""
REPORT = """
select wikiembed.report_requests(%s, jsonb_build_array(jsonb_build_object(
  'server', %s::text, 'model', 'bge-m3', 'in_flight', %s::int, 'limit', %s::int,
  'throttled', %s::int)))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a screen is shown."""

    language: str
    scheme: str
    phone: bool

    @property
    def name(self) -> str:
        """For a file."""
        return f"{self.language}-{self.scheme}-{'phone' if self.phone else 'desktop'}"


PICTURES = {
    "overview.png": ("overview", Look(language="en", scheme="light", phone=False)),
    "databases.png": (LIST, Look(language="en", scheme="light", phone=False)),
    "overview-phone-ko.png": ("overview", Look(language="ko", scheme="dark", phone=True)),
    "source.png": ("source", Look(language="en", scheme="dark", phone=False)),
    "workers-ko.png": ("workers", Look(language="ko", scheme="light", phone=False)),
}


def prepare(base: Base) -> None:
    """Three sources: one in work with failures, one ready, one paused; an outage, two workers."""
    for name in ("articles", "faq"):
        base.execute(f"{table_sql(name, key='bigint', vector='vector(768)')}; {attach_sql(name)}")
    base.execute(
        "update wikiembed.sources set model = 'bge-m3', dimensions = 1024 where name <> 'wiki'"
    )
    base.execute(STATE)
    for host, pid, server, in_flight, limit, throttled in (
        ("worker-a", 4121, "http://gpu-1:8080", 11, 12, 37),
        ("worker-b", 388, "http://gpu-1:8080", 9, 12, 21),
    ):
        row = base.execute(WORKER, host, pid).fetchone()
        assert row is not None
        base.execute(REPORT, row[1], server, in_flight, limit, throttled)


def small(png: bytes, *, colors: int = COLORS) -> bytes:
    """The picture with few colours; the most frequent ones, those of areas, are exact."""
    with Image.open(io.BytesIO(png)) as image:
        whole = image.convert("RGB")
    pixels = np.asarray(whole).reshape(-1, 3)
    found, which, times = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    frequent = found[np.argsort(-times)][: colors // 2]
    rest = whole.quantize(colors - len(frequent), Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = np.concatenate([frequent, np.reshape(rest, (-1, 3))])
    # Pillow's own search for the nearest colour takes colours that are nearly equal for one.
    far = np.stack([np.sum((palette - color.astype(int)) ** 2, axis=1) for color in found])
    nearest = np.argmin(far, axis=1).astype(np.uint8)[which.reshape(-1)]
    drawn = Image.fromarray(nearest.reshape(whole.height, whole.width), "P")
    drawn.putpalette(palette.astype(np.uint8).tobytes())
    out = io.BytesIO()
    drawn.save(out, "PNG", optimize=True)
    return out.getvalue()


async def take(browser: Browser, url: str, look: Look, *, whole: bool) -> bytes:
    """One screen as PNG; `whole`: the whole page."""
    page = await browser.new_page(
        locale=look.language, color_scheme=look.scheme, viewport=PHONE if look.phone else DESKTOP  # type: ignore[arg-type]
    )  # fmt: skip
    await page.goto(url)
    await page.wait_for_timeout(300)
    png = await page.screenshot(full_page=whole)
    await page.close()
    return png


def looks() -> Iterator[Look]:
    """Each of them."""
    for language, scheme, phone in itertools.product(
        ("en", "ko"), ("light", "dark"), (False, True)
    ):
        yield Look(language=language, scheme=scheme, phone=phone)


async def photograph(base: Base, other: Base, folder: Path | None) -> None:
    """Write the pictures of the page, or into `folder` all screens in all looks."""
    settings = Settings(database_url=base.url)
    single = Console(settings, SiteOptions(access=Access.of(settings)))
    async with opened(single) as one, opened(a_list(base, other)) as several:
        urls = {name: one + path for name, path in SCREENS.items()} | {LIST: f"{several}/"}
        async with chromium() as browser:
            if folder is None:
                for name, (screen, look) in PICTURES.items():
                    base.execute(ALIVE)
                    png = small(await take(browser, urls[screen], look, whole=False))
                    (FOLDER / name).write_bytes(png)
                    print(f"{name}: {len(png):,} bytes")
                return
            for (screen, url), look in itertools.product(urls.items(), looks()):
                base.execute(ALIVE)
                png = await take(browser, url, look, whole=True)
                (folder / f"{screen}-{look.name}.png").write_bytes(small(png))


@contextlib.asynccontextmanager
async def opened(made: Site) -> AsyncIterator[str]:
    """The address of a console."""
    async with made.running(), served(made) as address:
        yield address


def a_list(base: Base, other: Base) -> Consoles:
    """A console on both, under names and places that say nothing of this machine, and on `AWAY`."""
    places = (
        (base.url, Endpoint(name="wiki", host="db1.example", port=5432)),
        (other.url, Endpoint(name="handbook", host="db2.example", port=5432)),
        (AWAY, Endpoint(name="archive", host="127.0.0.1", port=9)),
    )
    return Consoles(
        [
            Database(settings=Settings(database_url=url), endpoint=place, name=place.name)
            for url, place in places
        ],
        SiteOptions(access=Access.of(Settings())),
    )


def main() -> int:
    """Take them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every screen in every look")
    arguments = parser.parse_args()
    if CHROMIUM is None:
        print("Chromium is needed: apt-get install chromium fonts-noto-cjk", file=sys.stderr)
        return 2
    (arguments.all or FOLDER).mkdir(exist_ok=True, parents=True)
    with a_place() as place, place.base() as base, place.base() as other:
        prepare(base)
        other.execute(EMBEDDED)
        asyncio.run(photograph(base, other, arguments.all))
    return 0


if __name__ == "__main__":
    sys.exit(main())
