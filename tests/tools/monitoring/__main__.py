"""``python -m tests.tools.monitoring [--minutes 3]``: exit 0 if nothing is missing or wrong.

promtool checks the configuration and the rules, and runs their cases (rules.yaml). Then a real
Prometheus scrapes a console and two workers in a run with failures, an outage and a pause, and is
asked for all that the dashboard and the rules ask for.
"""

from __future__ import annotations

import argparse
import sys

from tests.tools.monitoring.checks import wrong_files, wrong_run
from tests.tools.monitoring.field import field
from tests.tools.monitoring.server import missing_programs
from wikiembed.metrics.catalogue import METRICS


def main() -> int:
    """Check; prints what is missing or wrong, a line each."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.monitoring", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3, help="of the run; 3 by default")
    minutes = parser.parse_args().minutes
    if missing := missing_programs():
        print(f"Skipped: no {' and no '.join(missing)} here: apt-get install prometheus")
        return 0
    wrong = list(wrong_files())
    with field(minutes=minutes) as run:
        print(f"{run.prometheus.url} scrapes {run.console} and {', '.join(run.workers)}")
        run.run(minutes)
        wrong += wrong_run(run)
    print(*wrong, sep="\n", file=sys.stderr)
    print(f"{len(METRICS)} metrics, {len(wrong)} defects")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
