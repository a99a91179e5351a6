#!/usr/bin/env bash
# Show the status: scripts/wiki_embeddings_status.sh [OPTIONS]
#
# Coverage, rate and time left, queue, pauses, unreachable embedding servers, failures by class, and
# workers, of all sources.
#
#   --json          print JSON
#
# Exit codes: 0 shown; 2 wrong usage or settings; 3 Postgres is unreachable.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

hand_over scripts/wiki_embeddings_status.sh status "$@"
