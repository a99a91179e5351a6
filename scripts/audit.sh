#!/usr/bin/env bash
# Look for known vulnerabilities in the pinned dependencies: scripts/audit.sh [OSV_URL]
#
# Asks OSV, then PyPI, about every version in constraints.txt; OSV_URL asks that one alone.
# Exits 1 with a table when a vulnerability is known. Where no advisories can be had (CI without
# a way to the internet) it says so and exits 0: nothing was found out, nothing is claimed.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ "${1:-}" == --help ]]; then
  usage scripts/audit.sh
  exit
fi

ensure_venv dev
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# ask SERVICE [ARGUMENTS]: the service's answers in $folder/answer; fails where it has none.
ask() {
  rm -f "$folder/answer"
  .venv/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip \
    --cache-dir "$folder/cache" --progress-spinner off --timeout 15 \
    --format json --output "$folder/answer" --vulnerability-service "$@" \
    >"$folder/log" 2>&1 || true
  [[ -s "$folder/answer" ]]
}

services=("osv" "pypi")
if (($# > 0)); then
  services=("osv --osv-url $1")
fi
for service in "${services[@]}"; do
  # shellcheck disable=SC2086  # a service and its arguments
  if ask $service; then
    judged=0
    .venv/bin/python scripts/audit.py "$folder/answer" || judged=$?
    # 3: the service knows none of the packages, as a mirror without advisories.
    ((judged == 3)) || exit "$judged"
  fi
done
echo "Not audited: no service with advisories can be reached from here."
