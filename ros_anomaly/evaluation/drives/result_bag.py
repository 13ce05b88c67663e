"""The result bag of a drive: what the detector node would have published, under the stamps of the images."""

from __future__ import annotations

from collections.abc import Sequence

from ros_anomaly.bags.reader_cameras import CameraTopics, base_name
from ros_anomaly.bags.writer import BagWriter
from ros_anomaly.evaluation.drives.run import Answer, Beat
from ros_anomaly.evaluation.drives.tally import CameraTally, JudgedFrame
from ros_anomaly.messages.hazard import hazard_message
from ros_anomaly.messages.images import image_message
from ros_anomaly.messages.stamps import header_at, ns_to_stamp

NODE = "detector"


class ResultBag:
    """Writes mask, score, hazard and status of every image, and the status of heartbeats that change the level.

    Topics are the node's own, ``/detector/mask`` and so on; with several cameras the camera's topic comes between:
    ``/detector/front/image/mask``. Messages lie at the drive's clock; headers carry the image's stamp and frame.
    Latencies are left out: they are no property of the drive, and the same drive gives the same bag.

    Args:
        copy_images: put the input images in, too, under their own topics, so that one file shows everything.
    """

    def __init__(self, writer: BagWriter, cameras: Sequence[CameraTopics], copy_images: bool = False) -> None:
        self._writer = writer
        self._copy_images = copy_images
        alone = len(cameras) == 1
        self._prefixes = [f"/{NODE}" if alone else f"/{NODE}{base_name(camera.image)}" for camera in cameras]
        self._frame_ids = [""] * len(cameras)

    def said(self, camera: int, said: Beat | Answer, changed: bool, tally: CameraTally) -> None:
        if not (changed or isinstance(said, Answer)):
            return
        prefix, time_ns, state = self._prefixes[camera], said.time_ns, said.state
        stamp_ns = time_ns
        if isinstance(said, Answer):
            event = said.event
            stamp_ns, self._frame_ids[camera] = event.stamp_ns, event.frame_id
            if self._copy_images and event.source is not None:
                source = event.source
                self._writer.copy(source.topic, source.type, source.raw, time_ns)
            if said.assessment is not None:
                header = header_at(stamp_ns, event.frame_id)
                mask = image_message(said.assessment.mask, "mono8", header)
                self._writer.write(f"{prefix}/mask", mask, time_ns)
                self._writer.write(f"{prefix}/score", image_message(said.assessment.score, "32FC1", header), time_ns)
        status = hazard_message(state, tally.dropped, ns_to_stamp(stamp_ns), self._frame_ids[camera], NODE)
        self._writer.flag(f"{prefix}/hazard", state.level.flag, time_ns)
        self._writer.write(f"{prefix}/hazard_status", status, time_ns)

    def judged(self, camera: int, frame: JudgedFrame) -> None:
        """Labels are not part of what a detector publishes."""
