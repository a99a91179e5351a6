"""The filter of failures, as the URL of a page and the hidden fields of its form have it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from wikiembed.control.bulk import Filter
from wikiembed.errors import InvalidArgument
from wikiembed.times import read_past, utc

FIELDS = ("class", "server", "text", "document", "newer", "older")
"""What a user fills in, by the name in the URL."""
LONGEST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a user filled in, by the names of `FIELDS`; `newer`, `older`: a span ago, or a time.

    `since`, `until`: the times that a preview wrote, which replace those of `newer` and `older`.
    """

    fields: Mapping[str, str]
    since: dt.datetime | None
    until: dt.datetime | None

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Given:
        """The filter in a query or a form.

        Raises: InvalidArgument for a time that is not valid.
        """
        found = {name: _clean(values.get(name, "")) for name in FIELDS}
        newer, older = found["newer"], found["older"]
        return cls(
            fields={name: value for name, value in found.items() if value},
            since=_written(values.get("since")) or (read_past(newer) if newer else None),
            until=_written(values.get("until")) or (read_past(older) if older else None),
        )

    def filter(self, source: str, *, present: dt.datetime) -> Filter:
        """The failures of `source` that it selects, of those recorded until `present`."""
        return Filter(
            source=source,
            error_class=self.fields.get("class"),
            server=self.fields.get("server"),
            text=self.fields.get("text"),
            document=self.fields.get("document"),
            since=self.since,
            until=min(self.until or present, present),
        )


def query_of(given: Given, chosen: Filter) -> dict[str, str]:
    """The parts of a URL, or hidden fields, that give the same filter at any later time."""
    times = {"until": utc(chosen.until)}
    if chosen.since is not None:
        times["since"] = utc(chosen.since)
    return {**given.fields, **times}


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()[:LONGEST]


def _written(text: str | None) -> dt.datetime | None:
    if not text:
        return None
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidArgument("The form has no valid time.")
    return at
