"""An operator's rules for templates, and the report on templates that gave nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from wikiembed.errors import InputError
from wikiembed.wiki import LoadCounts, RawPage, Rendering, read_rules
from wikiembed.wiki.markup import MAX_NAMES
from wikiembed.wiki.plain import to_sections

RULES = """
[templates]
"Hydro_data" = "{length} km long[?, {2|1} wide]"
"nowrap" = ""
"founded" = "@date"
"""


def rules_file(folder: Path, text: str) -> Path:
    """A file that holds `text`."""
    path = folder / "rules.toml"
    path.write_text(text)
    return path


def text_of(wikitext: str, rendering: Rendering, silent: Counter[str] | None = None) -> str:
    """The text of a page without headings."""
    page = RawPage(title="T", wikitext=wikitext, hidden_prefixes=frozenset())
    return "".join(section.text for section in to_sections(page, rendering, silent))


def test_rules_precede_the_builtin_ones(tmp_path: Path) -> None:
    """By name in any case; they also apply on a separate line, and may print nothing."""
    rendering = Rendering(templates=read_rules(rules_file(tmp_path, RULES)))
    wikitext = (
        "{{hydro data|length=3|1 m}}\n{{Hydro data|length=4}},"
        " a {{nowrap|b}} c {{founded|1950|5|3}}"
    )
    assert text_of(wikitext, rendering) == "3 km long, 1 m wide\n4 km long, a c 1950-05-03"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[templates\n", "not TOML: .*line 1"),
        ("[rules]\n", "has no use for 'rules'"),
        ("", r"has no table \[templates\]"),
        ("templates = 1\n", r"has no table \[templates\]"),
        ("[templates]\na = 1\n", "what template 'a' shows must be a text"),
        ('[templates]\na = "{1"\n', "template 'a' has a brace"),
        ('[templates]\na = "@dat"\n', "'@dat', which is none of @as of, @convert"),
    ],
)
def test_invalid_rules_name_the_line_or_key(tmp_path: Path, text: str, said: str) -> None:
    """In one sentence, with the file."""
    with pytest.raises(InputError, match=said) as caught:
        read_rules(rules_file(tmp_path, text))
    assert str(caught.value).startswith(f"{tmp_path}/rules.toml: ")


def test_rules_of_a_missing_file_are_refused(tmp_path: Path) -> None:
    """The file may also not be text."""
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_rules(tmp_path / "none.toml")
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(InputError, match="not UTF-8"):
        read_rules(path)


def test_templates_that_gave_nothing_are_counted() -> None:
    """Unknown templates that printed nothing, by name; source templates are silent on purpose."""
    silent = LoadCounts().silent_templates
    wikitext = "{{map_of towns}}\n{{Map of towns|a}}\na {{seen|b}} c{{cite web|x}}\n{{lonely}}"
    assert text_of(wikitext, Rendering(), silent) == "a b c"
    assert silent == {"map of towns": 1, "Map of towns": 1, "lonely": 1}
    text_of("\n".join(f"{{{{t{n}}}}}" for n in range(MAX_NAMES + 9)), Rendering(), silent)
    assert len(silent) == MAX_NAMES
