#!/usr/bin/env bash
# Benchmarks on a GPU machine without internet, from a copy of this repository, with the system's own Python packages
# (`make gpu-bench`): engines in half precision against torch, masks to pixels, thousands of frames at a stretch.
#
#   scripts/gpu_bench.sh [--engine NAME] [--images SOURCE] [--out FOLDER] [--state FOLDER] [--seconds SECONDS] [--small]
#
# Unattended; --seconds (default 240) is what the measuring may take, set-up of each contender aside. What refuses the
# device is in the results with its message. Figures go to FOLDER/<device>.json (default docs/benchmarks), beside what
# that has of other subjects, and to pictures beside it; ROS_ANOMALY_COMMIT="$(git log -1 --format='%H %cI')" names the
# commit where the copy has no history.
# --small is a dry run on any machine: a few frames on the CPU.
# Packages that the machine lacks may lie as wheels in .gpu_pack/wheels (engines of another precision are exported with
# onnxslim: GPU_WHEELS=onnxslim make gpu-pack); they are unpacked to --state (default .gpu_run) and nothing of the
# machine is changed.
# PYTHON names the interpreter that has torch (default python3).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${PYTHON:-python3}
pack=${GPU_PACK:-.gpu_pack}
state=.gpu_run
out=docs/benchmarks
engine=default
images=made-up
seconds=240
small=

say() { printf '%s\n' "gpu_bench: $*" >&2; }
fail() { say "error: $*"; exit 2; }

while [ $# -gt 0 ]; do
    case $1 in
        --small) small=1; shift ;;
        --engine | --images | --out | --state | --seconds)
            [ $# -ge 2 ] || fail "$1: expected a value, found none"
            declare "${1#--}=$2"
            shift 2
            ;;
        -h | --help) sed -n '2,/^set /{s/^# \{0,1\}//;/^set /d;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) fail "unknown argument $1 (try --help)" ;;
    esac
done
[[ $seconds =~ ^[1-9][0-9]*$ ]] || fail "--seconds: expected a whole number above 0, found $seconds"
mkdir -p "$state" "$out"
state=$(cd "$state" && pwd)

"$python" -c 'import torch' 2>/dev/null || fail "expected a Python with torch, found none in $(command -v "$python" || echo "$python"); name one with PYTHON=…"

source scripts/gpu_machine.sh

device=cuda precision=fp16 backends=tensorrt,torch_tensorrt,torch:cuda_graph,torch:cuda
contest=(--rounds 5 --frames 100 --turn-s 3 --warmup 20 --load-s 90 --limit-s "$((seconds / 2))")
ways=(--rounds 3 --frames 100 --turn-s 2 --warmup 5 --load-s 60 --limit-s "$((seconds / 6))")
frames=10000 timed=2000
if [ -n "$small" ]; then
    device=cpu precision=fp32 backends=tensorrt,onnxruntime
    contest=(--engines-only --backends "tensorrt,onnxruntime,onnxruntime:cuda" --rounds 1 --frames 2 --warmup 1)
    ways=(--masks 10 --mask-size 32x18 --size 128x72 --rounds 1 --frames 2 --warmup 1 --epsilons 0)
    frames=20 timed=10
elif ! "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    fail "expected a GPU that torch can use, found none (--small is a dry run without)"
fi

failed=()
part() { # subject, arguments
    local subject=$1
    shift
    say "$subject"
    "$python" -m ros_anomaly.cli.benchmark "$subject" --engine "$engine" --images "$images" "$@" --save "$out" ||
        failed+=("$subject")
}
part engines --device "$device" --precisions "$precision" "${contest[@]}"
part aggregation --device "$device" "${ways[@]}"
part endurance --backends "$backends" --precision "$precision" --frames "$frames" --timed "$timed" \
    --load-s 90 --limit-s "$((seconds / 3))"

[ ${#failed[@]} -eq 0 ] || { say "failed: ${failed[*]} (messages above)"; exit 1; }
say "finished in $SECONDS s; results in $out"
