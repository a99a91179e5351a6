#!/usr/bin/env bash
# Run wikiembed on what it claims to run on: scripts/real.sh [PART] [OPTIONS] [PYTEST ARGUMENTS]
#
# Without PART all of them, one after the other. A part that cannot run on this machine is skipped
# and says what it needs. Results are in docs/reference/tested.md.
#
#   versions   tests/sql on another Postgres, with ICU: a server by URL, or made from Debian's packages
#   docker     compose.yaml from an empty volume: needs Docker with its plugin compose
#   pooler     writers, readers, workers and commands through pgbouncer: needs pgbouncer
#   citus      attach, workers and doctor on a cluster of Citus: needs its extension, or its source
#   servers    llama-server, infinity and LiteLLM: each needs a running server, by its URL
#
# `scripts/real.sh PART --help` shows the options of a part.
#
# Exit codes: 0 what ran has passed, or was skipped; 1 a test failed; 2 wrong usage.
set -euo pipefail

# shellcheck source=scripts/real/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/real/lib.sh"

PARTS=(versions docker pooler citus servers)
part=${1:-}
case $part in
  --help | -h)
    usage scripts/real.sh
    exit
    ;;
  '') ;;
  *)
    if [[ " ${PARTS[*]} " != *" $part "* ]]; then
      echo "There is no part '$part': it is one of ${PARTS[*]}." >&2
      exit 2
    fi
    PARTS=("$part")
    shift
    ;;
esac

failed=0
for part in "${PARTS[@]}"; do
  echo "== $part" >&2
  code=0
  "scripts/real/$part.sh" "$@" || code=$?
  case $code in
    0) ;;
    "$SKIPPED") ;;
    2) exit 2 ;;
    *) failed=1 ;;
  esac
done
exit "$failed"
