"""The files that pages load are those that THIRD-PARTY.md names."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import wikiembed.web
from wikiembed.web.http import Static

FOLDER = Path(wikiembed.web.__file__).parent / "static"
OURS = {"console.css", "console.js", "icon.svg"}


def test_files_of_others_have_their_version_licence_and_checksum() -> None:
    """Each file that is not ours is in the table, unchanged."""
    rows = re.findall(
        r"\| `([^`]+)` \| [^|]+ \| (\d+\.\d+\.\d+) \| (0BSD|MIT) \| `([0-9a-f]{64})` \|",
        (FOLDER / "THIRD-PARTY.md").read_text(),
    )
    listed = {name: checksum for name, _, _, checksum in rows}
    assert set(listed) | OURS == set(Static().names)
    for name, checksum in listed.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == checksum


def test_files_of_ours_load_nothing_from_elsewhere() -> None:
    """No address but the namespace of SVG."""
    for name in OURS:
        text = (FOLDER / name).read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text
        assert "url(" not in text
        assert "eval(" not in text
