#!/usr/bin/env bash
# Test `wikiembed fleet` on a Ray cluster of this machine: scripts/fleet.sh [PYTEST ARGUMENTS]
#
# Installs the extra ray, starts a head and four nodes, and removes a node, kills an actor and loses the
# head in mid-run: some minutes. Where Ray has no wheel for this Python or machine, or cannot be
# downloaded, it says so and exits 0.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ "${1:-}" == --help ]]; then
  usage scripts/fleet.sh
  exit
fi

ensure_venv dev
if ! .venv/bin/python -c 'import ray' 2>/dev/null; then
  if ! reason=$(.venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary ray \
    --editable '.[ray]' --constraint constraints.txt 2>&1); then
    echo "Skipped: Ray cannot be installed here: $(tail -n 1 <<<"$reason")"
    exit
  fi
fi
WIKIEMBED_TEST_RAY=1 exec .venv/bin/python -m pytest --numprocesses 0 tests/ray_cluster "$@"
