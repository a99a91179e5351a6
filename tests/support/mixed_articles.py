"""Deterministic articles in English, Korean and German that look like real ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "ko", "de"]
LANGUAGES: tuple[Language, ...] = ("en", "ko", "de")
MAX_CHARS = 30_000
"""Of a body."""


@dataclass(frozen=True, slots=True)
class Words:
    """The parts of one language: sentences have the slots `place`, `year` and `n`."""

    subjects: tuple[str, ...]
    places: tuple[str, ...]
    headings: tuple[str, ...]
    sentences: tuple[str, ...]
    columns: tuple[str, str, str]
    single: str


@dataclass(frozen=True, slots=True)
class Planted:
    """A section that only one article has, and a question that it answers."""

    language: Language
    heading: str
    passage: str
    question: str


@dataclass(frozen=True, slots=True)
class Article:
    """A row of the table; `id` is unique within `tenant` only."""

    tenant: int
    id: int
    language: Language
    title: str
    body: str


WORDS: dict[Language, Words] = {
    "en": Words(
        subjects=("The harbour", "The railway", "The town hall", "The grammar school", "The mill"),
        places=("Ashford", "Bramley", "Corwen", "Dunmore", "Eastleigh", "Fairwater", "Glenrock"),
        headings=("History", "Geography", "Economy", "Architecture", "Later years", "See also"),
        sentences=(
            "It was opened in {year} and stood at the northern edge of {place}.",
            "A fire in {year} destroyed the roof; the walls, however, survived.",
            "About {n} people worked there before the war, most of them from {place}.",
            "The council of {place} bought the site for {n} pounds and had it repaired.",
            "Dr. Hughes, who surveyed it in {year}, found {n} carved stones in the cellar.",
            "Since {year} the building has been protected, and visitors come from {place}.",
            "The road to {place} was widened, which brought more traffic than was expected.",
            "In winter the river rises by {n} centimetres, and the lower rooms are closed.",
        ),
        columns=("Year", "Visitors", "Place"),
        single="Redirect",
    ),
    "ko": Words(
        subjects=("항구", "철도역", "시청", "향교", "물레방아"),
        places=("수원", "강릉", "전주", "통영", "안동", "여수", "춘천"),
        headings=("역사", "지리", "경제", "건축", "이후의 변화", "같이 보기"),
        sentences=(
            "{year}년에 문을 열었으며 {place}의 북쪽 끝에 자리 잡고 있었다.",
            "{year}년의 화재로 지붕이 무너졌으나 벽은 그대로 남았다.",
            "전쟁 전에는 약 {n}명이 이곳에서 일했고 대부분 {place} 출신이었다.",
            "{place} 시의회는 이 땅을 {n}만 원에 사들여 건물을 고쳤다.",
            "{year}년에 조사한 김 박사는 지하에서 새김돌 {n}개를 발견하였다.",
            "{year}년부터 문화재로 보호되며 {place}에서도 방문객이 찾아온다.",
            "{place}로 가는 길이 넓어지면서 예상보다 많은 차가 다니게 되었다.",
            "겨울에는 강물이 {n}센티미터 높아져 아래층의 방을 닫는다.",
        ),
        columns=("연도", "방문객", "장소"),
        single="넘겨주기",
    ),
    "de": Words(
        subjects=("Der Hafen", "Der Bahnhof", "Das Rathaus", "Das Gymnasium", "Die Mühle"),
        places=("Aalen", "Bückeburg", "Coburg", "Döbeln", "Eßlingen", "Füssen", "Görlitz"),
        headings=("Geschichte", "Lage", "Wirtschaft", "Architektur", "Spätere Jahre", "Literatur"),
        sentences=(
            "Das Gebäude wurde {year} eröffnet und stand am nördlichen Rand von {place}.",
            "Ein Brand zerstörte {year} das Dach; die Mauern blieben jedoch erhalten.",
            "Vor dem Krieg arbeiteten dort etwa {n} Menschen, die meisten aus {place}.",
            "Der Stadtrat von {place} kaufte das Gelände für {n} Mark und ließ es ausbessern.",
            "Dr. Höfer, der es {year} vermaß, fand im Keller {n} behauene Steine.",
            "Seit {year} steht es unter Denkmalschutz, und Besucher kommen aus {place}.",
            "Die Straße nach {place} wurde verbreitert, was mehr Verkehr brachte als erwartet.",
            "Im Winter steigt der Fluss um {n} Zentimeter, und die unteren Räume sind gesperrt.",
        ),
        columns=("Jahr", "Besucher", "Ort"),
        single="Weiterleitung",
    ),
}
PLANTED = (
    Planted(
        "en",
        "Honey bee",
        "Honey bees show each other by a dance where flowers are. The angle of the waggle dance"
        " gives the direction of the nectar, and its length the distance.",
        "how do honey bees show the direction of flowers",
    ),
    Planted(
        "en",
        "Lithium battery",
        "A lithium battery loses capacity because the electrolyte reacts with the electrode."
        " Heat makes this reaction faster, and so does charging to the full voltage.",
        "why does a lithium battery lose capacity",
    ),
    Planted(
        "ko",
        "김치",
        "김치는 소금에 절인 배추에 고춧가루와 마늘을 넣어 발효시킨 음식이다."
        " 김치의 신맛은 젖산균이 자라면서 생긴다.",
        "김치는 절인 배추에 마늘을 넣은 음식인데 김치의 신맛은 왜 생기는가",
    ),
    Planted(
        "ko",
        "고래",
        "고래는 물속에 살지만 허파로 숨을 쉬는 포유류이다. 고래의 새끼는 젖을 먹고 자란다.",
        "고래는 물속에 살지만 허파로 숨을 쉬는가, 고래의 새끼는 젖을 먹는가",
    ),
    Planted(
        "de",
        "Sauerteig",
        "Der Sauerteig geht durch wilde Hefen und Milchsäurebakterien auf. Der Bäcker füttert"
        " den Sauerteig täglich mit Mehl und Wasser.",
        "wodurch geht Sauerteig auf",
    ),
    Planted(
        "de",
        "Igel",
        "Der Igel hält von November bis März Winterschlaf. Das Herz des Igels schlägt dann nur"
        " noch fünfmal in der Minute.",
        "wie oft schlägt das Herz des Igels im Winterschlaf",
    ),
)


def make_articles(n: int, *, tenants: int, seed: int = 14) -> list[Article]:
    """The same `n` articles for each seed, in turn for each language and each tenant.

    The first bodies are of one word and of 30,000 characters; most of the others are short. Each
    passage of `PLANTED` is a section in the middle of an article of 5,000 characters.
    """
    chosen = random.Random(seed)
    hidden = {LANGUAGES.index(p.language) + 3 * (20 + at): p for at, p in enumerate(PLANTED)}
    return [_article(at, tenants, chosen, hidden.get(at)) for at in range(n)]


def _article(at: int, tenants: int, chosen: random.Random, planted: Planted | None) -> Article:
    language = LANGUAGES[at % len(LANGUAGES)]
    words = WORDS[language]
    size = int(10 ** chosen.uniform(1.3, 3.2))
    if planted is not None:
        size = 5_000
    elif at < 2 * len(LANGUAGES):
        size = 0 if at < len(LANGUAGES) else MAX_CHARS
    title = f"{chosen.choice(words.subjects)} ({chosen.choice(words.places)}, {at})"
    body = words.single if size == 0 else _body(words, size, chosen, planted)
    return Article(at % tenants + 1, at // tenants + 1, language, title, body)


def _body(words: Words, size: int, chosen: random.Random, planted: Planted | None) -> str:
    """Markdown of at most `size` characters, but of one sentence at least."""
    parts = [_sentence(words, chosen)]
    length = len(parts[0])
    for part in _parts(words, chosen):
        if planted is not None and length > size // 2:
            part = (
                f"## {planted.heading}\n\n{planted.passage}\n\n## {chosen.choice(words.headings)}"
            )
            planted = None
        if length + len(part) + 2 > size:
            break
        parts.append(part)
        length += len(part) + 2
    return "\n\n".join(parts)


def _parts(words: Words, chosen: random.Random) -> Iterator[str]:
    """Endless paragraphs, headings, lists and tables."""
    while True:
        yield "## " + chosen.choice(words.headings)
        for _ in range(chosen.randint(1, 4)):
            yield " ".join(_sentence(words, chosen) for _ in range(chosen.randint(2, 6)))
        if chosen.random() < 0.3:
            yield "\n".join("- " + _sentence(words, chosen) for _ in range(chosen.randint(2, 5)))
        if chosen.random() < 0.2:
            yield _table(words, chosen)


def _table(words: Words, chosen: random.Random) -> str:
    rows = [" | ".join(words.columns), "---|---|---"]
    for _ in range(chosen.randint(2, 6)):
        place, visitors = chosen.choice(words.places), chosen.randint(10, 9_999)
        rows.append(f"{chosen.randint(1800, 2020)} | {visitors} | {place}")
    return "\n".join(f"| {row} |" for row in rows)


def _sentence(words: Words, chosen: random.Random) -> str:
    return chosen.choice(words.sentences).format(
        place=chosen.choice(words.places), year=chosen.randint(1800, 2020), n=chosen.randint(2, 900)
    )
