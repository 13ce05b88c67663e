"""Instance ids of actors, found by where their boxes appear."""

from __future__ import annotations

import numpy as np

from ros_anomaly_sim.bridge.anomaly_ids import AnomalyIds
from ros_anomaly_sim.bridge.projection import PixelBox

ROAD, BUILDING, STATIC, CAR = 1, 3, 20, 14
BOX = PixelBox(20, 10, 32, 22)


class Street:
    """A road with a building behind it."""

    def __init__(self) -> None:
        self.tags = np.full((40, 60), ROAD, np.uint8)
        self.ids = np.full((40, 60), 7, np.uint16)
        self.put(BUILDING, 9, 0, 14, 0, 60)

    def put(self, tag: int, number: int, top: int, bottom: int, left: int, right: int) -> None:
        self.tags[top:bottom, left:right], self.ids[top:bottom, left:right] = tag, number


def seen(street: Street, boxes: dict[int, PixelBox], ids: AnomalyIds | None = None) -> AnomalyIds:
    ids = ids or AnomalyIds()
    ids.see(street.tags, street.ids, boxes)
    return ids


def test_what_fills_the_box_is_the_actor():
    street = Street()
    street.put(STATIC, 500, 11, 22, 21, 31)
    ids = seen(street, {4: BOX})
    assert ids.id_of(4) == 500
    assert np.array_equal(ids.mask(street.tags, street.ids), street.ids == 500)


def test_what_reaches_out_of_the_box_is_not():
    street = Street()
    street.put(CAR, 600, 12, 30, 18, 55)
    ids = seen(street, {4: BOX})
    assert ids.id_of(4) is None
    assert not ids.mask(street.tags, street.ids).any()


def test_the_actor_behind_a_car_is_still_found_by_the_rest_of_it():
    street = Street()
    street.put(STATIC, 500, 11, 22, 21, 31)
    street.put(CAR, 600, 12, 30, 26, 55)
    assert seen(street, {4: BOX}).id_of(4) == 500


def test_a_piece_of_building_inside_the_box_is_not():
    street = Street()
    street.put(BUILDING, 700, 12, 20, 22, 30)
    assert seen(street, {4: BOX}).id_of(4) is None


def test_the_larger_of_two_that_fit():
    street = Street()
    street.put(STATIC, 501, 11, 14, 21, 24)
    street.put(STATIC, 500, 14, 22, 21, 31)
    assert seen(street, {4: BOX}).id_of(4) == 500


def test_ids_are_told_apart_by_tag_too():
    street = Street()
    street.put(STATIC, 500, 11, 22, 21, 31)
    street.put(CAR, 500, 30, 38, 2, 20)
    ids = seen(street, {4: BOX})
    assert np.array_equal(ids.mask(street.tags, street.ids), (street.ids == 500) & (street.tags == STATIC))


def test_what_was_once_clear_is_remembered():
    clear, hidden = Street(), Street()
    clear.put(STATIC, 500, 11, 22, 21, 31)
    hidden.put(STATIC, 500, 11, 12, 21, 31)
    hidden.put(STATIC, 800, 13, 15, 21, 31)
    ids = seen(clear, {4: BOX})
    seen(hidden, {4: BOX}, ids)
    assert ids.id_of(4) == 500
    # Out of sight, or of its box, it keeps its id.
    assert ids.mask(hidden.tags, hidden.ids).sum() == 10


def test_a_box_too_small_says_nothing():
    street = Street()
    street.put(STATIC, 500, 11, 13, 21, 23)
    assert seen(street, {4: PixelBox(21, 11, 23, 13)}).id_of(4) is None


def test_a_known_actor_gets_its_number_and_whoever_had_that_number_gets_the_actors():
    street = Street()
    street.put(STATIC, 500, 11, 22, 21, 31)
    street.put(CAR, 60003, 30, 36, 40, 56)
    ids = seen(street, {2: BOX})
    numbered = ids.renumbered(street.tags, street.ids, first=60001)
    assert np.array_equal(numbered == 60003, street.ids == 500)
    assert np.array_equal(numbered == 500, street.ids == 60003)
    others = ~np.isin(street.ids, (500, 60003))
    assert np.array_equal(numbered[others], street.ids[others])
    assert numbered.dtype == np.uint16


def test_an_actor_that_is_not_known_has_no_number():
    street = Street()
    street.put(CAR, 600, 12, 30, 18, 55)
    assert np.array_equal(seen(street, {4: BOX}).renumbered(street.tags, street.ids, 60001), street.ids)
