#!/usr/bin/env bash
# The whole GPU session in one call, in less than ten minutes on one large GPU: 1.3B and 14B, bf16, torch.compile and FP8, CUDA
# graphs, continuous batching, and the speed-up over the teacher. Writes JSON, and the tables of docs/performance.md as gpu.md.
# Where enough of the time is left, a few steps of the 1.3B student's distillation too (100 GiB; its Python needs structlog).
#
#   benchmarks/gpu_session.sh [FOLDER]        FOLDER: where results go, default benchmarks/results
#   PYTHON=python3 ...                        an interpreter with torch for CUDA, when there is no .venv
#
# Every part has its own process and time limit, so that one that fails costs only itself. Exit 1 when any part failed.
set -uo pipefail
cd "$(dirname "$0")/.."
out=${1:-benchmarks/results}
python=${PYTHON:-$([[ -x .venv/bin/python ]] && echo .venv/bin/python || echo python3)}
export PYTHONPATH=shared:. PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True
mkdir -p "$out"

"$python" -c 'import torch; assert torch.cuda.is_available()' || { echo "no CUDA device that torch can use" >&2; exit 1; }
nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv

failed=0
part() { # seconds, then the command
  echo "== $2 ${*:3} (at $SECONDS s)"
  timeout "$1" "$python" "${@:2}" --out "$out" || { echo "failed: $2 ${*:3}" >&2; failed=1; }
}
part 170 benchmarks/bench_generation.py --preset 1.3b --compile --fp8
part 220 benchmarks/bench_generation.py --preset 14b --compile --fp8 --blocks 6
part 60 benchmarks/bench_speedup.py --preset 1.3b
part 110 benchmarks/bench_speedup.py --preset 14b
if ((SECONDS < 440)); then
  part 140 benchmarks/bench_training.py --recipe sf_1_3b
else
  echo "left out at $SECONDS s: benchmarks/bench_training.py"
fi
"$python" benchmarks/gpu_table.py "$out" | tee "$out/gpu.md"
echo "done after $SECONDS s"
exit $failed
