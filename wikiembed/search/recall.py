"""Recall of the index of vectors: what share of the nearest chunks search finds, and how fast.

The questions are stored vectors of random chunks, or vectors of texts. Each is answered exactly and
at several values of hnsw.ef_search by `wikiembed.measure_recall`, which runs the statements of
`wikiembed.search`. A value is chosen on one half of the questions; its recall is that on the other
half.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median, stdev
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import psycopg
from psycopg.types.json import Jsonb

from wikiembed.db.connect import translate_errors
from wikiembed.errors import ConditionNotMet

if TYPE_CHECKING:
    from wikiembed.search.hit import Filter

Connection = psycopg.Connection[Any]

VALUES = (20, 40, 80, 160, 320, 640, 1000)
"""Values of hnsw.ef_search that are measured, beside the one that is used; 1,000 is the most."""
TARGETS = (0.95, 0.99)
LIMIT = 10
FEWEST_QUESTIONS = 20
MARGIN = 2.0
"""Standard errors by which a value that is chosen is above the target."""

_SAMPLE = "select s.key, s.embedding::text from wikiembed.sample_vectors(%s, %s) as s"
_MEASURE = """
select m.ef_search, m.recall, m.duration_ms, m.by_index
  from wikiembed.measure_recall(%s, %s, %s, %s, %s, %s) as m
"""
_USED = """
select wikiembed_private.used_ef_search(t.ef_search, l.least, t.oversampling), t.ef_search,
       least(l.least * t.oversampling, 1000)
  from wikiembed.search_statements as t, (select %s::integer) as l (least)
 where t.source = %s
"""
_MAY_STORE = """
select has_function_privilege(current_user, p.oid, 'execute')
       and not current_setting('transaction_read_only')::boolean, current_user
  from pg_catalog.pg_proc as p where p.oid = 'wikiembed.set_ef_search'::regproc
