"""Suggest the nearest known name for an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, similarity: float = 0.6) -> str | None:
    """The known name that is most similar to `name`; None: none is similar.

    `similarity`: the least ratio of equal letters, from 0 to 1, as difflib computes it.
    """
    by_folded = {one.casefold().replace("-", "_"): one for one in sorted(known)}
    folded = name.casefold().replace("-", "_")
    found = difflib.get_close_matches(folded, by_folded, n=1, cutoff=similarity)
    return by_folded[found[0]] if found else None


def unknown(what: str, name: str, known: Iterable[str], *, see: str | None = None) -> str:
    """``No source is named "dosc": did you mean "docs"?``; else where to `see` them, or a list."""
    names = sorted(known)
    if (near := nearest(name, names)) is not None:
        return f'No {what} is named "{name}": did you mean "{near}"?'
    advice = f"see {see}" if see else f"choose {', '.join(names)}"
    return f'No {what} is named "{name}": {advice}.'
