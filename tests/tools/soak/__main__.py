"""``python -m tests.tools.soak [--minutes 10] [--seed N]``: exit 0 if no check fails.

A separate Postgres, a stand-in server as a process, three workers, two sources of chunks and one of
documents; faults at random from the printed seed; the invariants are checked after every few of
them; at the end a drain, and a table.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.eventually import ConditionNotMet, eventually
from tests.tools.soak.documents import DOCUMENTS, prepare_documents, wrong_documents
from tests.tools.soak.field import SOURCES, Field
from tests.tools.soak.operations import OUTAGES, WORKERS_AND_OPERATORS
from tests.tools.soak.report import RECOVERY_LIMIT_S, Stats, cost, unexpected, violations, wrong
from tests.tools.soak.servers import SERVERS
from tests.tools.soak.users import USERS

Fault = Callable[[Field], None]
FAULTS: tuple[Fault, ...] = (*USERS, *DOCUMENTS, *WORKERS_AND_OPERATORS, *OUTAGES, *SERVERS)
RECOVERS = frozenset((*OUTAGES, *SERVERS))
"""Those after which the time to the next vector is measured."""
CHECK_EVERY = 10
BACKLOG = 300
DRAIN_LIMIT_S = 900.0


def befall(soak: Field, stats: Stats, fault: Fault) -> None:
    """Run one fault; if it can stop work, measure the recovery."""
    stats.times[fault.__name__] += 1
    if fault not in RECOVERS:
        fault(soak)
        return
    table, mark = soak.table(), f"backlog {soak.random.random()}"
    soak.sql(
        f"insert into {table} (body) select '{mark} ' || g from generate_series(1, {BACKLOG}) as g"
    )
    fault(soak)
    missing = f"select count(*) from {table} where body like '{mark} %' and vec is null"
    before, began = soak.sql(missing)[0][0], time.monotonic()
    if not before:
        return  # all had been embedded before the fault took effect

    def recovered() -> bool:
        soak.tend()
        return bool(soak.sql(missing)[0][0] < before)

    with contextlib.suppress(ConditionNotMet):  # the time is reported
        eventually(recovered, within_s=RECOVERY_LIMIT_S)
    stats.recoveries[fault.__name__].append(time.monotonic() - began)


def check(soak: Field, stats: Stats) -> None:
    """Check the invariants in mid-run."""
    stats.checks += 1
    found = {name: n for name, n in violations(soak).items() if n}
    if found:
        stats.broken.append(str(found))
        print(f"in mid-run: {found}", flush=True)


def run(soak: Field, minutes: float) -> Stats:
    """Run faults for so long, each of them once per random round."""
    stats = Stats()
    end = time.monotonic() + 60 * minutes
    due: list[Fault] = []
    while time.monotonic() < end:
        if not due:
            due = soak.random.sample(FAULTS, len(FAULTS))
        befall(soak, stats, due.pop())
        soak.tend()
        if sum(stats.times.values()) % CHECK_EVERY == 0:
            check(soak, stats)
        time.sleep(soak.random.uniform(0, 0.5))
    check(soak, stats)
    return stats


def kept_log(soak: Field) -> Path:
    """A copy of the workers' log, which outlives the run's folder."""
    handle, name = tempfile.mkstemp(prefix="wikiembed-soak-", suffix=".log")
    os.close(handle)
    return Path(shutil.copy(soak.folder / "workers.log", name))


def main() -> int:
    """Run, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}, {arguments.minutes:g} minutes", flush=True)
    with tempfile.TemporaryDirectory(prefix="wikiembed-soak-") as folder:
        Path(folder).chmod(0o755)
        soak = Field(Path(folder), arguments.seed)
        try:
            soak.prepare(prepare_documents)
            stats = run(soak, arguments.minutes)
            soak.settle()
            began = time.monotonic()
            code = soak.start_worker("--drain").wait(timeout=DRAIN_LIMIT_S)
            drained_s = time.monotonic() - began
            found = wrong(soak, stats, code) | wrong_documents(soak)
            if any(found.values()):
                print(*unexpected(soak), f"log: {kept_log(soak)}", sep="\n", flush=True)
            output = cost(soak)
        finally:
            soak.close()
    print("\n".join(stats.lines()))
    print(f"{sum(stats.times.values())} faults, {len(stats.times)} of {len(set(FAULTS))} kinds,")
    print(
        f"{len(SOURCES) + 1} sources, {stats.checks} checks in mid-run,"
        f" drained in {drained_s:.0f} s."
    )
    print(f"{output}.\n")
    for name, n in found.items():
        print(f"{'ok' if n == 0 else 'NOT SO':7} {name}: {n}")
    return int(any(found.values()))


if __name__ == "__main__":
    sys.exit(main())
