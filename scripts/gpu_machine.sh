# Sourced by the scripts that run on a GPU machine without internet: makes ready what `make gpu-pack` left in .gpu_pack/.
# Reads python (its interpreter), pack (a folder, which need not exist) and state (a folder that lasts from call to call); needs say.
# shellcheck shell=bash

# Packages that this Python lacks, in a folder of their own: nothing of the machine is changed.
if [ ! -e "$state/site/.ready" ] && compgen -G "$pack/wheels/*.whl" >/dev/null; then
    say "installing $(ls "$pack"/wheels/*.whl | wc -l) wheels"
    "$python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-compile --upgrade \
        --target "$state/site" "$pack"/wheels/*.whl
    touch "$state/site/.ready"
fi
export PYTHONPATH="$PWD:$state/site${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1

# The loaders of EGL and OpenGL, unpacked beside the system's; and the driver, where it lies outside the usual folders.
if [ ! -d "$state/gl" ] && compgen -G "$pack/debs/*.deb" >/dev/null && [[ $(ldconfig -p 2>/dev/null) != *libEGL.so.1* ]]; then
    mkdir -p "$state/gl.partial"
    for deb in "$pack"/debs/*.deb; do dpkg-deb -x "$deb" "$state/gl.partial"; done
    mv "$state/gl.partial" "$state/gl"
fi
for folder in "$state"/gl/usr/lib/*-linux-gnu; do
    [ -d "$folder" ] && export LD_LIBRARY_PATH="$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
done
if [ -z "${__EGL_VENDOR_LIBRARY_FILENAMES:-}" ] && ! compgen -G "/usr/share/glvnd/egl_vendor.d/*nvidia*.json" >/dev/null; then
    for vendor in /etc/glvnd/egl_vendor.d/10_nvidia.json /usr/local/nvidia/share/glvnd/egl_vendor.d/10_nvidia.json; do
        [ -f "$vendor" ] && { export __EGL_VENDOR_LIBRARY_FILENAMES=$vendor; break; }
    done
fi

if [ -f "$pack/models.xz" ] && [ ! -e "$state/cache/.ready" ]; then
    say "unpacking object models"
    "$python" scripts/gpu_models.py unpack "$pack/models.xz" "$state/cache" "$state/furniture"
    touch "$state/cache/.ready"
fi
if [ -e "$state/cache/.ready" ]; then # perhaps by an earlier call, to which the pack was carried
    export ROS_ANOMALY_CACHE="$state/cache" SWEETHOME3D_FURNITURE="$state/furniture"
fi
