#!/usr/bin/env bash
# Freeze the steps of migrations/versions and the vendored files, at a release: scripts/freeze.sh [--check]
#
# Writes their checksums to migrations/frozen.txt, which a test compares: a released step must not
# change. Refuses, with exit code 1, when a frozen file was changed or deleted. With --check it only
# compares. Functions, views and triggers (migrations/current) are never frozen.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ "${1:-}" == --help ]]; then
  usage scripts/freeze.sh
  exit
fi

python=.venv/bin/python
[[ -x $python ]] || python=$(find_python)
exec "$python" scripts/freeze.py "$@"
