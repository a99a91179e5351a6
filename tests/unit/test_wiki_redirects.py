"""Redirects are recognized by their text in all of MediaWiki's languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.wiki_files import page_xml, read_all, revision_xml, write_export
from wikiembed.wiki.redirect_words import REDIRECT_WORDS
from wikiembed.wiki.redirects import is_redirect


@pytest.mark.parametrize(
    "text",
    [
        "#넘겨주기 [[한강]]",
        "#redirect[[Bee]]",
        " \n# REDIRECT : [[Bee]] {{R from plural}}",
        "#पुनर्प्रेषित [[भारत]]",
        "#yönlendirme [[İstanbul]]",
        "#İSTİQAMƏTLƏNDİRMƏ [[Bakı]]",
        "＃転送 [[蜂]]",
        "#เปลี่ยนทาง [[ไทย]]",
        "#تغییر_مسیر [[ایران]]",
        "#PATRZ [[Kraków]]\n\n[[Kategoria:Miasta]]",
        "#tam [[Kazan]] ",
    ],
)
def test_redirects_of_many_languages_are_recognized(text: str) -> None:
    """In any case, with a colon or without."""
    assert is_redirect(text)


def test_every_word_of_the_list_is_recognized() -> None:
    """Also in the other case, where it has one."""
    assert len(REDIRECT_WORDS) == len({word.casefold() for word in REDIRECT_WORDS}) > 150
    assert [word for word in REDIRECT_WORDS if not is_redirect(f"#{word} [[A]]\n")] == []
    assert [word for word in REDIRECT_WORDS if not is_redirect(f"#{word.upper()}: [[A]]")] == []


@pytest.mark.parametrize(
    "text",
    [
        "# Stir [[butter]] and sugar.\n# Bake.",
        "#stir [[butter]] and sugar.",
        "#REDIRECT Bee",
        "REDIRECT [[Bee]]",
        "#redirecting [[Bee]]",
        "# [[Bee]]",
        "",
    ],
)
def test_other_texts_are_not_redirects(text: str) -> None:
    """A word that begins a list in another language is not a redirect."""
    assert not is_redirect(text)


def test_old_export_counts_redirects_of_its_language(tmp_path: Path) -> None:
    """Schema 0.3 has no element for them."""
    path = write_export(
        tmp_path / "x.xml",
        page_xml("한강", revision_xml("강이다."), ns=None),
        page_xml("漢江", revision_xml("#넘겨주기 [[한강]]"), ns=None),
        page_xml("Ποταμός", revision_xml("#ΑΝΑΚΑΤΕΥΘΥΝΣΗ [[한강]]"), ns=None),
    )
    pages, counts = read_all(path)
    assert (list(pages), counts.redirects) == (["한강"], 2)


@pytest.mark.parametrize("text", ["#", "#redirect", "#tam [[", "#tam [[a]]", ""])
@pytest.mark.parametrize("blank", [" ", "\n", "a"])
def test_long_runs_of_blanks_take_linear_time(text: str, blank: str) -> None:
    """Quadratic time, as with two adjacent repeats, would be a minute for each here."""
    is_one = (text, blank) == ("#tam [[a]]", "\n")
    assert is_redirect(text + blank * 200_000 + "x") == is_one
