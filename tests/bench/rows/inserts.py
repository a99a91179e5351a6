"""What the triggers cost those who insert: one statement, one page, one row, many clients."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.pgbench import insert_of, rate
from tests.bench.place import TEXT, Base, Place
from tests.bench.result import Form, Measured, middle


def bulk(place: Place, form: Form) -> Iterator[Measured]:
    """Many rows in one statement, with our triggers and without."""
    rows, rounds = form.of(50_000, 200_000), form.of(3, 5)
    with place.base() as base:
        seconds: dict[str, list[float]] = {"docs": [], "bare": []}
        for _ in range(rounds):
            for table, measured in seconds.items():
                _empty(base)
                measured.append(base.seconds(insert_of(table, rows, length=TEXT)))
    yield Measured(
        row="insert bulk",
        what=f"insert of {rows:,} rows of {TEXT} characters in one statement ÷ without triggers",
        value=middle(seconds["docs"]) / middle(seconds["bare"]),
        unit="ratio",
        better="less",
        goal=1.15,
        detail={"seconds": seconds["docs"], "bare_seconds": seconds["bare"]},
    )


def single(place: Place, form: Form) -> Iterator[Measured]:
    """One client, a statement a transaction: a page of 20 chunks, and one chunk."""
    for rows, goal in ((20, 1.3), (1, 2.0)):
        with place.base() as base:
            with_triggers, without = _alternate(place, base, form, rows=rows, clients=1)
        yield Measured(
            row=f"insert {rows} row" + "s" * (rows > 1),
            what=f"insert of {rows} chunk{'s' * (rows > 1)}, a statement a transaction,"
            " 1 client ÷ without triggers",
            value=middle(without) / middle(with_triggers),
            unit="ratio",
            better="less",
            goal=goal,
            detail={"tps": with_triggers, "bare_tps": without},
        )


def clients(place: Place, form: Form) -> Iterator[Measured]:
    """Many clients that insert one row each, also where a commit takes 5 ms."""
    for delay_us, goal in ((0, 0.4), (5000, 0.8)):
        for number in (8, 32):
            with place.base() as base:
                name = base.name
                base.execute(f"alter database {name} set commit_delay = {delay_us}")
                base.execute(f"alter database {name} set commit_siblings = 0")
                with_triggers, without = _alternate(place, base, form, rows=1, clients=number)
            yield Measured(
                row=f"{number} clients" + (", commit 5 ms" if delay_us else ""),
                what=f"one-row inserts/s by {number} clients"
                + (" with a commit_delay of 5 ms" if delay_us else "")
                + " ÷ without triggers",
                value=middle(with_triggers) / middle(without),
                unit="ratio",
                better="more",
                goal=goal,
                detail={"tps": with_triggers, "bare_tps": without},
            )


def _alternate(
    place: Place, base: Base, form: Form, *, rows: int, clients: int
) -> tuple[list[float], list[float]]:
    """Transactions a second with triggers and without, in turns."""
    measured: dict[str, list[float]] = {"docs": [], "bare": []}
    for _ in range(form.of(2, 5)):
        for table, rates in measured.items():
            _empty(base)
            statement = insert_of(table, rows, length=TEXT)
            seconds = form.of(1, 5)
            rates.append(rate(place, base, statement, clients=clients, seconds=seconds))
    return measured["docs"], measured["bare"]


def _empty(base: Base) -> None:
    base.execute("truncate public.docs, public.bare restart identity")
    base.execute("truncate wikiembed_queue.procrastinate_jobs cascade")
    base.settle()
