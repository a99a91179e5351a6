"""The console's languages: chosen by the browser or a link, and complete."""

from __future__ import annotations

import pytest

from tests.support.chunks import add
from tests.support.console import Browser, shown
from tests.support.database import Database
from wikiembed.control.ready import OBSTACLES
from wikiembed.web.messages import LANGUAGES, WORDS, catalogue, preferred
from wikiembed.web.pages import OFFERED


async def test_pages_follow_the_language(docs_table: Database, browser: Browser) -> None:
    """Of the browser; a link chooses another, which a cookie keeps."""
    korean = await browser.get("/", headers={"accept-language": "ko-KR,ko;q=0.9,en;q=0.5"})
    assert '<html lang="ko">' in korean.text
    assert "준비되지 않음" in korean.text
    assert '<html lang="en">' in (await browser.get("/")).text
    chosen = await browser.get("/workers?lang=ko")
    assert "HttpOnly" in chosen.headers["set-cookie"]
    assert "서버와 워커" in (await browser.get("/workers")).text
    assert "lang=ko" not in (await browser.get("/actions?lang=ko&who=x")).text.split("<main")[1]


async def test_what_is_in_the_way_is_counted_in_the_language_of_the_page(
    docs_table: Database, browser: Browser
) -> None:
    """The sentences of `ready` that count chunks are words of the page."""
    add(docs_table, "one", "two")
    assert "2개 대기 중, 살아 있는 워커 없음" in await shown(browser, "/?lang=ko")
    assert "2 wait, and no worker is alive" in await shown(browser, "/?lang=en")


def test_languages_have_the_same_messages() -> None:
    """With the same fields in each."""
    first = catalogue(LANGUAGES[0])
    for language in LANGUAGES[1:]:
        other = catalogue(language)
        assert set(other) == set(first)
        for key, text in first.items():
            fields = {part.split("}")[0] for part in text.split("{")[1:]}
            assert fields == {part.split("}")[0] for part in other[key].split("{")[1:]}, key
    for name in OBSTACLES:
        assert all(words.has(f"obstacle.{name}") for words in WORDS.values())
    assert set(OFFERED) <= set(OBSTACLES)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("", "en"), ("ko", "ko"), ("fr, ko;q=0.3, en;q=0.2", "ko"), ("en, ko", "en"),
     ("ko;q=0", "en"), ("ko;q=x,en", "en"), ("*", "en"), ("KO-kr", "ko")],
)  # fmt: skip
def test_language_is_that_which_the_browser_prefers(accepted: str, language: str) -> None:
    """By quality, then by order."""
    assert preferred(accepted) == language
