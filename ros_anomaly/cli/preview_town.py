"""Pictures of a town: every weather in colour, classes, instances and depth, and a contact sheet."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common
from ros_anomaly.cli.street_jobs import missing_packages_in_one_line

if TYPE_CHECKING:
    import numpy as np

    from ros_anomaly_sim.render.renderer import Rendered

_DEPTH_FULL_SCALE_M = 80.0
_PLACES = 3
_SHEET_COLUMNS = 4


def make_parser() -> argparse.ArgumentParser:
    parser = common.ArgumentParser(
        prog="ros-anomaly-preview-town",
        description="Render a town from its seed and write PNGs: colour in every weather, and for each place the "
        "classes, instances and depth. Seeds 0-999 are training towns, 1000-1099 validation, 2000-2099 test.",
    )
    parser.add_argument("--town", type=common.non_negative_int, default=0, help="seed of the town")
    parser.add_argument("--out", type=Path, default=Path("town_preview"), help="folder to write to, made if missing")
    parser.add_argument("--size", type=common.image_size, default="640x360", help="WIDTHxHEIGHT of the pictures")
    common.add_json_option(parser)
    return parser


def main(argv: list[str] | None = None) -> int:
    return common.run(make_parser(), _preview, argv)


@missing_packages_in_one_line()
def _preview(args: argparse.Namespace) -> int:
    import cv2
    import numpy as np

    from ros_anomaly.data.labels import PALETTE
    from ros_anomaly_sim.render.camera import Camera
    from ros_anomaly_sim.render.renderer import StreetRenderer
    from ros_anomaly_sim.street.frames import preview_frame
    from ros_anomaly_sim.street.objects.library import ModelLibrary
    from ros_anomaly_sim.street.splits import split_of_town
    from ros_anomaly_sim.street.town import Town
    from ros_anomaly_sim.street.weather import PRESETS

    try:
        split_of_town(args.town)
    except ValueError as error:
        raise common.CliError(f"--town: {error}", common.EXIT_BAD_ARGUMENTS) from error
    if args.out.exists() and not args.out.is_dir():
        raise common.CliError(f"--out: expected a folder, found the file {args.out}", common.EXIT_BAD_ARGUMENTS)
    library = ModelLibrary()
    town = Town.generate(args.town, library)
    args.out.mkdir(parents=True, exist_ok=True)
    written: list[str] = []

    def write(name: str, image: np.ndarray) -> None:
        path = args.out / f"{name}.png"
        if not cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR)):
            raise OSError(f"could not write {path}")
        written.append(str(path))

    height, width = args.size
    rows = []
    with StreetRenderer(Camera(width=width, height=height), library.load) as renderer:
        common.say(f"town {args.town} ({town.split.value}), renderer: {renderer.gl_renderer}")
        for place in common.track(range(_PLACES), "places"):
            row = []
            for weather in PRESETS:
                spec = preview_frame(town, library, place, weather)
                rendered = renderer.render(spec.scene, spec.pose)
                write(f"place{place}_{weather}", rendered.image)
                row.append(rendered.image)
            # What stands where is the same in every weather.
            maps = _maps(rendered, PALETTE)
            for name, image in maps.items():
                write(f"place{place}_{name}", image)
            tiles = [*row, *maps.values()]
            rows += [np.hstack(tiles[:_SHEET_COLUMNS]), np.hstack(tiles[_SHEET_COLUMNS:])]
    sheet = np.vstack(rows)
    write("contact_sheet", cv2.resize(sheet, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    if args.json:
        common.print_json({"town": args.town, "split": town.split.value, "files": written})
    else:
        print(f"wrote {len(written)} pictures to {args.out}; see {written[-1]}")
    return 0


def _maps(rendered: Rendered, palette: np.ndarray) -> dict[str, np.ndarray]:
    """Classes, instances and depth as RGB pictures of the colour image's size."""
    import numpy as np

    colours = np.random.default_rng(1).integers(60, 256, (65536, 3), np.uint8)
    colours[0] = 0
    near = np.clip(1.0 - rendered.depth_m / _DEPTH_FULL_SCALE_M, 0.0, 1.0)
    depth = np.repeat((near * 255).astype(np.uint8)[..., None], 3, 2)
    return {"classes": palette[rendered.class_ids], "instances": colours[rendered.instance_ids], "depth": depth}


if __name__ == "__main__":
    raise SystemExit(main())
