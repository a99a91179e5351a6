#!/usr/bin/env bash
# Run the tests: scripts/test.sh [PYTEST ARGUMENTS]
#
# Without arguments: the SQL suite on Postgres 16, then every suite on Postgres 18, whose summary is
# the last line. With arguments: one run of pytest with them.
#
#   WIKIEMBED_TEST_POSTGRES          embedded (default), testcontainers, or a connection URL
#   WIKIEMBED_TEST_POSTGRES_VERSION  of the embedded one: 16 or 18 (default)
#   WIKIEMBED_TEST_WORKERS           processes (default: two per core, since most tests wait; at most 8)
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ "${1:-}" == --help ]]; then
  usage scripts/test.sh
  exit
fi

ensure_venv dev
workers=${WIKIEMBED_TEST_WORKERS:-$((2 * $(getconf _NPROCESSORS_ONLN)))}
((workers <= 8)) || workers=8
run=(.venv/bin/python -m pytest --numprocesses "$workers" --dist worksteal)

if (($# > 0)); then
  exec "${run[@]}" "$@"
fi

failed=0
if [[ "${WIKIEMBED_TEST_POSTGRES:-embedded}" == embedded ]]; then
  echo "Postgres 16, SQL suite:"
  WIKIEMBED_TEST_POSTGRES_VERSION=16 "${run[@]}" --quiet tests/sql || failed=1
fi
echo "All suites:"
"${run[@]}" || exit 1
if ((failed > 0)); then
  echo "The SQL suite failed on Postgres 16: see above." >&2
  exit 1
fi
