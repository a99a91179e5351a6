"""The text that a template shows within its sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from types import MappingProxyType

from wikiembed.wiki.localisation import FORMAT_NUMBER, PAGE_NAME
from wikiembed.wiki.template_names import HIDDEN, SHOWN

_LINK = re.compile(r"\[\[[^\[\]]*+\]\]")
_NAMED = re.compile(r"\s*+((?:[^\W_][\w .'-]*+)|\d++)\s*+=")
_RANGES = {"-", "\u2013", "to", "and", "or", "by", "x", "\u00d7", "+/-", "±"}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]{2,8})*")
_NO_WORDS = re.compile(r"https?://|[{}<>\n\0]")
_STYLE = re.compile(r"[a-z-]++:\s?[^\s/]|\(\)")
# French names that show themselves: {{2e}}, {{XIXe siècle}}.
_ORDINAL = re.compile(r"(?:\d{1,3}e|\d{1,3}es|[ivxlc]{1,8}er? siècle(?: av\. j\.-c\.)?)")
MAX_VALUE_CHARS = 80
MAX_SHOWN_CHARS = 160
"""Longer values of an unknown template are not part of a sentence."""

Arguments = dict[str, str]


def expand_template(
    inner: str, *, title: str, is_inline: bool, rules: Mapping[str, str] = MappingProxyType({})
) -> str | None:
    """The text of ``{{inner}}``: empty for most templates; None for an unknown one.

    `is_inline`: it is within a line of text, so that an unknown one shows its values.
    `rules`: patterns by name, which override the known ones.
    """
    head = inner.partition("|")[0]
    name = name_of(inner).lower()
    pattern = rules.get(name)
    function, colon, argument = head.partition(":")
    if (
        pattern is None
        and colon
        and (shown := _call(function.strip().lower(), argument.strip())) is not None
    ):
        return shown
    if pattern is not None:
        return _show(pattern, arguments_of(inner))
    if name.removesuffix("e") in PAGE_NAME or name in PAGE_NAME or name == "fullpagename":
        return title
    if name in _SIGNS:
        return _SIGNS[name]
    arguments = arguments_of(inner)
    if (pattern := SHOWN.get(name)) is not None:
        return _show(pattern, arguments)
    if _ORDINAL.fullmatch(name):
        return name_of(inner)
    if name.startswith("lang-"):
        return _fill("{1|text}", arguments)
    if is_named_like(name, HIDDEN):
        return ""
    return _values(arguments) if is_inline else None


def name_of(inner: str) -> str:
    """The name of ``{{inner}}``, with single blanks."""
    return " ".join(inner.partition("|")[0].replace("_", " ").split())


def _show(pattern: str, arguments: Arguments) -> str:
    return COMPUTED[pattern](arguments) if pattern in COMPUTED else _fill(pattern, arguments)


@lru_cache(maxsize=8192)
def is_named_like(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name, in lower case, matches one of `patterns`; * matches any part."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


# Entities are decoded last, so that these signs do not become markup.
_SIGNS = {
    "!": "&#124;",
    "pipe": "&#124;",
    "=": "=",
    "'": "&#39;",
    "apostrophe": "&#39;",
    "'s": "&#39;s",
}


def _call(function: str, argument: str) -> str | None:
    """The result of a parser function that depends only on its argument."""
    if function in FORMAT_NUMBER:
        return argument
    if function in _CASES:
        return _CASES[function](argument)
    return "" if function.startswith("#") else None


_CASES: dict[str, Callable[[str], str]] = {
    "lc": str.lower,
    "uc": str.upper,
    "ucfirst": lambda text: text[:1].upper() + text[1:],
    "lcfirst": lambda text: text[:1].lower() + text[1:],
}


def arguments_of(inner: str) -> Arguments:
    """Values by name; unnamed ones by position, from 1. Pipes in links separate nothing."""
    sheltered = _LINK.sub(lambda link: link[0].replace("|", "\0"), inner)
    arguments: Arguments = {}
    position = 0
    for argument in sheltered.split("|")[1:]:
        named = _NAMED.match(argument)
        if named is None:
            position += 1
        name = str(position) if named is None else named[1].strip().lower()
        value = argument if named is None else argument[named.end() :]
        arguments[name] = value.replace("\0", "|").strip()
    return arguments


def _positional(arguments: Arguments) -> list[str]:
    """The positional values that are not empty, in order."""
    return [value for name, value in arguments.items() if name.isdigit() and value]


def _fill(pattern: str, arguments: Arguments) -> str:
    """`pattern` with ``{a|b}`` replaced by the first value that is given; see template_names."""
    used = False

    def value(field: re.Match[str]) -> str:
        nonlocal used
        if field[1] == "*":
            found = " ".join(_positional(arguments))
        else:
            found = next((arguments[n] for n in field[1].split("|") if arguments.get(n)), "")
        used = used or bool(found)
        return found

    while (group := _GROUP.search(pattern)) is not None:
        used = False
        filled = _FIELD.sub(value, group[1])
        used = used or _USED in filled
        filled = filled.replace("[", "\1").replace("]", "\2") + _USED
        pattern = pattern[: group.start()] + (filled if used else "") + pattern[group.end() :]
    shown = _FIELD.sub(value, pattern).replace("\1", "[").replace("\2", "]")
    return shown.replace(_USED, "")


_FIELD = re.compile(r"\{([^{}]*+)\}")
_USED = "\4"
_GROUP = re.compile(r"\[\?([^\[\]]*+)\]")


def _values(arguments: Arguments) -> str | None:
    """What an unknown template probably shows: its values, if they are short text."""
    values = _positional(arguments)
    if len(values) > 1 and _LANGUAGE.fullmatch(values[0]):
        values = values[1:]
    shown = " ".join(v for v in values if len(v) <= MAX_VALUE_CHARS and not _STYLE.match(v))
    is_text = any(c.isalnum() for c in shown) and not _NO_WORDS.search(shown)
    return shown if is_text and len(shown) <= MAX_SHOWN_CHARS else None


def _convert(arguments: Arguments) -> str:
    """``10|to|12|km|mi`` as "10 to 12 km", ``5|ft|6|in`` as "5 ft 6 in"."""
    values = _positional(arguments)
    if len(values) > 3 and values[1] in _RANGES:
        return f"{values[0]} {values[1]} {values[2]} {values[3]}"
    is_compound = len(values) > 3 and values[2][:1].isdigit() and not values[3][:1].isdigit()
    return " ".join(values[: 4 if is_compound else 2])


def _fraction(arguments: Arguments) -> str:
    values = _positional(arguments)
    whole = f"{values[0]} " if len(values) > 2 else ""
    return whole + "/".join(values[-2:])


def _month(text: str) -> str:
    is_number = text.isascii() and text.isdigit() and 1 <= int(text) <= 12
    return _MONTHS[int(text) - 1] if is_number else text


def _as_of(arguments: Arguments) -> str:
    year, month, day = [*_positional(arguments)[:3], "", "", ""][:3]
    words = "as of" if arguments.get("lc") else "As of"
    return " ".join(filter(None, (words, day, _month(month), year)))


def _iso_date(arguments: Arguments) -> str:
    """``1950|5|3`` as "1950-05-03"; unchanged where a value is not numeric."""
    values = _positional(arguments)[:3]
    if not all(value.isascii() and value.isdigit() for value in values):
        return " ".join(values[:1])
    return "-".join(value.zfill(2) for value in values)


def _list(arguments: Arguments) -> str:
    """``|* one|* two``, or as lines of one value, as "one, two"."""
    lines = (line for value in _positional(arguments) for line in value.splitlines())
    return ", ".join(item for line in lines if (item := line.lstrip("*#:; ").strip()))


COMPUTED: dict[str, Callable[[Arguments], str]] = {
    "@convert": _convert,
    "@fraction": _fraction,
    "@as of": _as_of,
    "@date": _iso_date,
    "@list": _list,
    "@last": lambda arguments: (_positional(arguments) or [""])[-1],
    "@joined": lambda arguments: "".join(_positional(arguments)),
}
