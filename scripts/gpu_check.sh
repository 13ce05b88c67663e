#!/usr/bin/env bash
# Holds every backend that this machine has to torch in float32, over 50 street frames, in fp32 and fp16: the acceptance
# test of a Jetson or a PC, and what is run where a GPU is at hand (`make gpu-check`).
#
#   scripts/gpu_check.sh [--save FOLDER] [--require tensorrt] [--images FOLDER] [other arguments]
#
# The figures go to FOLDER/<device>.json (default docs/benchmarks, or $OUT). What is missing or refuses the device is in
# them with its message. Ends with status 0 where every engine that ran agrees, and all of --require among them; other
# arguments are those of `ros-anomaly-benchmark parity` (--help lists them).
# Frames are rendered; on a machine that cannot, give a folder of pictures or a bag of ros-anomaly-record-streets.
# Python is that of .venv where there is one, else the one that PYTHON names (default python3): it needs numpy, OpenCV,
# PyYAML and psutil, and torch with transformers, onnx, onnxscript and onnxslim to export fp16 (or --half-engine with one
# that was exported elsewhere). A machine without internet may have a pack of `make gpu-pack` beside it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

pack=${GPU_PACK:-.gpu_pack}
python=${VENV:-.venv}/bin/python
if [ -x "$python" ]; then
    pack=none # an environment of `make setup` lacks nothing, and the pack's wheels are for another Python
else
    python=${PYTHON:-python3}
fi
state=${GPU_STATE:-.gpu_run}
minutes=2.5 # to try backends; with frames, exports and `make gpu-bench` eight in all
save=${OUT:-docs/benchmarks}

say() { printf '%s\n' "gpu-check: $*" >&2; }
fail() { say "error: $*"; exit 2; }

if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then
    sed -n '2,/^set /{s/^# \{0,1\}//;/^set /d;p}' "${BASH_SOURCE[0]}"
    exit 0
fi
for module in numpy cv2 yaml psutil; do
    "$python" -c "import $module" 2>/dev/null || fail "expected a Python with $module, found none in $python; name one with PYTHON=…"
done
mkdir -p "$state"
state=$(cd "$state" && pwd)
source scripts/gpu_machine.sh

exec "$python" -m ros_anomaly.cli.benchmark parity --limit-min "$minutes" --save "$save" "$@"
