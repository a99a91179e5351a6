#!/usr/bin/env bash
# Stop new batches on every worker: scripts/wiki_embeddings_pause.sh [SOURCE] [OPTIONS]
#
# Batches in flight finish; a backfill ends and reports who paused it and why. Without SOURCE: all
# sources. wiki_embeddings_stop.sh is the same; wiki_embeddings_resume.sh ends it.
#
#   --why TEXT      the reason, shown by the status
#   --until WHEN    when the pause ends: 2h, 30min, or a time
#
# Exit codes: 0 paused; 2 wrong usage or settings; 3 Postgres is unreachable.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

hand_over scripts/wiki_embeddings_pause.sh pause "$@"
