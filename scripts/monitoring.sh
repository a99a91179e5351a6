#!/usr/bin/env bash
# Try metrics, alert rules and dashboard with a real Prometheus: scripts/monitoring.sh [MINUTES]
#
# promtool checks docs/deploy/monitoring and runs the cases of the alerts. Then Prometheus scrapes a
# console and two workers for MINUTES (default: 3), through failures, an outage and a pause, on an
# embedded Postgres, and is asked for all that the dashboard and the rules ask for. Exits 1 and names
# what is missing or wrong. Without prometheus and promtool on the PATH (on Debian: apt-get install
# prometheus) it says so, and exits 0.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ "${1:-}" == --help || "${1:-}" == -h ]]; then
  usage scripts/monitoring.sh
  exit
fi
if (($# > 1)) || [[ ! "${1:-3}" =~ ^[0-9]+(\.[0-9]+)?$ ]]; then
  echo "Give the minutes of the run, such as 3: see scripts/monitoring.sh --help." >&2
  exit 2
fi

ensure_venv dev
exec .venv/bin/python -m tests.tools.monitoring --minutes "${1:-3}"
