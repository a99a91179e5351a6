"""Arguments and output in encodings that lack some characters."""

from __future__ import annotations

import codecs
import os
import re
import sys

REPLACE = "wikiembed.replace"
"""The error handler of standard output: an ASCII stand-in, or a question mark."""

_STAND_INS = str.maketrans(
    {"–": "-", "─": "-", "━": "-", "│": "|", "·": "*", "…": "...", "→": "->", "×": "x", "÷": "/"}
    | dict.fromkeys("“”", '"')
    | dict.fromkeys("╭╮╰╯├└┌┐┘┼┬┴", "+")
    | {"\N{NBSP}": " "}
)
_NOT_ASCII = re.compile(r"[^\0-\x7f]")


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end].translate(_STAND_INS)
    return _NOT_ASCII.sub("?", lost), error.end


codecs.register_error(REPLACE, _replace)


def json_for(encoding: str | None, line: str) -> str:
    """A JSON text with escapes for characters that `encoding` may lack: nothing is lost."""
    if encoding is None or encoding.lower().startswith("utf"):
        return line
    return _NOT_ASCII.sub(lambda match: _escaped(match[0]), line)


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def shown(path: str | os.PathLike[str]) -> str:
    """A path for display: decoded as UTF-8, whatever the locale."""
    return os.fsencode(path).decode(errors="replace")


def unreadable(what: str, text: str) -> str | None:
    """A sentence on `text`, of the command line or the environment, if the locale cannot decode it.

    Undecodable bytes become surrogates, which no database and no server accepts.
    """
    if not re.search("[\ud800-\udfff]", text):
        return None
    encoding = sys.getfilesystemencoding().upper()
    return (
        f"{what} cannot be read as {encoding}: give it in UTF-8, under a UTF-8 locale such as"
        " LC_ALL=C.UTF-8."
    )
