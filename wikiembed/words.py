"""Counts, lists and verbs for sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal


def count(n: int, noun: str, plural: str | None = None) -> str:
    """``1 job``, ``2 jobs``, ``1,000 batches``: the noun with an s, unless `plural` is given."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {plural or noun + 's'}"


def roughly(n: float) -> str:
    """``4,600``, ``55``, ``0.37``: two significant digits, for measurements."""
    if n <= 0:
        return "0"
    rounded = round(n, 1 - math.floor(math.log10(n)))
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:.2g}"


def money(amount: Decimal, currency: str = "") -> str:
    """``12.30 USD``, ``0.0036 USD``: two decimals, or up to two significant digits below 1."""
    digits = 2
    if 0 < abs(amount) < 1:
        digits = max(2, 1 - amount.adjusted())
        exact = -int(amount.normalize().as_tuple().exponent)
        digits = max(2, min(digits, exact))
    return f"{amount:,.{digits}f} {currency}".rstrip()


def printable(text: str) -> str:
    """`text` on one line, with ? for characters that would control a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)


def shortened(text: str, longest: int = 60) -> str:
    """`text`, printable, truncated to `longest` characters."""
    text = printable(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def verb(n: int, one: str = "is", many: str = "are") -> str:
    """The verb for `n` things: ``is`` for one, ``are`` for none or several."""
    return one if n == 1 else many


def by_class(classes: Mapping[str, int]) -> str:
    """``20 rejected, 3 timeout``: failures by error class, the most frequent first."""
    ordered = sorted(classes.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{n:,} {name}" for name, n in ordered)


def listed(items: Iterable[str], *, most: int, noun: str) -> str:
    """The first `most` items, separated by semicolons, and the number of the others."""
    every = list(items)
    shown = every if len(every) <= most + 1 else every[:most]
    rest = len(every) - len(shown)
    return "; ".join([*shown, f"and {count(rest, f'more {noun}')}"] if rest else shown)
