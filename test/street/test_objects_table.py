"""The object table: splits, roles and sizes."""

from __future__ import annotations

import pytest

from ros_anomaly.data.labels import ANOMALY_ID, StreetClass
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.objects.spec import CLASS_OF_KIND, SPLIT_OF_ANOMALIES, ObjectKind, ObjectSpec
from ros_anomaly_sim.street.objects.table import OBJECTS
from ros_anomaly_sim.street.splits import Split

STREET_KINDS = [kind for kind in ObjectKind if kind not in SPLIT_OF_ANOMALIES]
LIBRARY = ModelLibrary()

# Things that are one object in two colours, poses or trims: they have to share a split.
FAMILIES = [
    ("concept_sedan", "concept_sedan_2"),
    ("rounded_sedan", "rounded_sedan_sport"),
    ("coconut", "bent_coconut"),
    ("high_hedge", "round_hedge"),
    ("washing_machine_2", "dryer"),
    ("rattan_armchair", "rattan_sofa", "rattan_table"),
    ("winchester_armchair", "winchester_sofa"),
]


@pytest.mark.parametrize("kind", STREET_KINDS)
def test_every_split_has_its_own_models_of_every_street_kind(kind: ObjectKind) -> None:
    groups = [set(LIBRARY.names(kind.value, split)) for split in Split]
    assert all(groups), f"{kind.value}: {[len(g) for g in groups]}"
    assert sum(map(len, groups)) == len(set().union(*groups))


@pytest.mark.parametrize("kind", [ObjectKind.CAR, ObjectKind.PERSON, ObjectKind.TREE, ObjectKind.STREET_FURNITURE])
@pytest.mark.parametrize("split", [Split.VALIDATION, Split.TEST])
def test_about_a_fifth_is_held_back(kind: ObjectKind, split: Split) -> None:
    total = sum(len(LIBRARY.names(kind.value, s)) for s in Split)
    assert 0.15 <= len(LIBRARY.names(kind.value, split)) / total <= 0.3


def test_sources_belong_to_one_split_only() -> None:
    splits: dict[str, set[Split]] = {}
    for spec in OBJECTS.values():
        splits.setdefault(spec.source, set()).add(spec.split)
    assert [source for source, found in splits.items() if len(found) > 1] == []


@pytest.mark.parametrize("family", FAMILIES)
def test_variants_of_one_thing_share_a_split(family: tuple[str, ...]) -> None:
    assert len({OBJECTS[name].split for name in family}) == 1


@pytest.mark.parametrize(
    ("kind", "split", "fewest"),
    [("negative", Split.TRAIN, 120), ("validation_anomaly", Split.VALIDATION, 25), ("reserved", Split.TEST, 30)],
)
def test_anomalies_exist_in_their_own_split_only(kind: str, split: Split, fewest: int) -> None:
    assert len(LIBRARY.names(kind, split)) >= fewest
    assert all(LIBRARY.names(kind, other) == () for other in Split if other != split)


def test_reserved_families_never_reach_training_or_validation() -> None:
    reserved_words = (
        "horse", "dog", "cat", "rabbit", "chicken", "deer", "boat", "plane", "fork_lift", "mower", "piano", "guitar",
        "keyboard", "xylophone", "treadmill", "wheelchair",
    )  # fmt: skip
    leaked = [
        spec.name
        for spec in OBJECTS.values()
        if spec.kind != ObjectKind.RESERVED and any(word in spec.name.split("_") for word in reserved_words)
    ]
    # A clothes horse dries laundry, a dog house is a hut.
    assert leaked == ["clothes_horse", "dog_house"]


@pytest.mark.parametrize("spec", [s for s in OBJECTS.values() if s.is_anomaly], ids=lambda s: s.name)
def test_given_anomaly_lengths_are_realistic(spec: ObjectSpec) -> None:
    assert spec.length_m is None or 0.3 <= spec.length_m <= 6.0


def test_class_ids() -> None:
    assert {CLASS_OF_KIND[kind] for kind in SPLIT_OF_ANOMALIES} == {ANOMALY_ID}
    assert OBJECTS["van"].class_id == StreetClass.CAR
    assert OBJECTS["boy"].class_id == StreetClass.PEDESTRIAN
    assert OBJECTS["box_hedge"].class_id == StreetClass.VEGETATION
    assert OBJECTS["hydrant"].class_id == StreetClass.OTHER
    assert OBJECTS["park_lamp"].class_id == StreetClass.POLE


def test_names_by_form() -> None:
    assert LIBRARY.names("car", Split.TRAIN, "van") == ("van",)
    assert LIBRARY.names("car", Split.VALIDATION, "van") == ()


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="object kind: expected one of car, person.*; found 'lorries'"):
        LIBRARY.names("lorries", Split.TRAIN)
    with pytest.raises(KeyError, match="no object 'unicorn'"):
        LIBRARY.spec("unicorn")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Big Van"}, "lower case"),
        ({"source": "van.obj"}, "neither a catalogue id nor a shape"),
        ({"length_m": 100.0}, "0.25..30, found 100"),
        ({"kind": ObjectKind.RESERVED}, "reserved belongs to test, not train"),
    ],
)
def test_bad_rows_are_refused(changes: dict[str, object], message: str) -> None:
    row: dict[str, object] = {
        "name": "van",
        "source": "Scopia#van",
        "kind": ObjectKind.CAR,
        "split": Split.TRAIN,
        "form": "van",
    }
    with pytest.raises(ValueError, match=message):
        ObjectSpec(**{**row, **changes})  # type: ignore[arg-type]
