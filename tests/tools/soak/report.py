"""The report of a soak: one line per fault, the cost, and failed checks."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.tools.docs.markdown import table
from tests.tools.soak.field import SOURCES, Field

INVARIANTS = 8
UNREACHABLE = 3
BAD = "body ~ '^(REFUSED|DEADLY|HANGING)'"


RECOVERY_LIMIT_S = 100.0
"""The longest standstill; a killed worker's job takes at most 90 s."""


@dataclass(slots=True)
class Stats:
    """The number and recoveries in seconds of each fault, and findings of checks in mid-run."""

    times: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    recoveries: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    checks: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def standstills(self) -> int:
        """The number of faults without a vector within the limit."""
        return sum(s >= RECOVERY_LIMIT_S for each in self.recoveries.values() for s in each)

    def lines(self) -> list[str]:
        """One line per fault: times, seconds to recover (median and longest)."""
        return table(
            ["fault", "times", "recover (s)", "longest"],
            [
                [name, str(n), *_seconds(self.recoveries[name])]
                for name, n in sorted(self.times.items())
            ],
        )


def _seconds(measured: list[float]) -> tuple[str, str]:
    if not measured:
        return ("–", "–")
    longest = max(measured)
    over = "over " if longest >= RECOVERY_LIMIT_S else ""
    return (f"{statistics.median(measured):.1f}", f"{over}{longest:.1f}")


def violations(soak: Field) -> dict[str, int]:
    """The violations of the invariants, in one snapshot."""
    rows = soak.sql("select name, violations from wikiembed.check_invariants()", at_one_moment=True)
    assert len(rows) == INVARIANTS
    return {str(name): int(n) for name, n in rows}


def wrong(soak: Field, stats: Stats, drain_code: int) -> dict[str, int]:
    """Everything that must be zero after the drain, by name."""
    found: dict[str, Any] = {"checks in mid-run that found something": len(stats.broken)}
    found["faults after which work stood still"] = stats.standstills
    # Exit code 3 at the start is right: Postgres was down.
    found["workers that ended by themselves"] = len([c for c in soak.ended if c != UNREACHABLE])
    found["the drain's exit code"] = drain_code
    found |= {f"invariant: {name}": n for name, n in violations(soak).items()}
    for source in SOURCES:
        name = f"public.{source}"
        lost, stale, blamed = soak.sql(
            "select count(*) filter (where vec is null and f.key is null),"
            " count(*) filter (where vec is not null and not public.proves(body, vec)),"
            f" count(*) filter (where f.key is not null and not {BAD})"
            f"  + count(*) filter (where vec is not null and {BAD})"
            f" from {name} left join wikiembed.failures as f"
            f" on f.source = '{source}' and f.key = id::text"
        )[0]
        found |= {
            f"{source}: lost": lost,
            f"{source}: stale": stale,
            f"{source}: blamed without cause, or not blamed": blamed,
        }
    ((left,),) = soak.sql(
        "select count(*) from wikiembed_queue.procrastinate_jobs"
        " where task_name in ('wikiembed.embed', 'wikiembed.split') and status in ('todo', 'doing')"
    )
    return {**found, "jobs left over": left}


def unexpected(soak: Field) -> list[str]:
    """Failures of texts that are not bad, by class and message, for diagnosis."""
    return [
        f"{source}: {error_class} {status or ''} {n} times: {message}"
        for source in SOURCES
        for error_class, status, message, n in soak.sql(
            "select error_class, http_status, message, count(*) from wikiembed.failures as f"
            f" join public.{source} on id::text = f.key where f.source = '{source}' and not {BAD}"
            " group by 1, 2, 3"
        )
    ]


def cost(soak: Field) -> str:
    """One sentence: chunks, texts, wasted work."""
    stats = soak.standin.stats()
    chunks = sum(soak.sql(f"select count(*) from public.{source}")[0][0] for source in SOURCES)
    ratio = stats["repeated"] / max(1, stats["distinct"])
    return (
        f"{chunks:,} chunks at the end; {stats['distinct']:,} texts, {stats['repeated']:,} of them"
        f" embedded more than once: {ratio:.4f} of all; {stats['resent']:,} sent more than once"
    )
