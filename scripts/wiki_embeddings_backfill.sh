#!/usr/bin/env bash
# Embed all missing chunks: scripts/wiki_embeddings_backfill.sh [SOURCE] [OPTIONS]
#
# Starts the database and migrates the schema if needed, queues the missing chunks, runs a worker until
# the queue is empty, and reports. Idempotent: it may be stopped, repeated, and run twice at the same
# time. Without SOURCE: all sources. The database is that of WIKIEMBED_DATABASE_URL, else an embedded
# Postgres.
#
# Standard output is JSON lines: progress (done, missing, failed, chunks_per_s, eta_s), one line per
# failed chunk, and the result.
#
#   --dry-run         estimate jobs, chunks and time in words (in JSON with --json), write nothing
#   --batch-size N    chunks per job (default: the source's batch size)
#   --max-chunks N    queue at most N chunks, and end when N are embedded
#   --report-every N  batches between progress lines (50); at least one line every 30 s
#   --concurrency N   batches in flight (default: adaptive)
#   --allow-failures  exit with 0 even if chunks failed
#   --with-postgres   start the Postgres of compose.yaml and use it
#   --with-ollama     start the Ollama of compose.yaml, pull the model and use it; the first pull is
#                     slow. WIKIEMBED_START_OLLAMA=1 is the same
#
# Ctrl-C: batches in flight finish; a second one returns their jobs to the queue.
#
# Exit codes: 0 nothing is missing, or --max-chunks are embedded; 1 chunks are missing at the end
# (counted by error class on standard error), or only paused sources are left; 2 wrong usage or
# settings, or Docker is required and not installed; 3 Postgres, Docker or the embedding server is
# unreachable; 130, 143 stopped by Ctrl-C or SIGTERM.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

with_postgres=0 dry_run=0
with_ollama=$(setting WIKIEMBED_START_OLLAMA 0)
arguments=()
for argument in "$@"; do
  case $argument in
    --help | -h)
      usage scripts/wiki_embeddings_backfill.sh
      exit
      ;;
    --with-postgres) with_postgres=1 ;;
    --with-ollama) with_ollama=1 ;;
    --dry-run)
      dry_run=1
      arguments+=("$argument")
      ;;
    *) arguments+=("$argument") ;;
  esac
done

if is_on "$with_postgres"; then
  require_docker --with-postgres
  start_service postgres "The Postgres of compose.yaml"
  password=$(setting POSTGRES_PASSWORD wikiembed)
  export WIKIEMBED_DATABASE_URL="postgresql://wikiembed:$password@127.0.0.1:5432/wikiembed"
fi

if is_on "$with_ollama"; then
  require_docker --with-ollama
  WIKIEMBED_MODEL=$(setting WIKIEMBED_MODEL nomic-embed-text)
  WIKIEMBED_EMBEDDER_URL=$(setting WIKIEMBED_EMBEDDER_URL http://127.0.0.1:11434)
  export WIKIEMBED_EMBEDDER=ollama WIKIEMBED_MODEL WIKIEMBED_EMBEDDER_URL
  echo "Starting Ollama: the first pull of its image and of $WIKIEMBED_MODEL takes long, up to an hour." >&2
  start_service ollama Ollama
  if ! docker compose exec -T ollama ollama pull "$WIKIEMBED_MODEL" >&2; then
    echo "Ollama cannot pull $WIKIEMBED_MODEL: see \`docker compose logs ollama\`." >&2
    exit 3
  fi
  if [[ $WIKIEMBED_MODEL == nomic-embed-text* && -z $(setting WIKIEMBED_DOCUMENT_PREFIX) ]]; then
    echo "Note: $WIKIEMBED_MODEL expects WIKIEMBED_DOCUMENT_PREFIX='search_document: '." >&2
  fi
fi

find_wikiembed
if ((dry_run)); then
  exec "$wikiembed" backfill "${arguments[@]}"
fi
# A role that may not migrate does not have to, where the schema is current.
"$wikiembed" status --json >/dev/null 2>&1 || "$wikiembed" migrate >&2
exec "$wikiembed" backfill --json ${arguments[@]+"${arguments[@]}"}
