#!/usr/bin/env bash
# Check the pinned dependencies for known vulnerabilities: scripts/audit.sh [OSV_URL]
#
# Queries OSV, then PyPI, for every version in constraints.txt; OSV_URL queries that service alone.
# Exits 1 with a table when a vulnerability is known. Where no advisories are available (CI without
# internet access) it prints that and exits 0, without a result.
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

# ask SERVICE [ARGUMENTS]: write the service's answer to $folder/answer; fails without an answer.
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
    # 3: the service has none of the packages, such as a mirror without advisories.
    ((judged == 3)) || exit "$judged"
  fi
done
echo "Not audited: no service with advisories can be reached from here."
