"""Infoboxes: lines of names and values."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wikiembed.wiki.template_names import INFOBOXES
from wikiembed.wiki.templates import arguments_of, is_named_like, name_of

MAX_LINES = 60
MAX_VALUE_CHARS = 300
_NO_VALUE = re.compile(
    r"(?i)[^\[\]]+\.(?:jpe?g|png|svg|gif|webp|tiff?|ogg|oga|webm)|\d*px|#[0-9a-f]{3,6}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Infobox:
    """Its name, and its values by name, in wikitext with links."""

    name: str
    values: tuple[tuple[str, str], ...]


def is_infobox(inner: str) -> bool:
    """Whether ``{{inner}}`` is one, by its name."""
    return is_named_like(name_of(inner).lower(), INFOBOXES)


def infobox_of(inner: str) -> Infobox:
    """The infobox; values that are empty, files, sizes and colours are left out."""
    values = tuple(
        (name.replace("_", " "), value)
        for name, value in arguments_of(inner).items()
        if value and not name.isdigit() and not _NO_VALUE.fullmatch(value)
    )
    return Infobox(name=name_of(inner), values=values)
