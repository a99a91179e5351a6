"""The documentation site builds strictly, has every page, and fetches nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.tools.docs.pages import ROOT

TIMEOUT_S = 120
LOADED = re.compile(r"<(?:script|img|iframe)\b[^>]*\bsrc=\"(https?:[^\"]*)\"")
STYLED = re.compile(r"<link\b[^>]*\brel=\"(?:stylesheet|preconnect|icon)\"[^>]*>")


def _lay_out(folder: Path) -> None:
    subprocess.run(
        [sys.executable, ROOT / "scripts" / "site.py", folder], check=True, timeout=TIMEOUT_S
    )


def _build(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("zensical"), "build", "--clean", "--strict"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
        timeout=TIMEOUT_S,
    )


@pytest.fixture
def laid_out(tmp_path: Path) -> Path:
    """The site's sources."""
    _lay_out(tmp_path)
    return tmp_path


def test_site_builds_without_a_warning_and_fetches_nothing(laid_out: Path) -> None:
    """Every page is there; no script, style, font or picture comes from another host."""
    built = _build(laid_out)
    assert built.returncode == 0, built.stdout + built.stderr
    pages = list((laid_out / "site").rglob("index.html"))
    assert len(pages) == len(list((laid_out / "docs").rglob("*.md")))
    for page in pages:
        text = page.read_text()
        assert LOADED.findall(text) == [], page
        assert [tag for tag in STYLED.findall(text) if "http" in tag] == [], page
    for style in (laid_out / "site").rglob("*.css"):
        assert "url(http" not in style.read_text(), style


@pytest.mark.parametrize(
    ("link", "output"),
    [("nowhere.md", "page does not exist"), ("tutorial.md#nowhere", "anchor does not exist")],
)
def test_broken_link_fails_the_build(laid_out: Path, link: str, output: str) -> None:
    """A missing page, and a missing heading."""
    page = laid_out / "docs" / "index.md"
    page.write_text(page.read_text() + f"\n[A link]({link})\n")
    built = _build(laid_out)
    assert built.returncode != 0
    assert output in built.stdout + built.stderr


def test_menu_leads_to_every_page(laid_out: Path) -> None:
    """A page in no menu would never be found."""
    config = tomllib.loads((laid_out / "zensical.toml").read_text())
    listed = [
        page
        for part in config["project"]["nav"]
        for pages in part.values()
        for entry in pages
        for page in entry.values()
    ]
    there = {p.relative_to(laid_out / "docs").as_posix() for p in laid_out.rglob("*.md")}
    assert len(listed) == len(set(listed))
    assert set(listed) == there
