"""``ros-anomaly-look``: an engine over photos, for people to look at what it sees in them."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common

if TYPE_CHECKING:
    import numpy as np

    from ros_anomaly.data.corruptions import Corruption
    from ros_anomaly.detector import Detector
    from ros_anomaly.evaluation.photos import PhotoFigures


def build_parser() -> common.ArgumentParser:
    parser = common.ArgumentParser(
        prog="ros-anomaly-look",
        description="Run an engine over photos that have no labels and write a sheet for each: the photo with what is "
        "flagged, the score map, and the known classes. Photos are cropped around their middle to the shape of the "
        "engine's images. Nothing is measured here; real streets with labels go into ros-anomaly-evaluate.",
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="pictures, or folders of pictures")
    parser.add_argument("--engine", default="default", help="fused engine: name or manifest")
    common.add_backend_option(parser)
    parser.add_argument("--threads", type=common.positive_int, help="CPU threads of the engine")
    parser.add_argument("--threshold", type=float, help="another than the calibrated one")
    parser.add_argument(
        "--corrupt", metavar="NAME:AMOUNT", help="corrupt the photos first: jpeg:40, noise:10, blur:2, fog:150 …"
    )
    parser.add_argument("--out", type=Path, default=Path("looked"), help="folder for the sheets (JPEG)")
    common.add_json_option(parser)
    return parser


def look(args: argparse.Namespace) -> None:
    from ros_anomaly.detector import Detector, DetectorConfig
    from ros_anomaly.evaluation.photos import photo_sheet
    from ros_anomaly.evaluation.report.pictures import jpeg
    from ros_anomaly.runtime.engines import load_engine
    from ros_anomaly.runtime.files import write_atomically

    corruption = _corruption(args.corrupt)
    photos = _photos(args.photos)
    args.out.mkdir(parents=True, exist_ok=True)
    engine = load_engine(args.engine, args.backend, args.threads)
    figures: dict[str, Any] = {}
    try:
        detector = Detector(engine, DetectorConfig(threshold=args.threshold))
        palette = _palette(engine.manifest.classes)
        names = tuple(entry.name for entry in engine.manifest.classes)
        for path, sheet_name in photos.items():
            image = _read(path, engine.input_size, corruption)
            assessment, own = _assess(detector, image, names)
            write_atomically(
                args.out / sheet_name, jpeg(photo_sheet(image, assessment, palette, detector.threshold)).data
            )
            figures[sheet_name] = {"photo": str(path), **asdict(own)}
            print(f"{sheet_name}: {_line(own)}")
    finally:
        engine.close()
    if args.json:
        common.print_json({"engine": args.engine, "threshold": detector.threshold, "photos": figures})
    common.say(f"{args.out}")


def _assess(detector: Detector, image: np.ndarray, names: tuple[str, ...]) -> tuple[Any, PhotoFigures]:
    from ros_anomaly.evaluation.photos import photo_figures

    assessment = detector.infer(image)
    return assessment, photo_figures(assessment, names)


def _palette(classes: Any) -> np.ndarray:
    import numpy as np

    palette = np.zeros((256, 3), np.uint8)
    for entry in classes:
        palette[entry.id] = entry.colour
    return palette


def _corruption(text: str | None) -> Corruption | None:
    from ros_anomaly.data.corruptions import parse_corruptions

    if text is None:
        return None
    found = parse_corruptions(text)
    if len(found) != 1:
        raise common.CliError(
            f"--corrupt: expected one, NAME:AMOUNT or NAME@SEVERITY, found {text!r}", common.EXIT_BAD_ARGUMENTS
        )
    return found[0]


def _photos(given: list[Path]) -> dict[Path, str]:
    """Names of the sheets by photo; photos of one name in several folders are told apart by a number."""
    from ros_anomaly.bags.reader_folder import PICTURES, pictures_in

    paths: list[Path] = []
    for path in given:
        own = pictures_in(path) if path.is_dir() else [path]
        if not own or not own[0].is_file():
            what = "none" if path.is_dir() else "nothing at that path"
            raise common.CliError(f"{path}: expected pictures ({', '.join(PICTURES)}), found {what}")
        paths += own
    sheets: dict[Path, str] = {}
    for path in dict.fromkeys(paths):
        name, number = f"{path.stem}.jpg", 2
        while name in sheets.values():
            name, number = f"{path.stem}_{number}.jpg", number + 1
        sheets[path] = name
    return sheets


def _read(path: Path, shape: tuple[int, int], corruption: Corruption | None) -> np.ndarray:
    import cv2

    from ros_anomaly.detector import fit_image
    from ros_anomaly.evaluation.photos import cropped

    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise common.CliError(f"{path}: expected a picture, found {path.stat().st_size} bytes that OpenCV cannot read")
    image = fit_image(cropped(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), shape), shape)
    return image if corruption is None else corruption.apply(image, path.name)


def _line(own: PhotoFigures) -> str:
    classes = ", ".join(f"{name} {100 * share:.0f} %" for name, share in list(own.classes.items())[:4])
    flagged = f"{100 * own.flagged:.1f} % flagged in {own.regions} regions"
    shift = "" if own.scene_shift is None else f", scene shift {own.scene_shift:.2f}"
    return f"{flagged}, highest score {own.max_score:.2f}{shift}; known: {classes}"


def main(argv: list[str] | None = None) -> int:
    return common.run(build_parser(), look, argv)


if __name__ == "__main__":
    sys.exit(main())
