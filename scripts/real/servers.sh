#!/usr/bin/env bash
# Run the tests on servers of models: scripts/real.sh servers [PYTEST ARGUMENTS]
#
# Each server is a setting with its URL, a space, and the name of its model; one that is not set is
# skipped. How to start them: docs/how-to/servers.
#
#   WIKIEMBED_TEST_LLAMA_SERVER   llama-server, as "http://127.0.0.1:8080 minilm"
#   WIKIEMBED_TEST_INFINITY       infinity, started with --url-prefix /v1
#   WIKIEMBED_TEST_LITELLM        LiteLLM in front of llama-server
#   WIKIEMBED_TEST_SERVER_KEY     the API key of LiteLLM
set -euo pipefail

# shellcheck source=scripts/real/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ "${1:-}" == --help ]]; then
  usage scripts/real/servers.sh
  exit
fi
given=${WIKIEMBED_TEST_LLAMA_SERVER:-}${WIKIEMBED_TEST_INFINITY:-}${WIKIEMBED_TEST_LITELLM:-}
if [[ -z $given ]]; then
  skip "it needs a server: set WIKIEMBED_TEST_LLAMA_SERVER, WIKIEMBED_TEST_INFINITY or WIKIEMBED_TEST_LITELLM"
fi
./scripts/test.sh tests/real/test_servers.py --quiet "$@"
