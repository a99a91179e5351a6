"""The version of the splitter stands for where it cuts."""

from __future__ import annotations

import hashlib
import json
import random

from tests.support.texts import SPLITTERS, prose
from wikiembed.documents import SPLITTER_VERSION, SplitOptions, split
from wikiembed.sample import sample_path

CUTS = {1: "769dc0776d8f915b3b94a7bbdfd910d1d43bed97781ece95a26a31aad7be5628"}
"""Digest of the pieces that each version gives of the same texts."""
OPTIONS = [
    *(SplitOptions(splitter=one) for one in SPLITTERS),
    *(SplitOptions(splitter=one, max_chars=200, overlap_chars=40) for one in SPLITTERS),
]
BLOCKS = (
    "# A\n\n| n | cell |\n|---|---|\n| 1 | Yes. |\n\n- One. Two.\n- Three.\n\n```\nx = 1\n```\n"
)


def texts() -> list[str]:
    """Articles of the packaged sample, prose, and what corner cases are made of."""
    lines = sample_path().read_text().splitlines()
    articles = [json.loads(line)["text"] for line in lines]
    words = [prose(random.Random(seed), 30) for seed in range(4)]
    corners = [
        *("word " * 2_000, "x" * 5_000, "그는 걸어갔다. " * 300, "河は北へ流れて海に注ぐ。" * 200),
        *(BLOCKS * 40, f"---\ntitle: x\n---\n\n{words[0]}", words[1].replace("\n\n", "\r\n\r\n")),
        *("👨\u200d👩\u200d👧e\u0301 " * 500, words[2].replace(" ", "\u3000"), "a.\n" * 900),
    ]
    return [*articles, *words, *corners]


def test_other_cuts_need_another_version() -> None:
    """Where pieces change, raise SPLITTER_VERSION and splitter_version(), and add its digest."""
    found = hashlib.sha256()
    for options in OPTIONS:
        for text in texts():
            pieces = split(text, options=options)
            found.update(json.dumps([(one.start, one.end, one.heading) for one in pieces]).encode())
    assert CUTS[SPLITTER_VERSION] == found.hexdigest()
