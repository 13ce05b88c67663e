#!/usr/bin/env bash
# Trains on a GPU machine without internet, from a copy of this repository and what `make gpu-pack` left in .gpu_pack/.
#
#   scripts/gpu_train.sh [--recipe FILE] [--stage all|frames|closed|outlier] [--start WEIGHTS] [--limit MINUTES]
#                        [--minutes MINUTES] [--out FOLDER] [--state FOLDER] [--frames FOLDER] [--small]
#
# --minutes is the training of all stages and calls together, in place of the recipe's: a schedule should end where it began.
# Every call is the same: what is not done yet is done (packages, models, frames, training), for at most --limit minutes.
# A call that runs out of time ends with status 75 after a checkpoint; call it again with the same arguments. Progress is
# kept in --state (default .gpu_run/), and so is what was unpacked from .gpu_pack/: where its parts are too much to carry
# at once, `--stage frames` needs all but start.safetensors, and what follows needs that alone.
# What there is to bring home is written to --out at the end of every call: weights in float16, and logs, curves and
# pictures in one archive.
# --small is a dry run of everything on any machine: a narrow network, a few frames, two steps a stage.
# PYTHON names the interpreter that has torch (default python3).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
began=$SECONDS

python=${PYTHON:-python3}
pack=${GPU_PACK:-.gpu_pack}
state=.gpu_run
out=${OUT:-gpu_out}
recipe=config/recipes/street.yaml
stage=all
minutes=
limit=9
start=
frames=
small=
results_s=30 # kept for the last step

say() { printf '%s\n' "gpu_train: $*" >&2; }
fail() { say "error: $*"; exit 2; }

while [ $# -gt 0 ]; do
    case $1 in
        --small) small=1; shift ;;
        --recipe | --stage | --start | --minutes | --limit | --out | --state | --frames)
            [ $# -ge 2 ] || fail "$1: expected a value, found none"
            declare "${1#--}=$2"
            shift 2
            ;;
        -h | --help) sed -n '2,/^set /{s/^# \{0,1\}//;/^set /d;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) fail "unknown argument $1 (try --help)" ;;
    esac
done
[[ $limit =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail "--limit: expected minutes, found $limit"
[ -f "$recipe" ] || fail "--recipe: expected a file, found nothing at $recipe"
[ -z "$start" ] || [ -f "$start" ] || fail "--start: expected a file, found nothing at $start"
mkdir -p "$state" "$out"
state=$(cd "$state" && pwd)
left_s() { echo $(($(printf '%.0f' "$(echo "$limit" | awk '{print $1 * 60}')") - (SECONDS - began) - results_s)); }

"$python" -c 'import torch' 2>/dev/null || fail "expected a Python with torch, found none in $(command -v "$python" || echo "$python"); name one with PYTHON=…"

source scripts/gpu_machine.sh
[ -d cutouts ] || [ ! -d "$pack/cutouts" ] || cp -r "$pack/cutouts" cutouts

if [ -n "$small" ]; then
    recipe=$state/small.yaml
    cat >"$recipe" <<'YAML'
data: {clean_frames: 2, negative_frames: 2, validation_frames: 2, cutouts: 2}
network: {hidden: 32, mask_features: 16, feedforward: 32, heads: 4, decoder_layers: 1, queries: 8}
closed: {iterations: 2, phases: [{until: 1, crop: [64, 96], batch: 2}]}
outlier: {iterations: 2, mixture: {pasted: 0.5, rendered: 0.5}, phases: [{until: 1, crop: [64, 96], batch: 2}]}
log: {validation_frames: 2}
YAML
    start=
elif [ -z "$start" ] && [ -f "$pack/start.safetensors" ] && ! { [ "$stage" = outlier ] && [ -f "$state/run/closed.safetensors" ]; }; then
    start=$pack/start.safetensors
fi

if [ -n "$small" ] && [ ! -f "$state/small.safetensors" ]; then
    # ImageNet weights are not needed to see whether everything works.
    "$python" - "$recipe" "$state/small.safetensors" <<'PYTHON'
import sys

from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.network.weights import save_weights
from ros_anomaly.training.recipe import load_recipe

save_weights(sys.argv[2], AnomalyNetwork(load_recipe(sys.argv[1]).network), {})
PYTHON
fi
[ -z "$small" ] || start=$state/small.safetensors

options=(--recipe "$recipe" --out "$state/run" --stage "$stage" --resume)
[ -z "$start" ] || options+=(--start "$start")
[ -z "$frames" ] || options+=(--frames "$frames")
[ -z "$minutes" ] || options+=(--minutes "$minutes")

seconds=$(left_s)
[ "$seconds" -gt 0 ] || { say "no time left for training; call again with the same arguments"; exit 75; }
say "stage $stage, for at most $seconds s"
status=0
# The first signal lets a step end and a checkpoint be written. Frames are kept shard by shard.
timeout --signal=TERM --kill-after=25 "$seconds" "$python" -m ros_anomaly.cli.train "${options[@]}" || status=$?

[ "$stage" = frames ] || "$python" scripts/gpu_results.py "$state/run" "$out" || say "not all results are as they should be (above)"
case $status in
    0) say "finished; results in $out" ;;
    124 | 130 | 137 | 143) say "not finished; call again with the same arguments (so far: $out)"; exit 75 ;;
    *) say "training failed with status $status"; exit "$status" ;;
esac
