"""The console's languages: chosen by the browser or a link, and complete."""

from __future__ import annotations

import re

import pytest

from tests.support.chunks import add, fail, read
from tests.support.cli import ROOT
from tests.support.console import Browser, shown
from tests.support.database import Database
from wikiembed.control.doctor import ALARMS
from wikiembed.control.ready import OBSTACLES
from wikiembed.error_class import ErrorClass
from wikiembed.web.app import Console
from wikiembed.web.messages import LANGUAGES, WORDS, catalogue, preferred, sentences
from wikiembed.web.pages import OFFERED

CODE = re.compile(r"`[^`]+`|\]\([^)]+\)")
FINE = re.compile(r'Finding\(\s*"(\w+)",\s*"ok"')
ARTICLES = (
    "create table public.articles (id integer primary key, body text);"
    " select wikiembed.attach_documents('public.articles', array['id'], array['body'], 'articles',"
    " p_dimensions => 4)"
)


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


async def test_what_is_in_the_way_is_said_in_the_language_of_the_page(
    docs_table: Database, browser: Browser, console: Console
) -> None:
    """Where it counts no chunks: a pause and its reason, an outage, documents, an empty table."""
    docs_table.execute(ARTICLES)
    for statement in (
        "insert into public.articles values (1, 'one'), (2, 'two')",
        "insert into wikiembed.document_failures (source, key, error_class)"
        " values ('articles', '1', 'internal_error')",
        "select wikiembed.report_outage('http://gpu', 5, 'no_answer', null, 'It is gone.')",
        "select wikiembed.pause('docs', 'a test', now() + interval '1 hour')",
    ):
        docs_table.execute(statement)
    korean = await shown(browser, "/?lang=ko")
    assert re.search(r">docs</a>\s+\w+ ?\(?", (await browser.get("/?lang=ko")).text)
    for words in ("이(가) 일시정지함 2", "까지 a test", "나누어지기를 기다리는 문서 1개",
                  "나눌 수 없는 문서 1개", "부터 http://gpu에 연결할 수 없습니다: It is gone.",
                  "청크가 없습니다"):  # fmt: skip
        assert words in korean
    english = await shown(browser, "/?lang=en")
    for words in ("documents that wait to be split: 1", "http://gpu is out of reach since 2",
                  "has no chunks", "a test"):  # fmt: skip
        assert words in english
    add(docs_table, "one")
    docs_table.execute("select wikiembed.skip('docs', array['1'], 'not wanted')")
    console.shared.forget()
    assert "1개를 모두 건너뛰어 임베딩된 것이 없습니다" in await shown(browser, "/?lang=ko")
    docs_table.execute("drop table public.docs")
    console.shared.forget()
    for path in ("/?lang=ko", "/source?name=docs&lang=ko"):
        assert "테이블이 삭제되었습니다" in await shown(browser, path)


async def test_doctor_and_advice_are_in_the_language_of_the_page(
    docs_table: Database, browser: Browser
) -> None:
    """What an alarm means and what fixes it, then the English sentence with its facts."""
    keys = add(docs_table, "one")
    fail(docs_table, read(docs_table, keys), error_class="timeout", message="No answer.")
    docs_table.execute("select wikiembed.pause('docs', 'a test')")
    page = await browser.send("/doctor?lang=ko", {})
    findings = page.text.split('<ul class="findings">')[1].split("</ul>")[0].split("<li ")[1:]
    assert len(findings) > 8
    for one in findings:
        first = one.split("</span>", 1)[1].split("<small")[0]
        assert re.search("[가-힣]", first), one
        assert 'lang="en"' in one
    assert "<code>wikiembed resume SOURCE</code>를 실행하세요. <small" in page.text
    assert "운영자나 워커가 소스를 일시정지했습니다." in page.text
    assert "올리거나 청크를 나누세요" in await shown(browser, "/source?name=docs&lang=ko")
    assert "or split the chunk" in await shown(browser, "/source?name=docs&lang=en")


def test_every_alarm_and_advice_has_its_korean() -> None:
    """And nothing is translated that is not said any more; code and links are the same."""
    said = [text for alarm in ALARMS for text in (alarm.meaning, alarm.fix)]
    said += [one.fix for one in ErrorClass]
    korean = sentences("ko")["sentences"]
    assert sorted(set(said) - set(korean)) == []
    assert sorted(set(korean) - set(said)) == []
    for english, other in korean.items():
        assert sorted(CODE.findall(english)) == sorted(CODE.findall(other)), english
        assert re.search("[가-힣]", other), english
    fine = {
        found[1]
        for file in (ROOT / "wikiembed/control/doctor").glob("*.py")
        for found in FINE.finditer(file.read_text())
    }
    assert {"recall", "workers"} <= fine
    assert sorted(fine - set(sentences("ko")["fine"])) == []


def fields_of(message: str) -> set[str]:
    """The names of a message's fields."""
    return {part.split("}")[0] for part in message.split("{")[1:]}


def test_languages_have_the_same_messages() -> None:
    """With the same fields in each; the singular is of English alone, and of messages there are."""
    first = catalogue(LANGUAGES[0])
    singular = {key for key in first if key.endswith("_one")}
    for key in singular:
        assert fields_of(first[key]) == fields_of(first[key.removesuffix("_one")]), key
    for language in LANGUAGES[1:]:
        other = catalogue(language)
        assert set(other) == set(first) - singular
        for key, text in other.items():
            assert fields_of(text) == fields_of(first[key]), key
    for name in OBSTACLES:
        for words in WORDS.values():
            assert words.has(f"obstacle.{name}")
            assert words.has(f"obstacle_says.{name}") or words.has(f"obstacle_count.{name}")
    assert set(OFFERED) <= set(OBSTACLES)


@pytest.mark.parametrize(
    ("language", "n", "said"),
    [
        ("en", 1, "Not ready: 1 of 3 databases is ready"),
        ("en", 0, "Not ready: 0 of 3 databases are ready"),
        ("en", 2, "Not ready: 2 of 3 databases are ready"),
        ("ko", 1, "준비되지 않음: 데이터베이스 3개 중 1개 준비 완료"),
    ],
)
def test_verb_follows_the_number(language: str, n: int, said: str) -> None:
    """In a language that has a singular."""
    assert WORDS[language]("databases.unready", n=n, all=3) == said


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("", "en"), ("ko", "ko"), ("fr, ko;q=0.3, en;q=0.2", "ko"), ("en, ko", "en"),
     ("ko;q=0", "en"), ("ko;q=x,en", "en"), ("*", "en"), ("KO-kr", "ko")],
)  # fmt: skip
def test_language_is_that_which_the_browser_prefers(accepted: str, language: str) -> None:
    """By quality, then by order."""
    assert preferred(accepted) == language
