#!/usr/bin/env bash
# Queue what is missing: scripts/wiki_embeddings_enqueue.sh [SOURCE] [OPTIONS]
#
# Every missing chunk that waits in no job and in no failure is queued; repeating adds nothing.
# Without SOURCE: of all sources. A worker embeds them; wiki_embeddings_backfill.sh does both.
#
#   --dry-run       say how many, write nothing
#   --max-chunks N  queue at most so many chunks
#   --batch-size N  chunks a job; unless given, as many as the source likes
#   --json          print JSON
#
# Exit codes: 0 done, also when nothing was left to queue; 2 wrong usage or settings; 3 Postgres is
# out of reach.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

hand_over scripts/wiki_embeddings_enqueue.sh enqueue "$@"
