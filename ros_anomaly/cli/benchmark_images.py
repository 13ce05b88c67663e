"""The images that contests are held on."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class ContestImages:
    """uint8 [H, W, 3] RGB images, and what they are."""

    images: list[np.ndarray]
    source: str


def add_image_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--images``."""
    parser.add_argument(
        "--images",
        metavar="SOURCE",
        default="streets",
        help="a folder of pictures or a bag; 'streets': rendered ones; 'made-up': smooth pictures, for where there is "
        "nothing to render with",
    )


def contest_images(source: str, size: tuple[int, int], count: int) -> ContestImages:
    """``count`` images of ``size`` (height, width) from what ``--images`` says; fewer where there are fewer.

    Raises:
        CliError, ValueError, OSError: there are none to be had there.
    """
    if source == "made-up":
        from ros_anomaly.benchmark.street_images import street_like_images

        return ContestImages(street_like_images(size, count), "made-up pictures")
    if source == "streets":
        from ros_anomaly.cli.street_frames import street_source
        from ros_anomaly.detector import fit_image

        store = street_source("validation", count)
        return ContestImages(
            [fit_image(store[index].image, size) for index in range(min(count, len(store)))],
            "rendered validation streets",
        )
    from ros_anomaly.cli.calibration_images import recorded_images

    if not Path(source).exists():
        raise common.CliError(f"--images: expected a folder, a bag, 'streets' or 'made-up'; found nothing at {source}")
    return ContestImages(recorded_images(Path(source), None, size, count), f"images of {Path(source).name}")


def save_images(images: ContestImages, path: Path) -> Path:
    """Write the images to a ``.npy`` file, uint8 [n, H, W, 3], as contenders take them."""
    import numpy as np

    np.save(path, np.stack(images.images))
    return path
