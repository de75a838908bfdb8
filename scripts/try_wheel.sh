#!/usr/bin/env bash
# Install the built wheel as a stranger would, in an environment that never saw this folder, and ask for its version.
#   UV=path/to/uv scripts/try_wheel.sh PYTHON
set -euo pipefail
cd "$(dirname "$0")/.."

python=$(realpath "$1")
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
ls dist
"${UV:-uv}" venv --quiet --python "$python" "$room/venv"
# The locked versions keep the check repeatable; nothing but the runtime dependencies is installed.
"${UV:-uv}" pip install --quiet --python "$room/venv/bin/python" --only-binary :all: \
    --constraint requirements/demo.txt dist/*.whl
cd "$room"
venv/bin/penstock --version
