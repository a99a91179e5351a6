#!/usr/bin/env bash
# Inject random faults, then prove that nothing was lost: scripts/soak.sh [MINUTES] [SEED]
#
# The default is ten minutes. Prints the seed first, a table at the end, and exits 1 when a chunk is
# lost, stale or left over.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ "${1:-}" == --help ]]; then
  usage scripts/soak.sh
  exit
fi

ensure_venv dev
arguments=(--minutes "${1:-10}")
if (($# > 1)); then
  arguments+=(--seed "$2")
fi
exec .venv/bin/python -m tests.tools.soak "${arguments[@]}"
