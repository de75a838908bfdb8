#!/usr/bin/env bash
# Write the hash-locked requirements anew: UV=path/to/uv scripts/lock.sh [--upgrade]
# dev.txt is resolved first; the smaller ones must agree with it, since levels are installed on top of one another.
# Neither headers nor annotations are written: they would carry paths and index addresses of the machine that locks.
set -euo pipefail
cd "$(dirname "$0")/.."

lock() {
    "${UV:-uv}" pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
        --python-version 3.11 "$@"
}

lock pyproject.toml --group build --group dev --output-file requirements/dev.txt "$@"
lock pyproject.toml --group build --group test --constraint requirements/dev.txt --output-file requirements/test.txt
lock pyproject.toml --group build --group examples --constraint requirements/dev.txt --output-file requirements/demo.txt
lock --group uv --constraint requirements/dev.txt --output-file requirements/uv.txt
