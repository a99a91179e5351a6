"""Infoboxes: their names in several languages, and the values in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from wikiembed.wiki.templates import arguments_of, name_of

MAX_LINES = 60
MAX_VALUE_CHARS = 300
_NAMES = (
    *("infobox*", "*infobox", "taxobox*", "automatic taxobox*", "speciesbox*", "정보상자*"),
    *("* 정보", "* 정보상자", "ficha de *", "info/*", "基礎情報*", "* bilgi kutusu", "infoboks*"),
    *("infotaula*", "infoboxe*", "карточка*", "信息框*", "* (tietolaatikko)", "kotak info*"),
    *("hộp thông tin*", "صندوق معلومات*", "جعبه اطلاعات*", "กล่องข้อมูล*", "faktamall*"),
)
"""With * for any rest. Source: names on the Wikipedias of these languages."""
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
    return _is_infobox(name_of(inner).lower())


@lru_cache(maxsize=4096)
def _is_infobox(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in _NAMES)


def infobox_of(inner: str) -> Infobox:
    """The infobox; values that are empty, files, sizes and colours are left out."""
    values = tuple(
        (name.replace("_", " "), value)
        for name, value in arguments_of(inner).items()
        if value and not name.isdigit() and not _NO_VALUE.fullmatch(value)
    )
    return Infobox(name=name_of(inner), values=values)
