#!/usr/bin/env bash
# Run the tests with a pooler: scripts/real.sh pooler [PYTEST ARGUMENTS]
#
# Needs pgbouncer on the PATH or in /usr/sbin; the tests start it in session, transaction and
# statement mode in front of WIKIEMBED_TEST_POSTGRES.
set -euo pipefail

# shellcheck source=scripts/real/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ "${1:-}" == --help ]]; then
  usage scripts/real/pooler.sh
  exit
fi
PATH=$PATH:/usr/sbin:/usr/local/sbin
if ! command -v pgbouncer >/dev/null; then
  skip "it needs pgbouncer: install it"
fi
pgbouncer --version | sed -n 1p
WIKIEMBED_TEST_REAL=1 ./scripts/test.sh tests/integration/test_pooler.py --quiet "$@"
