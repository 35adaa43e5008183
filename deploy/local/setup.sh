#!/usr/bin/env bash
# Makes .venv with the pinned dependencies. Idempotent: does nothing when neither pyproject.toml nor constraints.txt changed.
set -euo pipefail
cd "$(dirname "$0")/../.."

stamp=.venv/.dubline-setup
wanted=$(cat pyproject.toml constraints.txt deploy/local/setup.sh | sha256sum | cut -d' ' -f1)
if [[ -f $stamp && $(cat "$stamp") == "$wanted" ]]; then
  exit 0
fi

began=$SECONDS
step() { printf '[setup %s/3] %s (about %s left)\n' "$1" "$2" "$3"; }
fail() { printf 'Error: %s\n' "$1" >&2; exit 1; }

step 1 "Looking for Python 3.11 or newer" "3 min"
python=""
for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
  if [[ -n $candidate ]] && command -v "$candidate" >/dev/null &&
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[[ -n $python ]] || fail "no Python >= 3.11 here. Run: sudo apt-get install python3 python3-venv"
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "this Python has no venv. Run: sudo apt-get install python3-venv"
[[ -x .venv/bin/python ]] || "$python" -m venv .venv

# Wheels of torch without CUDA are a tenth of the size; they are on an index of their own.
extra=()
if ! command -v nvidia-smi >/dev/null; then
  index=https://download.pytorch.org/whl/cpu
  if .venv/bin/python - "$index" <<'PROBE' 2>/dev/null
import sys, urllib.request
urllib.request.urlopen(sys.argv[1] + "/torch/", timeout=4).close()
PROBE
  then
    extra=(--extra-index-url "$index")
  fi
fi

step 2 "Installing the pinned dependencies, mostly torch, OpenCV and MediaPipe" "3 min"
log=.venv/setup.log
.venv/bin/python -m pip install --disable-pip-version-check --constraint constraints.txt "${extra[@]}" --editable '.[dev]' \
  >"$log" 2>&1 &
pip=$!
trap 'kill $pip 2>/dev/null' EXIT
while kill -0 $pip 2>/dev/null; do
  sleep 10
  kill -0 $pip 2>/dev/null && printf '  %3d s of about 180  %s\n' $((SECONDS - began)) \
    "$(grep -aoE '^(Collecting|  Downloading|Building|Installing) ?[^ ]*( [^ ]*)?' "$log" | tail -n 1)"
done
wait $pip || { tail -n 20 "$log" >&2; fail "pip could not install the dependencies (the whole log: $log)"; }
trap - EXIT

step 3 "Compiling" "10 s"
.venv/bin/python -m compileall -q shared services studies
echo "$wanted" >"$stamp"
printf 'Set up in %d s.\n' $((SECONDS - began))
