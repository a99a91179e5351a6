"""How many pieces of an article are embedded again after an edit.

``python -m tests.tools.bench.edits`` reads a wiki export (WIKIEMBED_TEST_EXPORT, else the sample
next to the checkout), splits each article, changes it at random places, splits it again, and counts
pieces whose embedded text is new.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.export import EXPORT
from wikiembed.documents import Piece, SplitOptions, split
from wikiembed.wiki import LoadCounts, RawPage, read_pages
from wikiembed.wiki.plain import to_sections
from wikiembed.wiki.render import render_text

LEAST_PIECES = 10
EDITS = 200
GOAL = {"mean": 2.0, "median": 1.0, "p99": 4.0}
INSERTED = (
    "A later survey of the site found little that supports this account.",
    "In 1987 it was moved to the museum, where visitors could see it on Sundays.",
    "Its height is 12.5 m.",
    "Critics have since questioned whether the figures, which were never published in full, can be"
    " compared with those of other countries, and a second study came to another result.",
)

Edit = Callable[[str, random.Random], str]


def documents(export: Path = EXPORT) -> Iterator[tuple[str, str]]:
    """Title and text of each article."""
    for page in read_pages(export, LoadCounts()):
        sections = to_sections(page) if isinstance(page, RawPage) else []
        if sections:
            yield page.title, render_text(sections)


def change_word(text: str, chance: random.Random) -> str:
    """Another word in the place of one."""
    word = chance.choice(list(re.finditer(r"(?<![=\w])[a-z]{3,}(?![=\w])", text)))
    return f"{text[: word.start()]}other{text[word.end() :]}"


def insert_sentence(text: str, chance: random.Random) -> str:
    """A sentence more, behind one."""
    end = chance.choice(list(re.finditer(r"(?<![=\s])(?:[.](?=\s)|$)", text))).end()
    return f"{text[:end]} {chance.choice(INSERTED)}{text[end:]}"


def delete_paragraph(text: str, chance: random.Random) -> str:
    """A paragraph less; headings stay."""
    paragraphs = text.split("\n\n")
    places = [index for index, one in enumerate(paragraphs) if not one.startswith("==")]
    del paragraphs[chance.choice(places)]
    return "\n\n".join(paragraphs)


KINDS: dict[str, Edit] = {
    "word changed": change_word,
    "sentence inserted": insert_sentence,
    "paragraph deleted": delete_paragraph,
}


def embedded(text: str, pieces: list[Piece]) -> Counter[tuple[str, str]]:
    """What is embedded of each piece."""
    return Counter((piece.heading, text[piece.start : piece.end]) for piece in pieces)


def changed_pieces(before: str, after: str, options: SplitOptions) -> int:
    """The number of pieces of `after` that `before` does not have."""
    old = embedded(before, split(before, options=options))
    return (embedded(after, split(after, options=options)) - old).total()


def costs_of_edits(
    texts: list[str], edit: Edit, options: SplitOptions, *, edits: int = EDITS, seed: int = 7
) -> list[int]:
    """The number of changed pieces for each of so many edits, each of a text of its own choice."""
    chance = random.Random(seed)
    costs = []
    for _ in range(edits):
        text = chance.choice(texts)
        costs.append(changed_pieces(text, edit(text, chance), options))
    return costs


def percentile(numbers: list[int], share: float) -> float:
    """The nearest-rank percentile."""
    return sorted(numbers)[max(0, -(-int(len(numbers) * share * 1000) // 1000) - 1)]


def main() -> None:
    """Print costs of edits, speed, and sizes of pieces."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=EDITS)
    parser.add_argument("--max-chars", type=int, default=1_000)
    parser.add_argument("--flat", action="store_true", help="without headings")
    parser.add_argument("--megabytes", type=float, default=5, help="for the speed")
    arguments = parser.parse_args()
    options = SplitOptions(max_chars=arguments.max_chars)
    texts = [text for _, text in documents()]
    if arguments.flat:
        texts = [re.sub(r"(?m)^==.*\n+", "", text) for text in texts]
    pieces = {text: split(text, options=options) for text in texts}
    long = [text for text in texts if len(pieces[text]) >= LEAST_PIECES]
    print(f"articles {len(texts)}, of {LEAST_PIECES} pieces or more {len(long)}")
    for name, edit in KINDS.items():
        costs = costs_of_edits(long, edit, options, edits=arguments.edits)
        print(
            f"{name:18} mean {statistics.mean(costs):.2f} median {statistics.median(costs):g}"
            f" p99 {percentile(costs, 0.99):g} max {max(costs)}"
        )
    print_sizes(pieces, options)
    sample = "\n\n".join(texts)
    sample *= max(1, round(arguments.megabytes * 1e6 / len(sample)))
    for splitter in ("text", "markdown", "html"):
        started = time.process_time()
        count = len(split(sample, options=SplitOptions(splitter=splitter)))
        seconds = time.process_time() - started
        print(f"{splitter:9} {len(sample) / 1e6 / seconds:.2f} MB/s ({count} pieces)")


def print_sizes(pieces: dict[str, list[Piece]], options: SplitOptions) -> None:
    """Print how large pieces are, as shares of max_chars."""
    shares = [
        (piece.end - piece.start) / options.max_chars
        for found in pieces.values()
        for piece in found
    ]
    tenths = Counter(min(int(share * 10), 9) for share in shares)
    print(f"pieces {len(shares)}, size ÷ max_chars: mean {statistics.mean(shares):.2f}")
    print("  ".join(f"{tenth / 10:.1f} {tenths[tenth] / len(shares):.0%}" for tenth in range(10)))


if __name__ == "__main__":
    main()
