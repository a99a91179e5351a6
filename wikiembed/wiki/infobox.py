"""Infoboxes: lines of names and values."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wikiembed.wiki.template_names import INFOBOXES
from wikiembed.wiki.templates import Arguments, arguments_of, is_named_like, name_of

MAX_LINES = 60
MAX_VALUE_CHARS = 300
_NO_VALUE = re.compile(
    r"(?i)[^\[\]]+\.(?:jpe?g|png|svg|gif|webp|tiff?|ogg|oga|webm)|\d*px|#[0-9a-f]{3,6}"
)
# In a box with labels: names of the labels, of headings and of styles, which are not values.
_NO_NAME = re.compile(r"\d+|(?:label|header|rowclass|class|rowcellclass)\d*+|\w*style\d*+")
_DATA = re.compile(r"data(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Infobox:
    """An infobox's name, and its values by name, in wikitext with links."""

    name: str
    values: tuple[tuple[str, str], ...]


def is_infobox(inner: str) -> bool:
    """Whether ``{{inner}}`` is an infobox, by its name."""
    return is_named_like(name_of(inner).lower(), INFOBOXES)


def infobox_of(inner: str) -> Infobox:
    """The infobox; values that are empty, files, sizes and colours are left out.

    ``label2`` and ``data2`` are a name and its value; data without a label has no name.
    """
    arguments = arguments_of(inner)
    values = tuple(
        (_name_of(name, arguments), value)
        for name, value in arguments.items()
        if value and not _NO_NAME.fullmatch(name) and not _NO_VALUE.fullmatch(value)
    )
    return Infobox(name=name_of(inner), values=values)


def _name_of(name: str, arguments: Arguments) -> str:
    if (data := _DATA.fullmatch(name)) is not None:
        return arguments.get(f"label{data[1]}", "")
    return name.replace("_", " ")
