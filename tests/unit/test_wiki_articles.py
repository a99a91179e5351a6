"""A wiki file becomes articles of plain text, and the sample is one such file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import wordllama

from tests.support import export
from tests.unit.wiki_files import page_xml, revision_xml, write_export
from wikiembed.documents import SplitOptions, split
from wikiembed.errors import InputError
from wikiembed.sample import sample_path
from wikiembed.wiki import Article, LoadCounts, read_articles

QUESTIONS = {
    "which planet has the largest rings": "Saturn",
    "who discovered penicillin": "Penicillin",
    "how do bees make honey": "Honey bee",
    "how is chocolate made from cocoa beans": "Chocolate",
    "when did the Berlin wall come down": "Fall of the Berlin Wall",
    "first people to walk on the moon": "Apollo 11",
    "how do plants turn sunlight into food": "Photosynthesis",
    "paper folding art from Japan": "Origami",
    "which river carries the most water": "Amazon River",
    "what causes the colours of a rainbow": "Rainbow",
    "who invented the telephone": "Telephone",
    "how does an octopus change its colour": "Octopus",
    "who arranged the chemical elements in a table": "Periodic table",
}


def articles_of(path: Path) -> tuple[list[Article], LoadCounts]:
    """Return all articles of `path`, and the counts."""
    counts = LoadCounts()
    return list(read_articles(path, counts)), counts


def chunks_of(article: Article) -> list[str]:
    """The chunks that a worker makes of `article`, without their context."""
    pieces = split(article.content, options=SplitOptions())
    return [article.content[piece.start : piece.end] for piece in pieces]


def test_articles_of_both_formats_are_alike(tmp_path: Path) -> None:
    """The same plain text gives the same article from XML and from a JSON line."""
    xml = write_export(tmp_path / "x.xml", page_xml("A  b", revision_xml("Some text.")))
    lines = tmp_path / "x.jsonl"
    lines.write_text(json.dumps({"title": "A b", "text": "Some text."}))

    assert articles_of(xml) == articles_of(lines)
    assert articles_of(xml)[0] == [Article(title="A b", content="Some text.")]


def test_articles_keep_headings_of_both_formats(tmp_path: Path) -> None:
    """A JSON line may have them as MediaWiki's plain text does, and they are rendered like that."""
    text = "Lead.\n\n== A ==\n\n=== B ===\n\nText."
    xml = write_export(tmp_path / "x.xml", page_xml("T", revision_xml(text)))
    lines = tmp_path / "x.jsonl"
    lines.write_text(json.dumps({"title": "T", "text": text}))

    assert articles_of(xml)[0] == articles_of(lines)[0] == [Article(title="T", content=text)]
    pieces = split(text, options=SplitOptions())
    assert [piece.heading for piece in pieces] == ["", "A / B"]


def test_articles_without_text_are_counted_as_empty(tmp_path: Path) -> None:
    """Pages with nothing but markup give no article, and the counts add up to the pages."""
    path = write_export(
        tmp_path / "x.xml",
        page_xml("A", revision_xml("{{Infobox|a=b}}")),
        page_xml("B", revision_xml("text")),
        page_xml("C", revision_xml("#REDIRECT [[B]]")),
        page_xml("Talk:D", revision_xml("text"), ns="1"),
    )

    assert articles_of(path)[1] == LoadCounts(
        pages=4, articles=1, redirects=1, other_namespaces=1, empty=1
    )


def test_articles_before_a_wrong_line_are_yielded(tmp_path: Path) -> None:
    """What precedes the error is not lost."""
    path = tmp_path / "x.jsonl"
    path.write_text('{"title": "A", "text": "one"}\n{}\n')
    articles = read_articles(path, LoadCounts())

    assert next(articles).title == "A"
    with pytest.raises(InputError, match=r"x\.jsonl, line 2: "):
        next(articles)


@pytest.mark.skipif(export.missing() is not None, reason=str(export.missing()))
def test_articles_of_a_real_export_are_plain_text() -> None:
    """The export gives clean texts whose chunks are of sensible length."""
    articles, counts = articles_of(export.EXPORT)

    chunks = [chunk for article in articles for chunk in chunks_of(article)]
    assert counts.articles == len(articles) > 0
    assert counts.pages == (
        counts.articles
        + counts.redirects
        + counts.other_namespaces
        + counts.other_models
        + counts.empty
    )
    assert max(map(len, chunks)) <= SplitOptions().max_chars
    assert sum(map(len, chunks)) / len(chunks) > 500
    marks = re.compile(r"\[\[|\]\]|\{\{|\}\}|^\{\||''|<ref|</|&nbsp;|__[A-Z]+__|\( ?[;,]", re.M)
    # A formula keeps its source, in which braces may be adjacent.
    braces = re.compile(r"\{\{|\}\}")
    lines = [line for chunk in chunks for line in chunk.splitlines()]
    lines = [braces.sub("", line) if "\\" in line else line for line in lines]
    assert [line for line in lines if marks.search(line)] == []


def test_sample_holds_sixty_short_articles() -> None:
    """Each has a title of its own and 120 to 220 words in two or three paragraphs."""
    lines = sample_path().read_text(encoding="utf-8").splitlines()
    texts = {value["title"]: value["text"] for value in map(json.loads, lines)}

    assert len(texts) == len(lines) == 60
    assert [title for title, text in texts.items() if not 120 <= len(text.split()) <= 220] == []
    assert {text.count("\n\n") for text in texts.values()} <= {1, 2}


def test_sample_answers_questions_with_the_right_article() -> None:
    """The embedded model ranks the article that answers each question first."""
    articles, _ = articles_of(sample_path())
    pairs = [
        (article.title, f"{article.title}\n\n{chunk}")
        for article in articles
        for chunk in chunks_of(article)
    ]
    model = wordllama.WordLlama.load(
        cache_dir=Path(wordllama.__file__).parent, disable_download=True
    )

    def embed(texts: list[str]) -> np.ndarray:
        vectors = np.asarray(model.embed(texts), dtype=np.float32)
        unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    best = (embed(list(QUESTIONS)) @ embed([chunk for _, chunk in pairs]).T).argmax(axis=1)

    assert [pairs[index][0] for index in best] == list(QUESTIONS.values())
