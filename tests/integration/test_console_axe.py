"""The console's pages for everyone: axe-core finds nothing serious on any of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from importlib import resources
from typing import Any

import pytest

from tests.support.chromium import DESKTOP, NEEDS_CHROMIUM, PHONE, chromium, served, trouble
from tests.support.console import BY_TOKEN, console_settings, running, running_several
from tests.support.database import Database
from tests.support.refused import CLOSED
from tests.support.standin import StandIn
from wikiembed.web.messages import LANGUAGES

pytestmark = [
    *NEEDS_CHROMIUM,
    pytest.mark.skipif(
        importlib.util.find_spec("axe_playwright_python") is None,
        reason="no axe-core: pip install axe-playwright-python",
    ),
]
PATHS = (
    "/", "/source?name=docs", "/source?name=docs&text=answer&newer=1d", "/workers", "/actions",
    "/search", "/doctor", "/source/retry?name=docs", "/source/skip?name=docs&class=timeout",
    "/nothing",
)  # fmt: skip
Look = tuple[str, dict[str, int]]
# Each scheme and each width, in both languages together all four pairs.
LOOKS: dict[str, Sequence[Look]] = {
    "en": (("light", DESKTOP), ("dark", PHONE)),
    "ko": (("dark", DESKTOP), ("light", PHONE)),
}
RUN = """
async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .map(({id, impact, nodes}) => ({id, impact, html: nodes.map((node) => node.html).slice(0, 3)}))
"""


async def audit(page: Any, name: str, looks: Sequence[Look]) -> list[object]:
    """What axe-core finds on a page in these schemes and widths, unless it is minor."""
    # Runtime.evaluate is not subject to the page's policy; a script tag is.
    source = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    await page.evaluate(source)
    found: list[object] = []
    for scheme, size in looks:
        await page.emulate_media(color_scheme=scheme)
        await page.set_viewport_size(size)
        for one in await page.evaluate(RUN):
            if one["impact"] != "minor":
                found.append((name, scheme, size["width"], one))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_serious(
    docs_table: Database, standin: StandIn, language: str
) -> None:
    """On each screen, with failures, an outage and a pause; and after a search and an action."""
    trouble(docs_table)
    docs_table.execute("select wikiembed.pause('docs', 'the server moves', '2099-01-01')")
    found, looks = [], LOOKS[language]
    settings = console_settings(docs_table, url=standin.url)
    async with running(settings) as console, served(console) as url, chromium() as browser:
        page = await browser.new_page(locale=language)
        for path in PATHS:
            await page.goto(url + path)
            found += await audit(page, path, looks)
        await page.goto(f"{url}/doctor")
        await page.click("main button")
        await page.wait_for_selector(".findings")
        found += await audit(page, "doctor's findings", looks)
        await page.goto(f"{url}/source?name=docs")
        await page.fill("[name=why]", "moved")
        await page.click("form[action$=resume] button")
        await page.wait_for_selector(".done")
        found += await audit(page, "resumed", looks)
    by_token = running(settings, access=BY_TOKEN)
    async with by_token as console, served(console) as url, chromium() as browser:
        page = await browser.new_page(locale=language)
        await page.goto(url)
        found += await audit(page, "login", looks)
    assert found == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_serious_on_several_databases(
    docs_table: Database, language: str
) -> None:
    """On the list, with a database that is away, and on a page of each."""
    trouble(docs_table)
    docs_table.execute("select wikiembed.pause('docs', 'the server moves', '2099-01-01')")
    found, looks = [], LOOKS[language]
    async with (
        running_several(docs_table, CLOSED) as consoles,
        served(consoles) as url,
        chromium() as browser,
    ):
        consoles.consoles["closed"].database.wait_s = 0.5
        page = await browser.new_page(locale=language)
        for path in ("/", f"/db/{docs_table.name}/", "/db/closed/", "/db/none/"):
            await page.goto(url + path)
            found += await audit(page, path, looks)
    assert found == []


async def test_axe_finds_a_label_that_is_missing(docs_table: Database) -> None:
    """The audit is effective."""
    settings = console_settings(docs_table)
    async with running(settings) as console, served(console) as url, chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"{url}/search")
        await page.evaluate("document.body.append(document.createElement('input'))")
        found = await audit(page, "search", LOOKS["en"])
    assert "'label'" in str(found)
