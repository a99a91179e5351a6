#!/usr/bin/env bash
# Run the demonstration: scripts/demo.sh [ARGUMENTS OF wikiembed demo]
#
# Creates .venv, installs wikiembed with its embedded Postgres and local model, and runs
# `wikiembed demo`. Needs only Python 3.11 or newer.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ "${1:-}" == --help ]]; then
  usage scripts/demo.sh
  exit
fi

ensure_venv embedded,wiki
exec .venv/bin/wikiembed demo "$@"
