"""The few templates whose text belongs to the sentence that they stand in."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType

_LINK = re.compile(r"\[\[[^\[\]]*\]\]")
_NAMED = re.compile(r"\s*([A-Za-z][\w .-]*|\d+)\s*=")
_RANGES = {"-", "\u2013", "to", "and", "or", "by", "x", "\u00d7", "+/-", "±"}

_SHOWN_AS_THEY_ARE = {
    *("nowrap", "nobr", "small", "big", "abbr", "em", "strong", "smallcaps", "visible anchor"),
    *("quote", "blockquote", "cquote", "quotation", "sic", "math", "mvar", "var", "val"),
}


def _first(values: list[str]) -> str:
    return values[0] if values else ""


def _second(values: list[str]) -> str:
    return values[1] if len(values) > 1 else ""


def _last(values: list[str]) -> str:
    return values[-1] if values else ""


def _convert(values: list[str]) -> str:
    """``{{convert|10|to|12|km|mi}}`` as "10 to 12 km"."""
    if len(values) > 3 and values[1] in _RANGES:
        return f"{values[0]} {values[1]} {values[2]} {values[3]}"
    return " ".join(values[:2])


def _fraction(values: list[str]) -> str:
    whole = f"{values[0]} " if len(values) > 2 else ""
    return whole + "/".join(values[-2:])


def _as_of(values: list[str]) -> str:
    return "As of " + " ".join(reversed(values[:3]))


_EXPANSIONS: MappingProxyType[str, Callable[[list[str]], str]] = MappingProxyType(
    {
        **dict.fromkeys(_SHOWN_AS_THEY_ARE, _first),
        **dict.fromkeys(["lang", "langx", "wikt-lang", "nihongo2"], _second),
        "nihongo": _first,
        **dict.fromkeys(["transl", "transliteration", "ill", "color", "font color"], _last),
        **dict.fromkeys(["convert", "cvt"], _convert),
        **dict.fromkeys(["frac", "fraction", "sfrac"], _fraction),
        **dict.fromkeys(["circa", "c.", "ca."], lambda values: f"c. {_first(values)}"),
        **dict.fromkeys(["mdash", "em dash", "—"], lambda _: "—"),
        **dict.fromkeys(["ndash", "en dash", "\u2013"], lambda _: "\u2013"),
        **dict.fromkeys(["spaced ndash", "snd", "spnd", "snds"], lambda _: " \u2013 "),
        **dict.fromkeys(["nbsp", "space", "spaces", "thinsp"], lambda _: " "),
        **dict.fromkeys(["'", "apostrophe"], lambda _: "'"),
        "'s": lambda _: "'s",
        "as of": _as_of,
        "e": lambda values: f"\u00d710^{_first(values)}",
        "sup": lambda values: f"^{_first(values)}",
        "sub": _first,
        "us$": lambda values: f"US${_first(values)}",
        **dict.fromkeys(["chem", "chem2"], "".join),
    }
)


def expand_template(inner: str) -> str:
    """The text of ``{{inner}}`` within its sentence: nothing, for most templates."""
    name = inner.partition("|")[0].strip().lower().replace("_", " ")
    expansion = _first if name.startswith("lang-") else _EXPANSIONS.get(name)
    return "" if expansion is None else expansion(_positional(inner))


def _positional(inner: str) -> list[str]:
    """The unnamed arguments, and those named 1, 2, …; pipes within links part nothing."""
    sheltered = _LINK.sub(lambda link: link[0].replace("|", "\0"), inner)
    values = []
    for argument in sheltered.split("|")[1:]:
        named = _NAMED.match(argument)
        if named is None:
            values.append(argument.strip())
        elif named[1].isdigit():
            values.append(argument[named.end() :].strip())
    return [value.replace("\0", "|") for value in values if value]
