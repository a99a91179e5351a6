#!/usr/bin/env bash
# Queue the missing chunks: scripts/wiki_embeddings_enqueue.sh [SOURCE] [OPTIONS]
#
# Queues every missing chunk that is in no job and no failure; idempotent. Without SOURCE: all
# sources. A worker embeds them; wiki_embeddings_backfill.sh does both.
#
#   --dry-run       print the number, write nothing
#   --max-chunks N  queue at most N chunks
#   --batch-size N  chunks per job (default: the source's batch size)
#   --json          print JSON
#
# Exit codes: 0 done, also when nothing was left to queue; 2 wrong usage or settings; 3 Postgres is
# unreachable.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

hand_over scripts/wiki_embeddings_enqueue.sh enqueue "$@"
