"""The table of error classes in docs/reference/failures.md, from `ErrorClass`."""

from __future__ import annotations

from tests.tools.docs.markdown import code, table
from tests.tools.docs.pages import REFERENCE
from wikiembed.error_class import ErrorClass

BEGIN = "<!-- error classes: begin, from wikiembed/error_class.py -->"
END = "<!-- error classes: end -->"


def failures_page() -> str:
    """The page as it is, with its table as `ErrorClass` has it."""
    head, begin, rest = (REFERENCE / "failures.md").read_text().partition(BEGIN)
    _, end, tail = rest.partition(END)
    assert begin, f"failures.md has no {BEGIN}"
    assert end, f"failures.md has no {END}"
    rows = table(
        ["error_class", "state", "meaning", "what to do"],
        ([code(word), word.state, word.meaning, word.fix] for word in ErrorClass),
    )
    return "\n".join([head + begin, "", *rows, end + tail])
