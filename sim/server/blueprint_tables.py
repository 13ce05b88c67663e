"""The blueprints of this server: CARLA's vehicles, walkers, props and sensors that our models and renderer can show."""

from __future__ import annotations

from ros_anomaly_sim.server.blueprints import Attribute, Blueprint, BlueprintLibrary, Kind
from ros_anomaly_sim.server.structs import AttributeType
from ros_anomaly_sim.server.tags import Tag
from ros_anomaly_sim.street.objects.spec import ObjectKind
from ros_anomaly_sim.street.objects.table import OBJECTS

_BOOL, _INT, _FLOAT, _STRING, _COLOUR = AttributeType

_COLOURS = ("17,37,103", "180,44,44", "211,211,211", "26,26,26", "99,103,112", "235,235,235", "28,66,42", "164,106,33")

# Name without "vehicle." -> (form of our models, number within it); vehicles of a town are models of its split.
_VEHICLES: dict[str, tuple[str, int]] = {
    "audi.a2": ("passenger_car", 0),
    "audi.etron": ("passenger_car", 1),
    "audi.tt": ("passenger_car", 2),
    "bmw.grandtourer": ("passenger_car", 3),
    "chevrolet.impala": ("passenger_car", 1),
    "citroen.c3": ("passenger_car", 5),
    "dodge.charger_2020": ("passenger_car", 3),
    "ford.mustang": ("passenger_car", 4),
    "lincoln.mkz_2017": ("passenger_car", 3),
    "lincoln.mkz_2020": ("passenger_car", 4),
    "mercedes.coupe": ("passenger_car", 4),
    "mercedes.coupe_2020": ("passenger_car", 3),
    "micro.microlino": ("passenger_car", 2),
    "mini.cooper_s": ("passenger_car", 5),
    "nissan.micra": ("passenger_car", 0),
    "nissan.patrol": ("passenger_car", 1),
    "seat.leon": ("passenger_car", 0),
    "tesla.model3": ("passenger_car", 6),
    "toyota.prius": ("passenger_car", 0),
    "mercedes.sprinter": ("van", 0),
    "volkswagen.t2": ("van", 0),
    "carlamotors.carlacola": ("truck", 0),
    "carlamotors.european_hgv": ("truck", 0),
    "mitsubishi.fusorosa": ("bus", 0),
    "kawasaki.ninja": ("motorbike", 0),
    "yamaha.yzf": ("motorbike", 0),
    "vespa.zx125": ("motorbike", 1),
    "bh.crossbike": ("bicycle", 0),
    "diamondback.century": ("bicycle", 0),
    "gazelle.omafiets": ("bicycle", 0),
}
_TAG_OF_FORM = {
    "passenger_car": Tag.CAR,
    "van": Tag.CAR,
    "truck": Tag.TRUCK,
    "bus": Tag.BUS,
    "motorbike": Tag.MOTORCYCLE,
    "bicycle": Tag.BICYCLE,
}
_BASE_TYPE = {"passenger_car": "car", "motorbike": "motorcycle"}
_TWO_WHEELED = ("motorbike", "bicycle")
_WALKERS = 16

# Name without "static.prop." -> our object. Objects that training shows as negatives stand where there is no other.
_STOCK_PROPS: dict[str, str] = {
    "barrel": "barrel",
    "bench01": "bench_green",
    "bench02": "bench_planks",
    "bench03": "bench_concrete",
    "bin": "bin_park",
    "box01": "cardboard_box",
    "box02": "box",
    "box03": "box_2",
    "briefcase": "briefcase",
    "clothesline": "clothes_horse",
    "creasedbox01": "open_cardboard_box",
    "doghouse": "dog_house",
    "fountain": "fountain",
    "gardenlamp": "stone_lantern_2",
    "mailbox": "mailbox",
    "maptable": "oak_table",
    "motorhelmet": "helmet",
    "plasticchair": "folding_chair",
    "plastictable": "cafe_table",
    "slide": "children_game",
    "swing": "child_swing",
    "table": "table",
    "trampoline": "trampoline",
    "trashcan01": "bin_wheeled",
    "trashcan02": "bin_slotted",
    "trashcan03": "bin_bullet",
    "travelcase": "suitcase",
}
_OWN_PROPS = (ObjectKind.RESERVED, ObjectKind.VALIDATION_ANOMALY, ObjectKind.NEGATIVE)
# CARLA tags as Dynamic what may change its place: animals, bags, carts, wheelchairs.
_DYNAMIC_FORMS = ("animal",)
_DYNAMIC_NAMES = (
    "suitcase",
    "backpack",
    "briefcase",
    "wheelchair",
    "wheelbarrow",
    "basketball",
    "soccer_ball",
    "toy_train",
)

