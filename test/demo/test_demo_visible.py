"""Which real objects the detector's regions in the corridor lie on."""

import numpy as np

from ros_anomaly.hazard.types import Region
from ros_anomaly_sim.bridge.drive_file import StreetObject
from ros_anomaly_sim.demo.visible import objects_in_the_way, visible_objects

BOAT, PIANO = StreetObject(60001, "rowboat", (0.0, 20.0), True), StreetObject(60002, "piano", (6.0, 30.0), False)


def region(box: tuple[int, int, int, int], in_corridor: bool) -> Region:
    return Region(box, 100, 1.0, 1.0, 20.0, 0.0, in_corridor)


def test_only_regions_in_the_corridor_put_an_object_in_the_way():
    ids, mask = np.zeros((40, 80), np.uint16), np.zeros((40, 80), np.uint8)
    ids[10:20, 10:20], ids[10:20, 50:60] = BOAT.instance_id, PIANO.instance_id
    mask[12:20, 10:20] = mask[10:20, 50:60] = mask[30:36, 30:40] = 255
    visible = visible_objects((BOAT, PIANO), ids, (0.0, 0.0, 0.0))
    boat, piano, nothing = (10, 12, 20, 20), (50, 10, 60, 20), (30, 30, 40, 36)

    def reached(*regions: Region) -> frozenset[int]:
        return objects_in_the_way(visible, regions, mask, ids)

    assert reached(region(boat, True), region(piano, False)) == {BOAT.instance_id}
    assert reached(region(boat, False), region(piano, True)) == {PIANO.instance_id}
    assert reached(region(nothing, True), region(boat, False)) == frozenset()
    assert reached(region((0, 0, 80, 12), True)) == {PIANO.instance_id}, "the boat's masked pixels begin below"
    assert reached() == frozenset()
