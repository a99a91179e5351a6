#!/usr/bin/env bash
# Let no batch begin, on any worker: scripts/wiki_embeddings_pause.sh [SOURCE] [OPTIONS]
#
# Batches in flight finish; a backfill ends and says who paused it and why. Without SOURCE: all
# sources. wiki_embeddings_stop.sh is the same; wiki_embeddings_resume.sh ends it.
#
#   --why TEXT      the reason, shown by the status
#   --until WHEN    when it ends by itself: 2h, 30min, or a time
#
# Exit codes: 0 paused; 2 wrong usage or settings; 3 Postgres is out of reach.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

hand_over scripts/wiki_embeddings_pause.sh pause "$@"