_ROLE = Attribute("role_name", _STRING, "autopilot")
_CAMERA_COMMON = (
    Attribute("image_size_x", _INT, "800"),
    Attribute("image_size_y", _INT, "600"),
    Attribute("fov", _FLOAT, "90.0"),
)
_SENSOR_TICK = Attribute("sensor_tick", _FLOAT, "0.0")
_LENS = tuple(
    Attribute(name, _FLOAT, default)
    for name, default in (
        ("lens_circle_falloff", "5.0"),
        ("lens_circle_multiplier", "0.0"),
        ("lens_k", "-1.0"),
        ("lens_kcube", "0.0"),
        ("lens_x_size", "0.08"),
        ("lens_y_size", "0.08"),
    )
)
_POST_PROCESSING = (
    Attribute("enable_postprocess_effects", _BOOL, "true"),
    Attribute("gamma", _FLOAT, "2.2"),
    Attribute("exposure_mode", _STRING, "histogram", ("manual", "histogram")),
    *(
        Attribute(name, _FLOAT, default)
        for name, default in (
            ("exposure_compensation", "0.0"),
            ("exposure_min_bright", "10.0"),
            ("exposure_max_bright", "12.0"),
            ("exposure_speed_up", "3.0"),
            ("exposure_speed_down", "1.0"),
            ("fstop", "1.4"),
            ("shutter_speed", "200.0"),
            ("iso", "100.0"),
            ("motion_blur_intensity", "0.0"),
            ("bloom_intensity", "0.675"),
            ("lens_flare_intensity", "0.1"),
            ("focal_distance", "1000.0"),
            ("temp", "6500.0"),
            ("tint", "0.0"),
            ("chromatic_aberration_intensity", "0.0"),
        )
    ),
)
IGNORED_CAMERA_ATTRIBUTES = frozenset(a.name for a in (*_LENS, *_POST_PROCESSING))
"""Accepted, and without effect here; a camera that sets one to something else is warned about once."""


def blueprint_library() -> BlueprintLibrary:
    """All blueprints, in the order vehicles, walkers, props, sensors."""
    return BlueprintLibrary([*_vehicles(), *_walkers(), *_props(), *_sensors()])


def _vehicles() -> list[Blueprint]:
    blueprints: list[Blueprint] = []
    for name, (form, number) in _VEHICLES.items():
        attributes = (
            _ROLE,
            Attribute("color", _COLOUR, _COLOURS[len(blueprints) % len(_COLOURS)], _COLOURS),
            Attribute("number_of_wheels", _INT, "2" if form in _TWO_WHEELED else "4", modifiable=False),
            Attribute("base_type", _STRING, _BASE_TYPE.get(form, form), modifiable=False),
            Attribute("generation", _INT, "1", modifiable=False),
            Attribute("sticky_control", _BOOL, "true", modifiable=False),
        )
        tag = _TAG_OF_FORM[form]
        blueprints.append(Blueprint(f"vehicle.{name}", Kind.VEHICLE, tag, attributes, form=form, number=number))
    return blueprints


def _walkers() -> list[Blueprint]:
    attributes = (
        Attribute("role_name", _STRING, "pedestrian"),
        Attribute("is_invincible", _BOOL, "true"),
        Attribute("speed", _FLOAT, "1.4", ("0.0", "1.4", "2.8")),
        Attribute("generation", _INT, "1", modifiable=False),
    )
    return [
        Blueprint(f"walker.pedestrian.{n + 1:04d}", Kind.WALKER, Tag.PEDESTRIAN, attributes, form="standing", number=n)
        for n in range(_WALKERS)
    ]


def _props() -> list[Blueprint]:
    models = dict(_STOCK_PROPS)
    for spec in OBJECTS.values():
        if spec.kind in _OWN_PROPS and spec.name not in models:
            models[spec.name] = spec.name
    return [_prop(name, model) for name, model in models.items()]


def _prop(name: str, model: str) -> Blueprint:
    spec = OBJECTS[model]
    dynamic = spec.form in _DYNAMIC_FORMS or model in _DYNAMIC_NAMES
    attributes = (
        Attribute("role_name", _STRING, "prop"),
        Attribute("model", _STRING, model, modifiable=False),
        Attribute("split", _STRING, spec.split.value, modifiable=False),
        Attribute("anomaly", _BOOL, "true" if spec.is_anomaly else "false", modifiable=False),
    )
    return Blueprint(f"static.prop.{name}", Kind.PROP, Tag.DYNAMIC if dynamic else Tag.STATIC, attributes, model=model)


def _sensors() -> list[Blueprint]:
    def sensor(name: str, *attributes: Attribute) -> Blueprint:
        role = Attribute("role_name", _STRING, "front")
        return Blueprint(f"sensor.{name}", Kind.SENSOR, Tag.NONE, (role, *attributes))

    camera = (*_CAMERA_COMMON, _SENSOR_TICK, *_LENS)
    gnss = tuple(
        Attribute(f"noise_{axis}_{what}", _FLOAT, "0.0")
        for axis in ("alt", "lat", "lon")
        for what in ("bias", "stddev")
    )
    imu = tuple(
        Attribute(f"noise_{name}", _FLOAT, "0.0")
        for name in (
            *(f"accel_stddev_{a}" for a in "xyz"),
            *(f"gyro_bias_{a}" for a in "xyz"),
            *(f"gyro_stddev_{a}" for a in "xyz"),
        )
    )
    seed = Attribute("noise_seed", _INT, "0")
    return [
        sensor("camera.rgb", *camera, *_POST_PROCESSING),
        sensor("camera.semantic_segmentation", *camera),
        sensor("camera.instance_segmentation", *camera),
        sensor("camera.depth", *camera),
        sensor("other.collision"),
        sensor("other.gnss", _SENSOR_TICK, *gnss, seed),
        sensor("other.imu", _SENSOR_TICK, *imu, seed),
        Blueprint("sensor.other.lane_invasion", Kind.CLIENT_SIDE, Tag.NONE, (_ROLE,)),
        Blueprint("controller.ai.walker", Kind.CLIENT_SIDE, Tag.NONE, (_ROLE,)),
    ]
