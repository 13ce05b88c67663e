#!/usr/bin/env bash
# Which negatives help: fine-tunes one closed-set network once for every kind of them, all else being equal, and measures the
# results side by side on 100 validation frames. And what a backbone that knows ImageNet is worth: two closed sets, from it and from
# random numbers.
#
#   scripts/ablation.sh CLOSED.safetensors FRAMES OUT [ITERATIONS]
#
# FRAMES are those that ros-anomaly-train rendered for config/recipes/street.yaml. Each network takes ITERATIONS (default
# 500) steps at half the size of the recipe's crops; they are short runs, to be compared with each other alone. What is
# there already in OUT is kept, a run that was cut off goes on. The tables are OUT/negatives/ablation.md, OUT/kinds/ablation.md
# (negatives of one kind tested on kinds never shown) and OUT/backbone/ablation.md.
# PYTHON names the interpreter (default .venv/bin/python).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${PYTHON:-.venv/bin/python}
fail() { printf '%s\n' "ablation: error: $*" >&2; exit 2; }

[ $# -ge 3 ] || fail "expected CLOSED.safetensors FRAMES OUT, found $# arguments"
closed=$1 frames=$2 out=$3 iterations=${4:-500}
[ -f "$closed" ] || fail "CLOSED: expected a weights file, found nothing at $closed"
[ -d "$frames" ] || fail "FRAMES: expected a folder, found none at $frames"
mkdir -p "$out"

train() { # LABEL STAGE SETTING…
    local run=$out/$1 stage=$2 settings=()
    shift 2
    [ ! -f "$run/$stage.safetensors" ] || return 0
    for setting in "$@"; do settings+=(--set "$setting"); done
    if [ "$stage" = outlier ]; then settings+=(--start "$closed"); fi
    "$python" -m ros_anomaly.cli.train --recipe config/recipes/street.yaml --frames "$frames" --out "$run" --resume \
        --stage "$stage" --set data.negatives=null --set network.input_scale=1 \
        --set "$stage.iterations=$iterations" \
        --set "$stage.phases=[{until: 1.0, crop: [240, 400], batch: 4, scale: [0.7, 1.3]}]" \
        --set "$stage.ema_decay=0" --set log.validate_minutes=1000 "${settings[@]}"
}

tune() { # LABEL SETTING…
    train "$1" outlier "${@:2}"
}

measure() { # NAME LABEL=WEIGHTS…
    "$python" -m ros_anomaly.cli.ablation "${@:2}" --frames 100 --out "$out/$1"
}

tune none "outlier.mixture={}"
tune inlier_crops "outlier.mixture={inlier_crops: 0.7}"
tune shapes "outlier.mixture={shapes: 0.7}"
tune pasted "outlier.mixture={pasted: 0.7}"
tune rendered "outlier.mixture={rendered: 0.7}"
tune pasted_and_rendered "outlier.mixture={pasted: 0.35, rendered: 0.35}"
tune plain_pasting "outlier.mixture={pasted: 0.7}" \
    "paste.look={colour_match: 0, feather: 0, shadow: 0, haze: 0, tint: 0, texture: 0}"
tune household "outlier.mixture={pasted: 0.35, rendered: 0.35}" "data.negative_kinds=[household]"

labels=(none inlier_crops shapes pasted plain_pasting rendered pasted_and_rendered)
networks=("closed set=$closed")
for label in "${labels[@]}"; do networks+=("${label//_/ }=$out/$label/outlier.safetensors"); done
measure negatives "${networks[@]}"
measure kinds "household=$out/household/outlier.safetensors" \
    "all kinds=$out/pasted_and_rendered/outlier.safetensors" --seen "household=household" \
    --seen "all kinds=household,shape"

train imagenet closed
train random_numbers closed pretrained_backbone=false closed.backbone_factor=1
measure backbone "ImageNet=$out/imagenet/closed.safetensors" \
    "random numbers=$out/random_numbers/closed.safetensors"