"""


class Question(NamedTuple):
    """A vector as text, and the chunk that it is of, which is no answer; None: of none."""

    key: str | None
    vector: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Of a search within Postgres, with its planning, and with the pages in memory."""

    median_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A value of hnsw.ef_search. `recall` is that of the held-out questions.

    `chosen_on`: the recall of the other half. `by_index`: the share of the questions that Postgres
    answers by the index; it compares every row for the others.
    """

    ef_search: int
    recall: float
    chosen_on: float
    latency: Latency
    by_index: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """The least value of hnsw.ef_search that reaches a recall of `target`; None: none does."""

    target: float
    setting: Setting | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Recall of the `limit` nearest chunks.

    `used`: the hnsw.ef_search of searches now; `stored`: that of the source, if it has one.
    """

    source: str
    limit: int
    filter: Filter | None
    questions: int
    used: int
    stored: int | None
    exact: Latency
    settings: Sequence[Setting]
    reached: Sequence[Reached]

    def setting(self, ef_search: int) -> Setting:
        """The one of this value."""
        return next(one for one in self.settings if one.ef_search == ef_search)

    def best(self, target: float) -> Setting | None:
        """The setting that reaches `target`."""
        return next(one.setting for one in self.reached if one.target == target)

    def as_json(self) -> dict[str, object]:
        """Its fields by name; of what is reached, the value and its recall."""
        return {
            **asdict(self),
            "reached": [
                {
                    "target": one.target,
                    "ef_search": one.setting and one.setting.ef_search,
                    "recall": one.setting and one.setting.recall,
                }
                for one in self.reached
            ],
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question found: recall, time in ms and whether by the index, by hnsw.ef_search."""

    exact_ms: float
    by_value: Mapping[int, tuple[float, float, bool]]


def sampled(connection: Connection, source: str, sample: int) -> list[Question]:
    """At most `sample` questions: the vectors of random chunks.

    Raises: SourceNotFound.
    """
    with translate_errors():
        return [Question(*row) for row in connection.execute(_SAMPLE, (source, sample))]


def measure(
    connection: Connection,
    source: str,
    *,
    questions: Sequence[Question],
    limit: int,
    filter: Filter | None = None,  # noqa: A002 - the term of the field
    targets: Sequence[float] = TARGETS,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Measurement:
    """Ask `questions`; `on_progress` gets how many are answered, and of how many.

    `connection` is in autocommit: each question is a transaction, so that none is long.

    Raises: SourceNotFound, SearchRefused, ConditionNotMet when too few questions have an answer.
    """
    with translate_errors():
        least = limit + 1  # the chunk that asks is found too
        row = connection.execute(_USED, (least, source)).fetchone()
        used, stored, least = row or (least, None, least)
        values = sorted({max(least, value) for value in (*VALUES, used)})
        answers = []
        for done, (key, vector) in enumerate(questions, 1):
            answer = _ask(connection, (source, vector, key, values, limit, _filter(filter)))
            if answer is not None:
                answers.append(answer)
            on_progress(done, len(questions))
    if len(answers) < FEWEST_QUESTIONS:
        why = "the filter leaves too few" if filter else "too few have a vector"
        raise ConditionNotMet(
            f"Source {source!r}: {len(answers)} of {len(questions)} questions found a chunk, and"
            f" {FEWEST_QUESTIONS} are needed: {why}."
        )
    settings = [_setting(value, answers) for value in values]
    return Measurement(
        source=source,
        limit=limit,
        filter=filter,
        questions=len(answers),
        used=used,
        stored=stored,
        exact=_latency([answer.exact_ms for answer in answers]),
        settings=settings,
        reached=[
            Reached(target=target, setting=_choose(target, settings, answers))
            for target in sorted(set(targets))
        ],
    )


def options_of(limit: int, conditions: Filter | None) -> list[str]:
    """The options of ``wikiembed recall`` for these searches."""
    given = [] if limit == LIMIT else ["--limit", str(limit)]
    for column, value in (conditions or {}).items():
        given += ["--filter", f"{column}={orjson.dumps(value).decode()}"]
    return given


def may_store(connection: Connection) -> tuple[bool, str]:
    """Whether this role may store what was measured, here; and its name."""
    with translate_errors():
        row = connection.execute(_MAY_STORE).fetchone()
    return row or (False, "")


def record(connection: Connection, found: Measurement) -> None:
    """Store the recall that was measured, for doctor."""
    with translate_errors():
        connection.execute(
            "select wikiembed.record_recall(%s, %s, %s, %s, %s, %s)",
            (
                found.source,
                [one.ef_search for one in found.settings],
                [one.recall for one in found.settings],
                found.questions,
                found.limit,
                _filter(found.filter),
            ),
        )


def set_ef_search(connection: Connection, source: str, ef_search: int) -> None:
    """Have every search of `source` by vector use at least this value."""
    with translate_errors():
        connection.execute("select wikiembed.set_ef_search(%s, %s)", (source, ef_search))


def _filter(filter: Filter | None) -> Jsonb | None:  # noqa: A002 - the term of the field
    return None if filter is None else Jsonb(dict(filter))


def _ask(connection: Connection, parameters: Sequence[object]) -> Answer | None:
    """The answer to one question; None where nothing is to be found."""
    rows = connection.execute(_MEASURE, parameters).fetchall()
    if not rows:
        return None
    (_, _, exact_ms, _), *measured = rows
    return Answer(exact_ms, {value: (recall, ms, used) for value, recall, ms, used in measured})


def _setting(value: int, answers: Sequence[Answer]) -> Setting:
    found = [answer.by_value[value] for answer in answers]
    recalls = [recall for recall, _, _ in found]
    return Setting(
        ef_search=value,
        recall=fmean(recalls[1::2]),
        chosen_on=fmean(recalls[::2]),
        latency=_latency([ms for _, ms, _ in found]),
        by_index=fmean([used for _, _, used in found]),
    )


def _latency(times: Sequence[float]) -> Latency:
    """Median and 99th percentile, by nearest rank."""
    ordered = sorted(times)
    return Latency(median_ms=median(ordered), p99_ms=ordered[math.ceil(0.99 * len(ordered)) - 1])


def _choose(
    target: float, settings: Sequence[Setting], answers: Sequence[Answer]
) -> Setting | None:
    """The least value that reaches `target` on the first half with a margin for chance.

    Without the margin, the value that is just above by chance would be chosen, and be below on
    other questions.
    """
    for setting in settings:
        recalls = [answer.by_value[setting.ef_search][0] for answer in answers[::2]]
        error = stdev(recalls) / math.sqrt(len(recalls))
        if fmean(recalls) - MARGIN * error >= target:
            return setting
    return None
