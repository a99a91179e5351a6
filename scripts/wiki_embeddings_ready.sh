#!/usr/bin/env bash
# Check whether every chunk is embedded: scripts/wiki_embeddings_ready.sh [SOURCE] [OPTIONS]
#
# Prints WIKI_EMBEDDINGS_READY=true when every row has a vector or is skipped, else false and the
# reasons. A source without a single vector is not ready. Without SOURCE: all sources, except the
# wiki as long as it has never been embedded and other tables are attached.
#
#   --allow-empty   accept a source without vectors as ready
#   --json          print JSON
#
# Exit codes: 0 ready; 1 not ready, or no source is attached; 2 wrong usage or settings; 3 Postgres
# is unreachable.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

hand_over scripts/wiki_embeddings_ready.sh ready "$@"
