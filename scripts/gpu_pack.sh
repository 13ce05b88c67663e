#!/usr/bin/env bash
# Makes .gpu_pack/: what scripts/gpu_train.sh needs on a GPU machine that has torch but no internet (`make gpu-pack`).
#
#   wheels/             Python packages that the machine may lack: GPU_WHEELS (names pinned in constraints.txt)
#   debs/               loaders of EGL and OpenGL, used only where the machine has none
#   models.xz           the object models of the streets, to render frames there
#   cutouts/            pictures to paste (`make cutouts`)
#   start.safetensors   the network of RECIPE with its backbone's ImageNet weights, or START, in float16
#
# Together with the repository it must fit GPU_PACK_LIMIT_MIB (64), what a copy of the working tree may weigh; without
# start.safetensors, where that is carried later (`gpu_train.sh --stage frames` does without).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${VENV:-.venv}/bin/python
pack=${GPU_PACK:-.gpu_pack}
recipe=${RECIPE:-config/recipes/street.yaml}
start=${START:-}
limit_mib=${GPU_PACK_LIMIT_MIB:-64}
wheels=${GPU_WHEELS:-moderngl glcontext onnxslim}
version=${GPU_PYTHON:-3.12}
machine=${GPU_MACHINE:-x86_64}
debs=(libegl1 libglvnd0 libopengl0 libgl1 libglx0 libgles2)

say() { printf '%s\n' "gpu-pack: $*" >&2; }

mkdir -p "$pack"
say "wheels for Python $version on $machine: $wheels"
rm -rf "$pack/wheels" && mkdir -p "$pack/wheels"
pins=()
for name in $wheels; do
    pin=$(grep -i "^${name//_/[-_]}==" constraints.txt) || { say "error: expected $name in constraints.txt, found none"; exit 1; }
    pins+=("$pin")
done
platforms=()
for glibc in 2_28 2_27 2_24 2_17; do platforms+=(--platform "manylinux_${glibc}_$machine"); done
if [ ${#pins[@]} -gt 0 ]; then
    "$python" -m pip --disable-pip-version-check download --quiet --no-deps --only-binary=:all: --implementation cp \
        --python-version "$version" "${platforms[@]}" --platform "manylinux2014_$machine" \
        --platform "manylinux1_$machine" --dest "$pack/wheels" "${pins[@]}"
fi

if [ ! -d "$pack/debs" ]; then
    rm -rf "$pack/debs.partial" && mkdir -p "$pack/debs.partial"
    if (cd "$pack/debs.partial" && apt-get download "${debs[@]}" >/dev/null 2>&1); then
        mv "$pack/debs.partial" "$pack/debs"
    else
        rm -rf "$pack/debs.partial"
        say "no Debian packages could be fetched; the GPU machine must have libEGL.so.1 itself"
    fi
fi

if [ ! -f "$pack/models.xz" ] || [ -n "$(find sim/street scripts/gpu_models.py -name '*.py' -newer "$pack/models.xz" -print -quit)" ]; then
    say "packing object models (a few minutes)"
    "$python" scripts/gpu_models.py pack "$pack/models.xz.partial"
    mv "$pack/models.xz.partial" "$pack/models.xz"
fi

"$python" scripts/emoji_cutouts.py cutouts/fluent_emoji
rm -rf "$pack/cutouts" && cp -r cutouts "$pack/cutouts"

case $start in
    none) rm -f "$pack/start.safetensors" ;;
    *)
        say "start weights: ${start:-ImageNet, network of $recipe}"
        "$python" - "$recipe" "$start" "$pack/start.safetensors" <<'PYTHON'
import sys
from pathlib import Path

import torch

from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.network.pretrained import load_pretrained_backbone
from ros_anomaly.network.weights import load_weights, save_weights
from ros_anomaly.training.recipe import load_recipe

recipe, start, target = load_recipe(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
info = {"start": start or "ImageNet"}
if start:
    network, _ = load_weights(start)
else:
    torch.manual_seed(recipe.seed)
    network = AnomalyNetwork(recipe.network)
    load_pretrained_backbone(network, None)
save_weights(target, network, info, half=True)
PYTHON
        ;;
esac

bytes() { find "$@" -type f -printf '%s\n' 2>/dev/null | awk '{ total += $1 } END { printf "%.0f", total }'; }
mib() { awk -v bytes="$1" 'BEGIN { printf "%.1f", bytes / 1048576 }'; }
tree=$(git ls-files -z --cached --others --exclude-standard | xargs -0 stat --format %s 2>/dev/null | awk '{ total += $1 } END { printf "%.0f", total }')
all=$((tree + $(bytes "$pack")))
first=$all
[ ! -f "$pack/start.safetensors" ] || first=$((all - $(bytes "$pack/start.safetensors")))
for part in "$pack"/*; do printf '%8s MiB  %s\n' "$(mib "$(bytes "$part")")" "$part"; done
printf '%8s MiB  %s\n' "$(mib "$tree")" "the repository (tracked, and untracked that is not ignored)"
printf '%8s MiB  %s\n' "$(mib "$first")" "without start.safetensors, of $limit_mib MiB"
printf '%8s MiB  %s\n' "$(mib "$all")" "all together"
limit=$((limit_mib * 1048576))
if [ "$first" -gt "$limit" ]; then
    say "error: expected at most $limit_mib MiB to carry at once, found $(mib "$first")"
    exit 1
elif [ "$all" -gt "$limit" ]; then
    say "too much for one call: carry all but start.safetensors for gpu_train.sh --stage frames, and that alone after it"
fi
