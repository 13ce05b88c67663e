"""Street furniture and lamps: what a street has of its own."""

from __future__ import annotations

from ros_anomaly_sim.street.objects.spec import ObjectKind, ObjectSpec
from ros_anomaly_sim.street.splits import Split

_object = ObjectSpec
TRAIN, VALIDATION, TEST = Split.TRAIN, Split.VALIDATION, Split.TEST
STREET_FURNITURE = ObjectKind.STREET_FURNITURE
LAMP = ObjectKind.LAMP

FURNISHINGS: tuple[ObjectSpec, ...] = (
    _object("bench_green", "Blend Swap CC-0#bench", STREET_FURNITURE, TRAIN, "bench"),
    _object("bench_concrete", "Kator Legaz#concrete-bench", STREET_FURNITURE, TRAIN, "bench"),
    _object("bench_planks", "Scopia#wood_bank", STREET_FURNITURE, TRAIN, "bench"),
    _object("hydrant", "Kator Legaz#fire-hydrant", STREET_FURNITURE, TRAIN, "hydrant"),
    _object("bin_park", "Kator Legaz#park-trashcan", STREET_FURNITURE, TRAIN, "bin"),
    _object("bin_wheeled", "Kator Legaz#residential-trashcan", STREET_FURNITURE, TRAIN, "bin", length_m=1.0),
    _object("mailbox", "Blend Swap CC-0#mofx_mailbox", STREET_FURNITURE, TRAIN, "mailbox", length_m=1.1),
    _object("bench_painted", "Kator Legaz#painted-bench", STREET_FURNITURE, VALIDATION, "bench"),
    _object("bin_slotted", "Blend Swap CC-0#dustbin", STREET_FURNITURE, VALIDATION, "bin", length_m=0.8),
    _object("bench_long", "Scopia#littlebank", STREET_FURNITURE, TEST, "bench"),
    _object("bin_bullet", "Kator Legaz#bullet-trash-can", STREET_FURNITURE, TEST, "bin", length_m=0.9),
    _object("cabinet_1", "shape:cabinet:1", STREET_FURNITURE, TRAIN, "cabinet"),
    _object("cabinet_2", "shape:cabinet:2", STREET_FURNITURE, TRAIN, "cabinet"),
    _object("cabinet_3", "shape:cabinet:3", STREET_FURNITURE, VALIDATION, "cabinet"),
    _object("cabinet_4", "shape:cabinet:4", STREET_FURNITURE, TEST, "cabinet"),
    _object("bollard_11", "shape:bollard:11", STREET_FURNITURE, TRAIN, "bollard"),
    _object("bollard_12", "shape:bollard:12", STREET_FURNITURE, TRAIN, "bollard"),
    _object("bollard_13", "shape:bollard:13", STREET_FURNITURE, VALIDATION, "bollard"),
    _object("bollard_14", "shape:bollard:14", STREET_FURNITURE, TEST, "bollard"),
    _object("street_lamp", "Scopia#candelabre", LAMP, TRAIN, "lamp"),
    _object("post_lamp", "Scopia#farola1", LAMP, TRAIN, "lamp", length_m=3.6),
    _object("classic_lamp", "Kator Legaz#classic-lamppost", LAMP, VALIDATION, "lamp", length_m=3.8),
    _object("park_lamp", "Kator Legaz#park-light", LAMP, TEST, "lamp", length_m=4.5),
)
