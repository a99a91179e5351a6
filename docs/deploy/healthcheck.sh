#!/bin/sh
# Whether a container's worker is healthy: it lives, its database can be used, and what waits has a
# worker. Asks `wikiembed doctor`.
#
# What doctor says of embedding servers, sources and invariants makes no container unhealthy: an
# outage is waited for. A statement that takes more than 5 s is cut off, a server that does not
# answer as well.
set -eu

if [ -n "${WIKIEMBED_ALIVE_FILE:-}" ] && [ -z "$(find "$WIKIEMBED_ALIVE_FILE" -mmin -1 2>/dev/null)" ]; then
  echo "The worker's event loop stands still."
  exit 1
fi

found=$(PGOPTIONS="${PGOPTIONS:-} -c statement_timeout=5s" WIKIEMBED_REQUEST_TIMEOUT_S=5 \
  wikiembed doctor --json 2>/dev/null) || true
echo "${found:-null}" | python3 -c '
import json, sys

found = json.load(sys.stdin)
if found is None:
    sys.exit("doctor could not ask the database.")
ours = {"database", "postgres", "schema", "workers"}
faults = [one["sentence"] for one in found if one["level"] == "fault" and one["name"] in ours]
sys.exit(" ".join(faults) or None)
'
