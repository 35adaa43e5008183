#!/usr/bin/env bash
# A session on one large GPU (141 GB for all parts, 48 GB for 1.3B and FP8), in parts that are each complete alone and end within 150 s,
# the most valuable first:
#
#   1.3b  14b  14b-fp8   one stream and first frame (these three within 400 s)
#   speedup              over the 50-step teacher, at both sizes
#   1.3b-over-8          several streams
#   compile  16-streams  training
#
#   benchmarks/gpu_session.sh [--parts 1.3b,14b] [--rehearse] [FOLDER]      FOLDER: where results go, default benchmarks/results
#   PYTHON=python3 ...        an interpreter with torch for CUDA, numpy and safetensors, when there is no .venv
#   COMMIT=$(git describe --always --dirty) ...     names the commit where there is no repository
#
# Leaves session.json, which is on disk after every row, and session.log. A part that fails or runs out of time costs only itself;
# exit 1 says that one did. `python benchmarks/gpu_table.py` then fills the table of docs/results/performance.md.
# --rehearse runs everything on a CPU, with small sizes and a recorder in place of CUDA.
set -uo pipefail
cd "$(dirname "$0")/.."
parts="" rehearse="" out=""
while (($#)); do
  case $1 in
    --parts) parts=${2//,/ }; shift 2 ;;
    --rehearse) rehearse=--rehearse; shift ;;
    *) out=$1; shift ;;
  esac
done
out=${out:-$([[ -n $rehearse ]] && mktemp -d || echo benchmarks/results)}
python=${PYTHON:-$([[ -x .venv/bin/python ]] && echo .venv/bin/python || echo python3)}
export PYTHONPATH=shared:. PYTHONUNBUFFERED=1 PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True
mkdir -p "$out"
exec > >(tee -a "$out/session.log") 2>&1

# Threads wait for each other by spinning: on cores that others use too, one is faster than two.
[[ -z $rehearse ]] || export OMP_NUM_THREADS=1
[[ -n $rehearse ]] || "$python" -c 'import torch; assert torch.cuda.is_available()' || { echo "no CUDA device that torch can use"; exit 1; }
known=$("$python" benchmarks/session.py list) || exit 1
failed=0
for part in ${parts:-$(cut -d' ' -f1 <<<"$known")}; do
  limit=$(awk -v part="$part" '$1 == part {print $2}' <<<"$known")
  [[ -n $limit ]] || { echo "no part is called $part; there are: $(cut -d' ' -f1 <<<"$known" | xargs)"; failed=1; continue; }
  echo "== $part (at $SECONDS s, at most $limit s)"
  timeout "$limit" "$python" benchmarks/session.py "$part" $rehearse --out "$out" || { echo "failed: $part"; failed=1; }
done
echo "done after $SECONDS s: $out"
exit $failed
