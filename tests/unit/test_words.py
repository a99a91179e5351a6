"""Numbers of things, truncated lists, and no plural that is written out beside a number."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from wikiembed import words
from wikiembed.words import by_class, count, listed, printable, verb

NOUNS = re.compile(
    r"^ (?:\w+ )?(?:batches|chunks|failures|jobs|pages|redirects|rows|sources|texts|vectors"
    r"|workers)\b(?!/)"
)


def test_count_uses_the_singular_for_one() -> None:
    """And an irregular plural where the noun has one."""
    assert [count(n, "job") for n in (0, 1, 2, 1000)] == ["0 jobs", "1 job", "2 jobs", "1,000 jobs"]
    assert count(2, "batch", "batches") == "2 batches"
    assert (verb(1), verb(2), verb(1, "was", "were")) == ("is", "are", "was")


def test_lists_are_bounded() -> None:
    """One more than the bound is shown, since `and 1 more` would be as long."""
    assert listed("abc", most=2, noun="source") == "a; b; c"
    assert listed("abcd", most=2, noun="source") == "a; b; and 2 more sources"
    assert by_class({"timeout": 3, "rejected": 20, "refused": 3}) == (
        "20 rejected, 3 refused, 3 timeout"
    )


def test_printable_is_one_line_without_escapes() -> None:
    """A key may hold anything."""
    assert printable("한강\n\x1b[31m") == "한강??[31m"


def plurals(tree: ast.AST) -> list[str]:
    """Texts of f-strings in which a plural follows a number that may be one."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            for before, after in zip(node.values, node.values[1:], strict=False):
                if isinstance(before, ast.FormattedValue) and isinstance(after, ast.Constant):
                    is_number = before.format_spec is not None or isinstance(before.value, ast.Call)
                    if is_number and NOUNS.search(str(after.value)):
                        found.append(ast.unparse(before.value) + str(after.value))
    return found


def test_no_plural_stands_beside_a_number() -> None:
    """`count` is the one helper. Ten thousand vectors and more need none."""
    found = [
        one
        for path in sorted(Path(words.__file__).parent.rglob("*.py"))
        for one in plurals(ast.parse(path.read_text()))
    ]
    assert [one for one in found if "target.embedded" not in one] == []
    assert plurals(ast.parse('f"{n:,} dead jobs"')) == ["n dead jobs"]
