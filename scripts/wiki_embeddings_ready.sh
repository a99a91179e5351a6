#!/usr/bin/env bash
# Ask whether every chunk is embedded: scripts/wiki_embeddings_ready.sh [SOURCE] [OPTIONS]
#
# Prints WIKI_EMBEDDINGS_READY=true when no row misses its vector but the skipped ones, else false
# and what is in the way. A source without a single vector is not ready. Without SOURCE: of all
# sources, but for the wiki while it was never used and other tables are attached.
#
#   --allow-empty   take a source that holds no vectors for ready
#   --json          print JSON
#
# Exit codes: 0 ready; 1 not ready, or no source is attached; 2 wrong usage or settings; 3 Postgres
# is out of reach.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

hand_over scripts/wiki_embeddings_ready.sh ready "$@"
