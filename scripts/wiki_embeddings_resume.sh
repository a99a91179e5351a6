#!/usr/bin/env bash
# End a pause: scripts/wiki_embeddings_resume.sh [SOURCE]
#
# Running workers continue at once; a backfill that the pause ended must be started again.
# Without SOURCE: all sources.
#
# Exit codes: 0 resumed, also when nothing was paused; 2 wrong usage or settings; 3 Postgres is
# unreachable.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

hand_over scripts/wiki_embeddings_resume.sh resume "$@"
