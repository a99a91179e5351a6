"""The triggers' cost for inserts: one statement, one page, one row, many clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.tools.bench.pgbench import Until, insert_of, rate
from tests.tools.bench.place import TEXT, Base, Place
from tests.tools.bench.result import Form, Measured, ratio_of_rates

WITHOUT = {
    "indexed": ("", "the same table without our triggers"),
    "bare": (", in all", "a table never attached"),
}
"""What is compared with: a table without triggers that has our index on missing rows all the same,
and one that has neither. Disabled triggers would not do: Postgres keeps the rows for them too."""


def bulk(place: Place, form: Form) -> Iterator[Measured]:
    """Many rows in one statement, with our triggers and without."""
    rows, rounds = form.of(50_000, 200_000), 5
    with place.base() as base:
        _index(base)
        seconds: dict[str, list[float]] = {table: [] for table in ("docs", *WITHOUT)}
        for round_ in range(1 + rounds):
            for table, measured in seconds.items():
                _empty(base)
                took = base.seconds(insert_of(table, rows, length=TEXT))
                if round_ > 0:  # the first one plans, and creates the files
                    measured.append(took)
    yield from _both(
        "insert bulk",
        f"insert of {rows:,} rows of {TEXT} characters in one statement",
        1.15,
        {table: min(measured) for table, measured in seconds.items()},
        {f"{table}_seconds": measured for table, measured in seconds.items()},
    )


def single(place: Place, form: Form) -> Iterator[Measured]:
    """One client, one statement per transaction: a page of 20 chunks, and one chunk."""
    for rows, goal in ((20, 1.3), (1, 1.6)):
        with place.base() as base:
            _index(base)
            tps = _alternate(
                place,
                base,
                rows=rows,
                clients=1,
                until=("-t", "2000"),  # short turns: other load on the machine affects all alike
                rounds=form.of(2, 5),
                turns=form.of(3, 10),
                without=tuple(WITHOUT),
            )
        plural = "s" * (rows > 1)
        yield from _both(
            f"insert {rows} row{plural}",
            f"insert of {rows} chunk{plural}, a statement a transaction, 1 client",
            goal,
            {table: 1 / max(measured) for table, measured in tps.items()},
            {f"{table}_tps": measured for table, measured in tps.items()},
        )


def _both(
    row: str, what: str, goal: float, took: dict[str, float], detail: dict[str, Any]
) -> Iterator[Measured]:
    """The cost of our triggers, and the total cost of attaching, which has no goal."""
    for table, (name, words) in WITHOUT.items():
        yield Measured(
            row=f"{row}{name}",
            what=f"{what} ÷ {words}",
            value=took["docs"] / took[table],
            unit="ratio",
            better="less",
            goal=None if name else goal,
            detail=detail,
        )


def clients(place: Place, form: Form) -> Iterator[Measured]:
    """Many clients that insert one row each, also with a commit of 5 ms."""
    for delay_us, goal in ((0, 0.4), (5000, 0.8)):
        for number in (8, 32):
            with place.base() as base:
                name = base.name
                base.execute(f"alter database {name} set commit_delay = {delay_us}")
                base.execute(f"alter database {name} set commit_siblings = 0")
                tps = _alternate(
                    place,
                    base,
                    rows=1,
                    clients=number,
                    until=("-T", str(form.of(1, 5))),
                    rounds=form.of(2, 5),
                )
            yield Measured(
                row=f"{number} clients" + (", commit 5 ms" if delay_us else ""),
                what=f"one-row inserts/s by {number} clients"
                + (" with a commit_delay of 5 ms" if delay_us else "")
                + " ÷ without triggers",
                value=ratio_of_rates(tps["docs"], tps["bare"]),
                unit="ratio",
                better="more",
                goal=goal,
                detail={"tps": tps["docs"], "bare_tps": tps["bare"]},
            )


def _alternate(
    place: Place,
    base: Base,
    *,
    rows: int,
    clients: int,
    until: Until,
    rounds: int,
    turns: int = 1,
    without: tuple[str, ...] = ("bare",),
) -> dict[str, list[float]]:
    """Transactions per second by table, with triggers and without, in turns.

    The tables are emptied before each round, not before each turn.
    """
    measured: dict[str, list[float]] = {table: [] for table in ("docs", *without)}
    for _ in range(rounds):
        _empty(base)
        for _ in range(turns):
            for table, rates in measured.items():
                statement = insert_of(table, rows, length=TEXT)
                rates.append(rate(place, base, statement, clients=clients, until=until))
    return measured


def _index(base: Base) -> None:
    """A table that is not attached, with the index on missing rows."""
    base.execute("create table public.indexed (like public.bare including all)")
    base.execute("create index on public.indexed (id) where vec is null")


def _empty(base: Base) -> None:
    tables = base.execute(
        "select string_agg(relid::regclass::text, ', ') from pg_stat_user_tables"
        " where schemaname = 'public' and relname in ('docs', 'bare', 'indexed')"
    ).fetchone()
    assert tables is not None
    base.execute(f"truncate {tables[0]} restart identity")
    base.execute("truncate wikiembed_queue.procrastinate_jobs cascade")
    base.settle()
