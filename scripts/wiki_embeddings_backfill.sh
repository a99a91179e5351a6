#!/usr/bin/env bash
# Embed what is missing, to its end: scripts/wiki_embeddings_backfill.sh [SOURCE] [OPTIONS]
#
# Sees that database and schema are up, queues what is missing, runs a worker until the queue is
# dry, and reports. May be stopped and run again at any time, and run twice at once. Without SOURCE:
# all sources. The database is that of WIKIEMBED_DATABASE_URL, else an embedded Postgres.
#
# Standard output is JSON lines: progress (done, missing, failed, chunks_per_s, eta_s), one for each
# chunk that failed, and how it ended.
#
#   --dry-run         estimate jobs, chunks and time in words (in JSON with --json), write nothing
#   --batch-size N    chunks a job; unless given, as many as the source likes
#   --max-chunks N    queue at most so many, and end once so many are embedded
#   --report-every N  batches between lines of progress (50); one comes each 30 s at least
#   --concurrency N   batches in flight; unless given, as many as the server gains by
#   --allow-failures  exit with 0 though chunks failed
#   --with-postgres   start the Postgres of compose.yaml and use it
#   --with-ollama     start the Ollama of compose.yaml, pull the model and use it; the first pull is
#                     long. WIKIEMBED_START_OLLAMA=1 is the same
#
# Ctrl-C: batches in hand finish; a second one gives their jobs back to the queue.
#
# Exit codes: 0 nothing is missing, or --max-chunks are embedded; 1 chunks are missing at its end
# (counted by error class on standard error), or somebody paused what is left; 2 wrong usage or
# settings, or Docker is asked for and not installed; 3 Postgres, Docker or the embedding server is
# out of reach; 130, 143 stopped by Ctrl-C or SIGTERM.
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
# Whoever may not migrate has no need to where the schema is up.
"$wikiembed" status --json >/dev/null 2>&1 || "$wikiembed" migrate >&2
exec "$wikiembed" backfill --json ${arguments[@]+"${arguments[@]}"}
