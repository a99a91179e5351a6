"""Stream the pages of JSON lines: an object with title and text per line."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator

from wikiembed.errors import InputError
from wikiembed.wiki.pages import MAX_TITLE_BYTES, LoadCounts, Page, Position
from wikiembed.wiki.redirects import is_redirect

MAX_LINE_BYTES = 64 * 1024 * 1024


def read_json_lines(
    name: str, head: bytes, stream: io.BufferedReader, counts: LoadCounts, position: Position
) -> Iterator[Page]:
    """Stream the page of each line that is not a redirect; `head` is the stream's first bytes.

    Raises: InputError, after the pages before the error; what `stream` raises.
    """
    if b"\0" in head:
        raise InputError(f"{name}: not UTF-8; convert it with iconv (UTF-16 is likely).")
    position.line = 1
    while line := stream.readline(MAX_LINE_BYTES + 1):
        where = f"{name}, line {position.line}"
        position.line += 1
        if len(line) > MAX_LINE_BYTES:
            raise InputError(f"{where}: longer than {MAX_LINE_BYTES} bytes.")
        if not line.strip():
            continue
        page = _page_of(line, where)
        counts.pages += 1
        if is_redirect(page.text):
            counts.redirects += 1
        else:
            yield page


def _page_of(line: bytes, where: str) -> Page:
    try:
        value: object = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InputError(f"{where}: not UTF-8; convert the file with iconv.") from None
    except (ValueError, RecursionError):
        value = None
    match value:
        case {"title": str(title), "text": str(text)} if re.search(r"[^\s\0\ud800-\udfff]", title):
            if len(title.encode(errors="surrogatepass")) > MAX_TITLE_BYTES:
                raise InputError(f"{where}: a title longer than {MAX_TITLE_BYTES} bytes.")
            return Page(title=title, text=text)
        case _:
            raise InputError(f"{where}: not a JSON object with title and text.")
