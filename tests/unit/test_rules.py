"""Each of the design's twenty rules has tests that are named after it."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent.parent


def test_every_rule_has_tests_of_its_name() -> None:
    """A file or a function says ``rule_NN``; no number is made up."""
    named: set[int] = set()
    for file in TESTS.rglob("test_*.py"):
        words = f"{file.name}\n" + "\n".join(
            line for line in file.read_text().splitlines() if "def test_" in line
        )
        named |= {int(number) for number in re.findall(r"rule_(\d\d)", words)}
    assert named == set(range(1, 21))
