#!/usr/bin/env bash
# Run the tests with every supported Python that this machine has, each in an environment of its own.
#   scripts/test_all.sh [VERSION...]
set -euo pipefail
cd "$(dirname "$0")/.."

versions=("$@")
test $# -gt 0 || versions=(3.11 3.12 3.13)
for version in "${versions[@]}"; do
    # A launcher on PATH may name a Python that is not installed, so each one has to show that it runs.
    for python in "python$version" "${HOME:-}"/.pyenv/versions/"$version".*/bin/"python$version"; do
        if "$python" -c "" 2>/dev/null; then
            echo "== Python $version"
            make test PYTHON="$python"
            continue 2
        fi
    done
    echo "== Python $version is not installed: skipped"
done
