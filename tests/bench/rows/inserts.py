"""What the triggers cost those who insert: one statement, one page, one row, many clients."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.pgbench import insert_of, rate
from tests.bench.place import TEXT, Base, Place
from tests.bench.result import Form, Measured, middle

WITHOUT = {"bare": ("", "without triggers"), "indexed": (", index kept", "without triggers alone")}
"""What is compared with: a table that is not attached, and one that has our index all the same."""


def bulk(place: Place, form: Form) -> Iterator[Measured]:
    """Many rows in one statement, with our triggers and without."""
    rows, rounds = form.of(50_000, 200_000), form.of(3, 5)
    with place.base() as base:
        _index(base)
        seconds: dict[str, list[float]] = {"docs": [], "bare": [], "indexed": []}
        for _ in range(rounds):
            for table, measured in seconds.items():
                _empty(base)
                measured.append(base.seconds(insert_of(table, rows, length=TEXT)))
    for table, (name, words) in WITHOUT.items():
        yield Measured(
            row=f"insert bulk{name}",
            what=f"insert of {rows:,} rows of {TEXT} characters in one statement ÷ {words}",
            value=middle(seconds["docs"]) / middle(seconds[table]),
            unit="ratio",
            better="less",
            goal=1.15,
            detail={"seconds": seconds["docs"], "bare_seconds": seconds[table]},
        )


def single(place: Place, form: Form) -> Iterator[Measured]:
    """One client, a statement a transaction: a page of 20 chunks, and one chunk."""
    for rows, goal in ((20, 1.3), (1, 2.0)):
        with place.base() as base:
            _index(base)
            tps = _alternate(place, base, form, rows=rows, clients=1, without=tuple(WITHOUT))
        for table, (name, words) in WITHOUT.items():
            yield Measured(
                row=f"insert {rows} row" + "s" * (rows > 1) + name,
                what=f"insert of {rows} chunk{'s' * (rows > 1)}, a statement a transaction,"
                f" 1 client ÷ {words}",
                value=middle(tps[table]) / middle(tps["docs"]),
                unit="ratio",
                better="less",
                goal=goal,
                detail={"tps": tps["docs"], "bare_tps": tps[table]},
            )


def clients(place: Place, form: Form) -> Iterator[Measured]:
    """Many clients that insert one row each, also where a commit takes 5 ms."""
    for delay_us, goal in ((0, 0.4), (5000, 0.8)):
        for number in (8, 32):
            with place.base() as base:
                name = base.name
                base.execute(f"alter database {name} set commit_delay = {delay_us}")
                base.execute(f"alter database {name} set commit_siblings = 0")
                tps = _alternate(place, base, form, rows=1, clients=number)
            yield Measured(
                row=f"{number} clients" + (", commit 5 ms" if delay_us else ""),
                what=f"one-row inserts/s by {number} clients"
                + (" with a commit_delay of 5 ms" if delay_us else "")
                + " ÷ without triggers",
                value=middle(tps["docs"]) / middle(tps["bare"]),
                unit="ratio",
                better="more",
                goal=goal,
                detail={"tps": tps["docs"], "bare_tps": tps["bare"]},
            )


def _alternate(
    place: Place,
    base: Base,
    form: Form,
    *,
    rows: int,
    clients: int,
    without: tuple[str, ...] = ("bare",),
) -> dict[str, list[float]]:
    """Transactions a second with triggers and without, in turns, by the table."""
    measured: dict[str, list[float]] = {table: [] for table in ("docs", *without)}
    for _ in range(form.of(2, 5)):
        for table, rates in measured.items():
            _empty(base)
            statement = insert_of(table, rows, length=TEXT)
            seconds = form.of(1, 5)
            rates.append(rate(place, base, statement, clients=clients, seconds=seconds))
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
