"""Pictures of training objects with alpha, rendered to be pasted into training frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ros_anomaly.cli import common
from ros_anomaly.cli.street_jobs import missing_packages_in_one_line

_SIZE_PX = 320


@missing_packages_in_one_line()
def render_cutouts(folder: Path, count: int, seed: int) -> int:
    """Write ``count`` cut-outs of the training negatives, evenly over the objects, into a cut-out store.

    Returns how many were written: views that show too little of an object are left out. CliError as ``render_shards``.
    """
    from ros_anomaly.data.cutout_store import Cutout, CutoutStoreWriter
    from ros_anomaly_sim.render.camera import Camera
    from ros_anomaly_sim.render.cutouts import render_cutout
    from ros_anomaly_sim.render.renderer import StreetRenderer
    from ros_anomaly_sim.street.objects.library import ModelLibrary
    from ros_anomaly_sim.street.splits import Split
    from ros_anomaly_sim.street.weather import sample

    library = ModelLibrary()
    names = library.names("negative", Split.TRAIN)
    rng = np.random.default_rng(seed)
    writer = CutoutStoreWriter(folder)
    with StreetRenderer(Camera(_SIZE_PX, _SIZE_PX), library.load) as renderer:
        for index in common.track(range(count), "rendering cut-outs", unit="cut-outs"):
            name = names[index % len(names)]
            model = library.load(name)
            rgba = render_cutout(renderer, model, sample(rng), rng, _SIZE_PX)
            if rgba is not None:
                writer.add(Cutout(f"{name}_{index:05d}", rgba, model.size_m[2], {"object": name}))
    return writer.finish()
