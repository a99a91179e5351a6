"""The words of the pages in each language, from one file per language in `messages/`.

Sentences of `wikiembed.control`, such as the alarms of `doctor`, are looked up by their English
text in a file of their own. What a finding says of this installation, messages of failures and of
Postgres are English in every language, as the commands are.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from wikiembed.times import local

LANGUAGES = ("en", "ko")
LANGUAGE_COOKIE = "wikiembed_lang"
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Every message of a language by its dotted key."""
    text = (resources.files("wikiembed.web") / "messages" / f"{language}.toml").read_text("utf-8")
    return dict(_flat("", tomllib.loads(text)))


def _flat(prefix: str, table: Mapping[str, object]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            found += _flat(f"{prefix}{name}.", value)
        else:
            found.append((f"{prefix}{name}", str(value)))
    return found


@cache
def sentences(language: str) -> Mapping[str, Mapping[str, str]]:
    """Tables `sentences`, by their English text, and `fine`, by a finding's name; empty: none."""
    file = resources.files("wikiembed.web") / "messages" / f"{language}_sentences.toml"
    if not file.is_file():
        return {"sentences": {}, "fine": {}}
    return tomllib.loads(file.read_text("utf-8"))


class Words:
    """Messages, numbers, durations and times in one language, for a template."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._messages = catalogue(language)
        self._sentences = sentences(language)

    def __call__(self, key: str, /, **fields: object) -> str:
        """The message of `key`, with numbers as `number` writes them.

        Where `n` is 1 and the language has a message ``KEY_one``, that one.
        """
        if fields.get("n") == 1 and (one := f"{key}_one") in self._messages:
            key = one
        shown = {
            name: self.number(value) if isinstance(value, int | float) else value
            for name, value in fields.items()
        }
        return self._messages[key].format(**shown)

    def has(self, key: str) -> bool:
        """Whether there is such a message."""
        return key in self._messages

    def says(self, sentence: str) -> str | None:
        """A sentence of `wikiembed.control` in this language; None: it is shown as it is."""
        return self._sentences["sentences"].get(sentence)

    def fine(self, name: str) -> str | None:
        """What doctor's finding of this name is about where nothing is wrong; None: as `says`."""
        return self._sentences["fine"].get(name)

    def number(self, value: float | None) -> str:
        """``1,234``, ``0.5``; – for None."""
        if value is None:
            return "–"
        if isinstance(value, int) or value == round(value) or abs(value) >= 100:
            return f"{value:,.0f}"
        return f"{value:,.1f}"

    def span(self, seconds: float | None) -> str:
        """``2 d 3 h``, ``4 min 5 s``: the two largest units; – for None."""
        if seconds is None:
            return "–"
        left, parts = round(seconds), []
        for unit, size in _UNITS:
            if left >= size:
                parts.append(self(f"unit.{unit}", n=left // size))
                left %= size
        return " ".join(parts[:2]) or self("unit.s", n=0)

    def brief(self, seconds: float | None) -> str:
        """``35 ms``, ``1.2 s``, ``4 min 5 s``; – for None."""
        if seconds is None or seconds >= 60:
            return self.span(seconds)
        if seconds < 1:
            return self("unit.ms", n=round(seconds * 1000))
        return self("unit.s", n=round(seconds, 1))

    def at(self, time: dt.datetime | None) -> str:
        """Local time of the console with its offset; – for None."""
        return "–" if time is None else local(time)


WORDS = {language: Words(language) for language in LANGUAGES}


def preferred(accepted: str) -> str:
    """The language of an Accept-Language header that there is, by its quality; else English."""
    found: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted.split(",")[:20]):
        tag, _, parameters = part.strip().partition(";")
        quality = 1.0
        if parameters.strip().startswith("q="):
            try:
                quality = float(parameters.strip()[2:])
            except ValueError:
                continue
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and quality > 0:
            found.append((-quality, place, language))
    return min(found)[2] if found else LANGUAGES[0]
