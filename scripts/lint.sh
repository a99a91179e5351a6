#!/usr/bin/env bash
# Check style, types, layers, shell, SQL, words, workflows and dependencies: scripts/lint.sh
#
# Runs every check even when one fails, and exits 1 if any did.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ "${1:-}" == --help ]]; then
  usage scripts/lint.sh
  exit
fi

ensure_venv dev
failed=()

check() {
  echo "== $*"
  "$@" || failed+=("$1")
}

bin=.venv/bin
check "$bin/ruff" check .
check "$bin/ruff" format --check .
check "$bin/mypy"
check "$bin/lint-imports"
check "$bin/shellcheck" --external-sources scripts/*.sh scripts/real/*.sh docs/deploy/*.sh scripts/bench .ci/run

sql=()
while IFS= read -r -d '' file; do sql+=("$file"); done \
  < <(find migrations/current migrations/versions -name '*.sql' -print0 | sort -z)
if ((${#sql[@]} > 0)); then
  check "$bin/squawk" --config .squawk.toml "${sql[@]}"
fi

check "$bin/zizmor" --offline --pedantic -q .github

check scripts/words.sh

check scripts/audit.sh

if ((${#failed[@]} > 0)); then
  echo "Failed: ${failed[*]}" >&2
  exit 1
fi
echo "All checks passed."
