"""A server process for tests: a short town whose models are boxes, on free ports.

``python box_server.py [--town NAME] [--port N] [--timing FILE] [--until-stdin-closes] [--magenta]`` prints the server's
"ready on" line.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from box_library import BoxLibrary  # noqa: E402

from ros_anomaly_sim.server.process import ServerOptions, end_when_stdin_closes, serve  # noqa: E402

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--town", default="Town2001")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--timing", type=Path)
    parser.add_argument("--until-stdin-closes", action="store_true")
    parser.add_argument("--magenta", action="store_true")
    args = parser.parse_args()
    if args.until_stdin_closes:
        end_when_stdin_closes()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    options = ServerOptions(args.town, port=args.port, camera="ideal", length_m=200.0, timing=args.timing)
    serve(options, BoxLibrary(args.magenta), lambda message: print(message, flush=True))
