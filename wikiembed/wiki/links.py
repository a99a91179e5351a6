"""Links within a page: to articles, to files and categories, and between variants of a script."""

from __future__ import annotations

import re

from wikiembed.wiki.localisation import (
    CATEGORY_PREFIXES,
    FILE_PREFIXES,
    IMAGE_KEYS,
    IMAGE_OPTIONS,
    PIXELS,
)

CAPTION, CAPTION_END = "\x02", "\x03"
"""Markers around a caption, which becomes a line of its own after the paragraph."""
_LINK = re.compile(r"\[\[[^\[\]]*+\]\]")
_INTERLANGUAGE = re.compile(r"(?!mw:)(?:[a-z]{2,3}(?:-[a-z]++)*+|simple):")
_HAS_EXTENSION = re.compile(r"\.[A-Za-z0-9]{2,5}\s*+$")
_SIZE = re.compile(r"\s*+\d*+(?:\s*+x\s*+\d++)?\s*+(\D*)")
_OPTION = re.compile(r"([^=\s]++)(?:\s*+=|\s++[\d.]++$|[\d.]++$)")
_VARIANTS = {
    "zh": ("zh-hans", "zh-cn", "zh", "zh-hant", "zh-tw", "zh-hk"),
    "zh-hant": ("zh-hant", "zh-tw", "zh-hk", "zh", "zh-hans", "zh-cn"),
    "zh-tw": ("zh-tw", "zh-hant", "zh-hk", "zh", "zh-hans", "zh-cn"),
    "zh-hk": ("zh-hk", "zh-hant", "zh-tw", "zh", "zh-hans", "zh-cn"),
    "sr": ("sr-ec", "sr", "sr-cyrl", "sr-el", "sr-latn"),
}
"""Variants in order of preference, by the wiki's language."""
_HIDDEN_FLAGS = frozenset("THDN-")


def link(inner: str, hidden: frozenset[str]) -> str:
    """The text of ``[[inner]]``: a link, the caption of a file, or nothing.

    `hidden`: the wiki's own prefixes, in lower case, of files and categories.
    """
    target = inner.lstrip()
    if target.startswith(":"):
        return f"[[{target[1:]}]]"
    prefix, colon, _ = target.partition(":")
    name = prefix.strip().replace("_", " ").lower()
    if colon and (name in CATEGORY_PREFIXES or name in FILE_PREFIXES or name in hidden):
        return caption_of(target)
    return "" if _INTERLANGUAGE.match(target) else f"[[{inner}]]"


def caption_of(image: str) -> str:
    """The caption in ``File:x.jpg|thumb|200px|caption``, between its markers; empty without one."""
    sheltered = _LINK.sub(lambda found: found[0].replace("|", "\0"), image)
    name, *options = sheltered.split("|")
    if not options or not _HAS_EXTENSION.search(name) or _is_option(options[-1]):
        return ""
    caption = " ".join(options[-1].replace("\0", "|").replace(CAPTION, "").split())
    return f"{CAPTION}{caption.replace(CAPTION_END, '')}{CAPTION_END}" if caption else ""


def _is_option(text: str) -> bool:
    word = text.strip().lower()
    if word in IMAGE_OPTIONS:
        return True
    size = _SIZE.fullmatch(word)
    if size is not None and word[:1].isdigit() and size[1].strip() in PIXELS:
        return True
    named = _OPTION.match(word)
    return named is not None and named[1].strip("_") in IMAGE_KEYS


def variant(inner: str, language: str) -> str:
    """The text of ``-{inner}-``: of ``zh-hans:a;zh-hant:b`` the wiki's language, else itself."""
    flags, bar, rest = inner.rpartition("|")
    if bar and len(flags) <= 20:
        if _HIDDEN_FLAGS & set(flags.upper()) and "[[" not in flags:
            return ""
        inner = rest if "[[" not in flags else inner
    choices: dict[str, str] = {}
    for choice in inner.split(";"):
        code, colon, text = choice.partition(":")
        if not colon or not code.strip().replace("-", "").isalpha():
            continue
        choices[code.strip().lower()] = text.strip()
    if not choices:
        return inner
    wanted = _VARIANTS.get(language.lower(), _VARIANTS.get(language.partition("-")[0].lower(), ()))
    return next((choices[code] for code in wanted if code in choices), next(iter(choices.values())))
