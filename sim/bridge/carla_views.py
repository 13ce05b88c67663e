"""Images of the ego's cameras as image and ground truth, anomalies told from the street's own things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ros_anomaly.data.labels import ANOMALY_ID
from ros_anomaly_sim.bridge.anomaly_ids import AnomalyIds
from ros_anomaly_sim.bridge.camera_rig import CameraImages, CameraKind, CameraPlan
from ros_anomaly_sim.bridge.carla_images import CLASS_OF_TAG, depth_m, instance_ids, rgb, tags
from ros_anomaly_sim.bridge.carla_scene import PlacedAnomaly
from ros_anomaly_sim.bridge.projection import PixelBox, box_in_image
from ros_anomaly_sim.street.anomalies import FIRST_INSTANCE_ID


@dataclass(frozen=True)
class CarlaView:
    """What the cameras saw in one moment; what no camera was asked for is None.

    Attributes:
        image: uint8 [H, W, 3] RGB.
        class_ids: uint8 [H, W]; anomalies are told apart where there is an instance camera.
        instance_ids: uint16 [H, W], the server's own; that of the scenario's anomaly n is 60001 + n, as in every
            street, from the image on in which it is known.
        depth_m: float32 [H, W] along the axis, infinite for sky.
        boxes: where the boxes of the anomalies appear, by number in the scenario; those out of sight are missing.
    """

    image: np.ndarray
    class_ids: np.ndarray | None
    instance_ids: np.ndarray | None
    depth_m: np.ndarray | None
    boxes: dict[int, PixelBox]


class ViewMaker:
    """Makes views of one scene; remembers which instance id is which anomaly's."""

    def __init__(self, plan: CameraPlan, anomalies: Sequence[PlacedAnomaly]) -> None:
        self._plan, self._anomalies = plan, tuple(anomalies)
        self.anomaly_ids = AnomalyIds()

    def view(self, images: CameraImages) -> CarlaView:
        """The view of one moment."""
        boxes = self._boxes(images.camera_from_world)
        pixels = images.pixels
        class_ids = ids = depth = None
        if CameraKind.SEMANTIC in pixels:
            class_ids = CLASS_OF_TAG[tags(pixels[CameraKind.SEMANTIC])]
        if CameraKind.INSTANCE in pixels:
            instance = pixels[CameraKind.INSTANCE]
            ids, own_tags = instance_ids(instance), tags(instance)
            self.anomaly_ids.see(own_tags, ids, boxes)
            class_ids = CLASS_OF_TAG[own_tags] if class_ids is None else class_ids
            class_ids[self.anomaly_ids.mask(own_tags, ids)] = ANOMALY_ID
            ids = self.anomaly_ids.renumbered(own_tags, ids, FIRST_INSTANCE_ID)
        if CameraKind.DEPTH in pixels:
            depth = depth_m(pixels[CameraKind.DEPTH])
        return CarlaView(rgb(pixels[CameraKind.RGB]), class_ids, ids, depth, boxes)

    def _boxes(self, camera_from_world: np.ndarray) -> dict[int, PixelBox]:
        boxes = {}
        for number, placed in enumerate(self._anomalies):
            box = box_in_image(placed.corners, camera_from_world, self._plan.size, self._plan.fov_rad)
            if box is not None:
                boxes[number] = box
        return boxes
