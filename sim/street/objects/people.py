"""People of the streets."""

from __future__ import annotations

from ros_anomaly_sim.street.objects.spec import ObjectKind, ObjectSpec
from ros_anomaly_sim.street.splits import Split

_object = ObjectSpec
TRAIN, VALIDATION, TEST = Split.TRAIN, Split.VALIDATION, Split.TEST
PERSON = ObjectKind.PERSON

PEOPLE: tuple[ObjectSpec, ...] = (
    _object("woman_orange_top", "Reallusion#female01", PERSON, TRAIN, "standing"),
    _object("woman_black_skirt", "Reallusion#female02", PERSON, TRAIN, "standing"),
    _object("man_blue_jacket", "Reallusion#male01", PERSON, TRAIN, "standing"),
    _object("man_grey_coat", "Reallusion#male02", PERSON, TRAIN, "standing"),
    _object("man_checked_shirt", "Reallusion#male03", PERSON, TRAIN, "standing"),
    _object("man_cardigan", "Reallusion#holdingMale01", PERSON, TRAIN, "standing"),
    _object("boy", "Reallusion#boyStanding", PERSON, TRAIN, "standing"),
    _object("woman_red_top", "Kator Legaz#female-01-casual-clothing", PERSON, TRAIN, "standing"),
    _object("man_white_jumper", "Scopia#mannequinMale", PERSON, TRAIN, "standing"),
    _object("woman_white_top", "Scopia#mannequinBrunette", PERSON, TRAIN, "standing"),
    _object("woman_jacket", "Reallusion#female03", PERSON, VALIDATION, "standing"),
    _object("woman_black_top", "Reallusion#holdingFemale01", PERSON, VALIDATION, "standing"),
    _object("woman_grey_dress", "Reallusion#holdingFemale02", PERSON, VALIDATION, "standing"),
    _object("woman_apron", "Reallusion#holdingFemale03", PERSON, TEST, "standing"),
    _object("girl", "Reallusion#girlStanding", PERSON, TEST, "standing"),
    _object("man_suit", "Kator Legaz#male-01-suit", PERSON, TEST, "standing"),
)
