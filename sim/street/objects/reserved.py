"""Anomalies for testing only: animals, boats, aircraft, machines, musical instruments and the like."""

from __future__ import annotations

from ros_anomaly_sim.street.objects.spec import ObjectKind, ObjectSpec
from ros_anomaly_sim.street.splits import Split


def _object(name: str, source: str, form: str, length_m: float | None = None, yaw_deg: float = 0.0) -> ObjectSpec:
    return ObjectSpec(name, source, ObjectKind.RESERVED, Split.TEST, form, length_m, yaw_deg)


RESERVED: tuple[ObjectSpec, ...] = (
    _object("horse_chestnut", "Blend Swap CC-0#horse2", "animal", 2.5),
    _object("horse", "Blend Swap CC-BY#horse", "animal", 2.3),
    _object("bulldog", "Blend Swap CC-BY#bulldog", "animal", 0.9),
    _object("siamese_cat", "Blend Swap CC-BY#siameseCat", "animal", 0.9),
    _object("dog", "Scopia#dog", "animal", 1.0),
    _object("cat", "Scopia#cat", "animal", 0.6),
    _object("rabbit", "Scopia#rabbit", "animal", 0.6),
    _object("chicken", "Blend Swap CC-0#chicken", "animal", 0.6),
    _object("deer", "Blend Swap CC-0#deer", "animal", 2.1),
    _object("rocking_horse", "Blend Swap CC-0#caballito", "animal", 1.1, yaw_deg=90.0),
    _object("teddy_bear", "Blend Swap CC-0#teddyBear", "animal", 1.2),
    _object("snowman", "Blend Swap CC-BY#bonecoDeNeve", "figure", 1.6),
    _object("rowboat", "Blend Swap CC-BY#rowboat", "boat", 3.1),
    _object("biplane", "Blend Swap CC-0#cartoon_biplane", "aircraft", 5.5),
    _object("fork_lift", "Blend Swap CC-0#forkLift", "machine", 3.5, yaw_deg=90.0),
    _object("mower", "Scopia#mower", "machine", 1.2),
    _object("treadmill", "Blend Swap CC-BY#treadmill", "machine", 1.96),
    _object("indoor_bike", "Scopia#indoor-bike", "machine", 1.3),
    _object("fitness_tower", "Blend Swap CC-BY#fitnessTower", "machine", 2.2),
    _object("pinball_machine", "Scopia#flipper", "machine", 1.85),
    _object("grinder", "Scopia#meuleuse-electrique", "machine", 0.6),
    _object("drill", "Scopia#perceuse-electrique", "machine", 0.5),
    _object("floor_fan", "Blend Swap CC-0#riggedFan", "machine", 0.7),
    _object("table_fan", "Blend Swap CC-0#tableFan", "machine", 0.6),
    _object("air_conditioner", "Scopia#external-unity-air-conditioning", "machine", 0.9),
    _object("coffee_machine", "Scopia#coffee_machine", "machine", 0.8),
    _object("mixer", "Blend Swap CC-0#kitchenaid", "machine", 0.6),
    _object("washing_machine", "Blend Swap CC-BY#washing_machine", "machine", 0.85),
    _object("washing_machine_2", "Scopia#clothes_washing_machine", "machine", 0.85),
    _object("dryer", "Scopia#dryer_machine", "machine", 0.85),
    _object("hose_reel", "Kator Legaz#hose-reel", "machine", 0.6),
    _object("toy_train", "Blend Swap CC-BY#toyTrain", "machine", 1.5),
    _object("wheelchair", "Blend Swap CC-BY#wheelchair", "machine", 1.0),
    _object("furnace", "Scopia#furnace", "machine", 1.26),
    _object("printer", "Scopia#inkjet_and_scanner_printer", "machine", 0.5),
    _object("shipping_container", "Blend Swap CC-0#shippingContainer", "container", 6.0),
    _object("grand_piano", "Blend Swap CC-0#pianoAQueue", "instrument", 1.9),
    _object("upright_piano", "Blend Swap CC-BY#piano", "instrument", 1.5),
    _object("electric_guitar", "Blend Swap CC-0#electricGuitar", "instrument", 1.1),
    _object("keyboard", "Kator Legaz#MIDI-keyboard", "instrument", 1.0),
    _object("xylophone", "Blend Swap CC-BY#xylophone", "instrument", 0.9),
)
