"""``--queries``: questions that a file gives."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from wikiembed.errors import InputError

LONGEST_LINE = 10_000

Queries = Annotated[
    str | None,
    typer.Option(
        "--queries",
        metavar="FILE",
        help="Questions, one per line, in UTF-8; - is standard input.",
    ),
]


def read_questions(name: str) -> list[str]:
    """The questions of file `name`, one per line and each once; ``-`` is standard input.

    Raises: InputError.
    """
    shown = "Standard input" if name == "-" else name
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{shown}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{shown}: not UTF-8; convert the file with iconv.") from None
    lines = [line.strip().replace("\0", "") for line in text.split("\n")]
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            raise InputError(f"{shown}, line {number}: longer than {LONGEST_LINE:,} characters.")
    questions = list(dict.fromkeys(filter(None, lines)))
    if not questions:
        raise InputError(f"{shown}: has no questions; write one per line.")
    return questions
