"""Vehicles of the streets: everything that is class car."""

from __future__ import annotations

from ros_anomaly_sim.street.objects.spec import ObjectKind, ObjectSpec
from ros_anomaly_sim.street.splits import Split

_object = ObjectSpec
TRAIN, VALIDATION, TEST = Split.TRAIN, Split.VALIDATION, Split.TEST
CAR = ObjectKind.CAR

VEHICLES: tuple[ObjectSpec, ...] = (
    _object("peugeot_308", "Scopia#peugeot-308", CAR, TRAIN, "passenger_car", paint=("color-exterior",)),
    _object("suv", "Scopia#suv", CAR, TRAIN, "passenger_car", paint=("firstcolor",)),
    _object("smart", "Scopia#smart-car", CAR, TRAIN, "passenger_car", paint=("first-color",)),
    _object("concept_sedan", "Kator Legaz#concept-sedan-01v2", CAR, TRAIN, "passenger_car", paint=("Car",)),
    _object("concept_sedan_2", "Kator Legaz#concept-sedan-01v1", CAR, TRAIN, "passenger_car", paint=("Car",)),
    _object("beetle", "Kator Legaz#VW-new-beetle", CAR, TRAIN, "passenger_car", paint=("PAINT_yellow",)),
    _object("ford_focus", "Blend Swap CC-BY#fordFocus", CAR, TRAIN, "passenger_car", paint=("carPaint",)),
    _object("van", "Scopia#van", CAR, TRAIN, "van", paint=("firstcolor",)),
    _object("coach", "Scopia#bus", CAR, TRAIN, "bus", paint=("firstcolor",)),
    _object("lorry", "Scopia#truck", CAR, TRAIN, "truck", paint=("red-cabin",)),
    _object("racing_motorbike", "Scopia#yamaha-yzr-r6", CAR, TRAIN, "motorbike"),
    _object("scooter", "Scopia#scooter2", CAR, TRAIN, "motorbike", paint=("firstcolor",)),
    _object("bicycle", "Scopia#bicycle", CAR, TRAIN, "bicycle", paint=("firstcolor", "mudguards")),
    _object("renault_scenic", "Scopia#renault-scenic", CAR, VALIDATION, "passenger_car", paint=("color-beige-green",)),
    _object(
        "rounded_sedan", "Kator Legaz#concept-sedan-02", CAR, VALIDATION, "passenger_car", paint=("PAINT_lt_blue",)
    ),
    _object(
        "rounded_sedan_sport",
        "Kator Legaz#concept-sedan-02-sport",
        CAR,
        VALIDATION,
        "passenger_car",
        paint=("PAINT_lt_blue",),
    ),
    _object("articulated_lorry", "Blend Swap CC-BY#dafTruck", CAR, VALIDATION, "truck"),
    _object("retro_scooter", "Kator Legaz#scooter", CAR, VALIDATION, "motorbike", paint=("Yellow",)),
    _object("seat_leon", "Scopia#seat_leon", CAR, TEST, "passenger_car", paint=("chapa_roja",)),
    _object("chevrolet", "Scopia#chevrolet", CAR, TEST, "passenger_car", paint=("firstcolor",)),
    _object("city_bus", "Scopia#cityBus", CAR, TEST, "bus", paint=("accentColor",)),
    _object("road_train", "Blend Swap CC-0#peterbilt", CAR, TEST, "truck", paint=("body", "bodyTrailer")),
    _object("bmx", "Blend Swap CC-BY#bike", CAR, TEST, "bicycle", length_m=1.6, paint=("Material.001",)),
)
