"""A street process without a renderer: a magenta box on grey noise comes nearer on the lane. For a toy engine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import rclpy

from ros_anomaly.messages.lockstep import Lockstep
from ros_anomaly_sim.bridge.drive_file import DriveFile, StreetObject, StreetSummary
from ros_anomaly_sim.bridge.lockstep_drive import LockstepDrive, Pace
from ros_anomaly_sim.bridge.street_node import StreetNode
from ros_anomaly_sim.render.renderer import Rendered

HEIGHT, WIDTH, FOCAL_PX, CAMERA_HEIGHT_M = 360, 640, 320.0, 1.6
SPEED_MPS, OBJECT_Y_M, OBJECT_ID = 10.0, 60.0, 7


def state_at(t_s: float) -> SimpleNamespace:
    return SimpleNamespace(ego=(0.0, SPEED_MPS * t_s, 0.0), speed_mps=SPEED_MPS, yaw_rate_radps=0.0)


def render(state: SimpleNamespace) -> Rendered:
    rng = np.random.default_rng()
    image = np.repeat(rng.integers(90, 160, (HEIGHT, WIDTH, 1), np.uint8), 3, axis=2)
    class_ids = np.full((HEIGHT, WIDTH), 7, np.uint8)
    instance_ids = np.zeros((HEIGHT, WIDTH), np.uint16)
    depth_m = OBJECT_Y_M - state.ego[1] - 1.5
    if depth_m > 1.0:
        bottom = int(HEIGHT / 2 + FOCAL_PX * CAMERA_HEIGHT_M / depth_m)
        side = int(FOCAL_PX * 1.5 / depth_m)
        box = (slice(max(bottom - side, 0), min(bottom, HEIGHT)), slice(WIDTH // 2 - side // 2, WIDTH // 2 + side // 2))
        image[box], class_ids[box], instance_ids[box] = (255, 0, 255), 13, OBJECT_ID
    return Rendered(image, class_ids, instance_ids, np.zeros((HEIGHT, WIDTH), np.float32))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--duration", type=float, required=True)
    parser.add_argument("--die-after", type=float, default=None)
    args = parser.parse_args()
    lockstep = Lockstep(timeout_s=2.0, patience=10)
    rclpy.init()
    node = StreetNode(np.pi / 2, lockstep, "/detector/hazard_status")
    street = LockstepDrive(node, lockstep, Pace(10.0, wait_for_go=True, startup_timeout_s=30.0), state_at, render)
    street.warm_up()
    box = StreetObject(OBJECT_ID, "magenta_box", (0.0, OBJECT_Y_M), in_corridor=True)
    DriveFile(2000, "noon", args.duration, 10.0, street.next_stamp_ns, "nobody", (box,)).save(args.folder)
    street.run(args.duration if args.die_after is None else args.die_after)
    if args.die_after is not None:
        print("the road is gone", flush=True)
        return 3
    StreetSummary(lockstep.sent, tuple(lockstep.unanswered)).save(args.folder)
    node.close()
    rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
