#!/usr/bin/env bash
# Queue failed chunks again: scripts/wiki_embeddings_retry.sh [SOURCE] [OPTIONS]
#
# Skipped ones are queued only when they are named by key or class. Without SOURCE: all sources.
#
#   --class WORD    only failures of this class: see docs/reference/failures.md
#   --key KEY       only this chunk; may be repeated
#
# Exit codes: 0 done, also when nothing had failed; 2 wrong usage or settings; 3 Postgres is
# unreachable.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

hand_over scripts/wiki_embeddings_retry.sh retry "$@"
