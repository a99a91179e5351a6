"""The console in a real browser: scripts under the strict policy, live updates, forms, width."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from tests.support.chromium import NEEDS_CHROMIUM, PHONE, chromium, served, trouble
from tests.support.chunks import add, pause_reason
from tests.support.console import console_settings, running, running_several
from tests.support.database import Database
from tests.support.refused import CLOSED
from wikiembed.web import changes

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = NEEDS_CHROMIUM
PATHS = ("/", "/source?name=docs&window=day", "/workers", "/actions", "/search", "/doctor",
         "/source/skip?name=docs&class=timeout")  # fmt: skip
# Text whose contrast to its background is below 4.5, controls without a name, ids given twice.
AUDIT = """
() => {
  const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => {
    v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  }).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const back = (node) => {
    for (let one = node; one; one = one.parentElement) {
      const c = parse(getComputedStyle(one).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const wrong = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !node.getClientRects().length || node.closest("svg, .uplot")) continue;
    const a = light(parse(getComputedStyle(node).color)), b = light(back(node));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) wrong.push(`contrast ${ratio.toFixed(2)}: ${node.textContent.slice(0, 40)}`);
  }
  for (const node of document.querySelectorAll("input:not([type=hidden]), select")) {
    if (!node.labels.length) wrong.push(`no label: ${node.name}`);
  }
  for (const node of document.querySelectorAll("button:not([hidden]), a[href]")) {
    if (!node.textContent.trim()) wrong.push(`no name: ${node.outerHTML}`);
  }
  for (const node of document.querySelectorAll("nav a")) {
    if (node.getBoundingClientRect().right > innerWidth) wrong.push(`outside: ${node.textContent}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`twice: ${id}`);
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  if (document.documentElement.scrollWidth > innerWidth) wrong.push("wider than the window");
  return wrong;
}
"""


@pytest.fixture
async def url(docs_table: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The address of a console that is served, with failures, an outage and a pause."""
    monkeypatch.setattr(changes, "TICK_S", 3600.0)
    trouble(docs_table)
    async with running(console_settings(docs_table)) as console, served(console) as address:
        yield address


def complaints_of(page: Page) -> list[str]:
    """What the browser will report of a page: a refused script or style, an exception."""
    found: list[str] = []
    page.on("console", lambda line: found.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


async def test_pages_are_sound_in_both_schemes_languages_and_widths(url: str) -> None:
    """Nothing is refused by the policy; contrast, labels and width are right."""
    async with chromium() as browser:
        for scheme, locale, size in (("light", "en", PHONE), ("dark", "ko", PHONE),
                                     ("light", "ko", None), ("dark", "en", None)):  # fmt: skip
            page = await browser.new_page(color_scheme=scheme, locale=locale, viewport=size)  # type: ignore[arg-type]
            complaints = complaints_of(page)
            for path in PATHS:
                await page.goto(url + path)
                wrong = await page.evaluate(AUDIT)
                assert (path, scheme, locale, wrong) == (path, scheme, locale, [])
            assert complaints == []
            await page.close()


async def test_page_updates_itself_and_is_silent_when_hidden(
    url: str, docs_table: Database
) -> None:
    """After a notification, keeping what is typed; a hidden tab holds no stream."""
    async with chromium() as browser:
        page = await browser.new_page()
        complaints = complaints_of(page)
        await page.goto(f"{url}/source?name=docs")
        await page.wait_for_selector("figure.drawn canvas")
        await page.wait_for_function("document.getElementById('pulse').textContent === 'Live'")
        await page.fill("[name=why]", "typed before")
        docs_table.execute("select wikiembed.pause('docs', 'by another user')")
        add(docs_table, "four")
        await page.wait_for_selector("q:text('by another user')")
        assert await page.input_value("[name=why]") == "typed before"
        await page.wait_for_selector("figure.drawn canvas")
        await page.evaluate(
            "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        assert await page.evaluate("source") is None
        assert complaints == []


async def test_actions_work_with_and_without_scripts(url: str, docs_table: Database) -> None:
    """A form is sent and its result shown; the reason is asked for by the browser already."""
    async with chromium() as browser:
        for scripts in (True, False):
            context = await browser.new_context(java_script_enabled=scripts, locale="en")
            page = await context.new_page()
            await page.goto(f"{url}/source?name=docs")
            await page.click("button:text('Pause')")
            assert pause_reason(docs_table) is None
            await page.fill("[name=why]", "the server moves")
            await page.click("button:text('Pause')")
            await page.wait_for_selector(".done:text('Paused.')")
            assert pause_reason(docs_table) == "the server moves"
            await page.fill("[name=why]", "moved")
            await page.click("button:text('Resume')")
            await page.wait_for_selector(".done:text('Resumed')")
            await page.goto(f"{url}/source/retry?name=docs&class=timeout")
            assert await page.is_visible("text=Chunks")
            await context.close()


async def test_pages_are_used_by_keyboard(url: str) -> None:
    """The first stop leads to the content, and each one is seen."""
    async with chromium() as browser:
        page = await browser.new_page(locale="en")
        await page.goto(url)
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.textContent") == "To the content"
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        inside = "document.getElementById('content').contains(document.activeElement)"
        assert await page.evaluate(inside) is True
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert await page.evaluate(outline) == "solid"


async def test_list_of_databases_is_sound_and_updates_itself(docs_table: Database) -> None:
    """In both schemes, languages and widths; by keyboard; without scripts too."""
    trouble(docs_table)
    async with (
        running_several(docs_table, CLOSED) as consoles,
        served(consoles) as address,
        chromium() as browser,
    ):
        consoles.changes._tick_s = consoles.changes._debounce_s = 0.2
        for scheme, locale, size in (("light", "en", PHONE), ("dark", "ko", PHONE),
                                     ("light", "ko", None), ("dark", "en", None)):  # fmt: skip
            page = await browser.new_page(color_scheme=scheme, locale=locale, viewport=size)  # type: ignore[arg-type]
            complaints = complaints_of(page)
            for path in ("/", f"/db/{docs_table.name}/workers"):
                await page.goto(address + path)
                assert (path, scheme, locale, await page.evaluate(AUDIT)) == (
                    path, scheme, locale, [],
                )  # fmt: skip
            assert complaints == []
            await page.close()
        page = await browser.new_page(locale="en")
        complaints = complaints_of(page)
        await page.goto(address)
        await page.wait_for_function("document.getElementById('pulse').textContent === 'Live'")
        docs_table.execute("select wikiembed.pause('docs', 'by another user')")
        await page.wait_for_selector(".card .chip.paused")
        await page.focus(f"h2 a:text('{docs_table.name}')")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("header .database strong")
        assert page.url == f"{address}/db/{docs_table.name}/"
        await page.click("text=All databases")
        await page.wait_for_selector("h1:text('0 of 2 databases are ready')")
        assert complaints == []
        context = await browser.new_context(java_script_enabled=False, locale="en")
        bare = await context.new_page()
        await bare.goto(address)
        assert await bare.is_visible("text=Connection refused")
