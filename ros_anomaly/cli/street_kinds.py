"""What the anomalies of a street frame are: the catalogue's own kinds, written into what the frame says of itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ros_anomaly.data.frames import Frame
    from ros_anomaly.evaluation.labelled.source import IndexedFrames

SEEN, UNSEEN = "kinds seen in training", "kinds never seen"


class FramesWithKinds:
    """Frames whose ``info["anomalies"]`` name the ``kinds`` of every object.

    Args:
        frames: of a street, with the name of the ``model`` of every anomaly.
        seen: kinds of which a network was shown negatives; each object then is of ``SEEN`` or ``UNSEEN`` too. None
            where nothing is known of that.

    Raises:
        ValueError: a kind in ``seen`` that no object of the catalogue has.
    """

    def __init__(self, frames: IndexedFrames, seen: Collection[str] | None = None) -> None:
        self._frames, self._seen = frames, seen
        legal = sorted(set(_kinds().values()))
        if unknown := [kind for kind in seen or () if kind not in legal]:
            raise ValueError(f"kinds of objects: expected some of {', '.join(legal)}; found {unknown[0]!r}")

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int, /) -> Frame:
        frame = self._frames[index]
        anomalies = [self._with_kinds(entry) for entry in frame.info.get("anomalies", ())]
        return replace(frame, info={**frame.info, "anomalies": anomalies})

    def _with_kinds(self, entry: dict[str, Any]) -> dict[str, Any]:
        kind = _kinds().get(str(entry.get("model")))
        if kind is None:
            return entry
        kinds = [kind]
        if self._seen is not None:
            kinds.append(SEEN if kind in self._seen else UNSEEN)
        return {**entry, "kinds": kinds}


def _kinds() -> dict[str, str]:
    """Kind of every anomalous object of the catalogue by its model's name."""
    from ros_anomaly_sim.street.objects.table import OBJECTS

    return {name: spec.form for name, spec in OBJECTS.items() if spec.is_anomaly}
