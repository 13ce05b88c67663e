"""Saves one frame of a demonstration's video as a picture, for the README: frame_of_video.py VIDEO SECONDS PICTURE."""

from __future__ import annotations

import argparse
from pathlib import Path

import av


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("seconds", type=float, help="the first frame at or after this time is taken")
    parser.add_argument("picture", type=Path, help="PNG or JPEG")
    args = parser.parse_args()
    with av.open(str(args.video)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= args.seconds:
                frame.to_image().save(args.picture)
                return
    parser.error(f"{args.video} ends before {args.seconds:g} s")


if __name__ == "__main__":
    main()
