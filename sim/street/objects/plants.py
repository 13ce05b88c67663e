"""Trees, hedges and bushes of the streets."""

from __future__ import annotations

from ros_anomaly_sim.street.objects.spec import ObjectKind, ObjectSpec
from ros_anomaly_sim.street.splits import Split

_object = ObjectSpec
TRAIN, VALIDATION, TEST = Split.TRAIN, Split.VALIDATION, Split.TEST
TREE = ObjectKind.TREE
HEDGE = ObjectKind.HEDGE

PLANTS: tuple[ObjectSpec, ...] = (
    _object("acacia", "Scopia#acacia", TREE, TRAIN, "broadleaf", paint=("Leaves",), leaves=("Leaves",)),
    _object("peach", "Scopia#peachBlossom", TREE, TRAIN, "broadleaf", paint=("TwigFlowers",), leaves=("TwigFlowers",)),
    _object("pine", "Scopia#pine", TREE, TRAIN, "conifer", paint=("Leaves",), leaves=("Leaves",)),
    _object("sycamore", "Scopia#sycamoreMaple", TREE, TRAIN, "broadleaf", paint=("Twig",), leaves=("Twig",)),
    _object("cypress", "Scopia#cypress", TREE, TRAIN, "conifer", paint=("Leaves",), leaves=("Leaves",)),
    _object("palm", "Scopia#palm", TREE, TRAIN, "palm", paint=("Leaves",), leaves=("Leaves",)),
    _object("bamboo", "Scopia#bamboo", TREE, TRAIN, "broadleaf", paint=("Leaves",), leaves=("Leaves",)),
    _object("ficus", "Scopia#ficusTree", TREE, VALIDATION, "broadleaf", paint=("Leaves",), leaves=("Leaves",)),
    _object("japanese_maple", "Scopia#japaneseMaple", TREE, VALIDATION, "broadleaf", paint=("Twig",), leaves=("Twig",)),
    _object("sabal_palm", "Scopia#sabalPalmeto", TREE, VALIDATION, "palm", paint=("Leaves",), leaves=("Leaves",)),
    _object("poplar", "Scopia#poplar", TREE, TEST, "broadleaf", paint=("Leaves",), leaves=("Leaves",)),
    _object("copper_beech", "Scopia#copperBeech", TREE, TEST, "broadleaf", paint=("Leaves",), leaves=("Leaves",)),
    _object("coconut", "Scopia#coconutTree", TREE, TEST, "palm", paint=("Leaves",), leaves=("Leaves",)),
    _object("bent_coconut", "Scopia#coconutTreeBended", TREE, TEST, "palm", paint=("Leaves",), leaves=("Leaves",)),
    _object("high_hedge", "Scopia#high-hedge", HEDGE, TRAIN, "hedge", paint=("leaves",), leaves=("leaves",)),
    _object("round_hedge", "Scopia#hedge", HEDGE, TRAIN, "hedge", paint=("leaves",), leaves=("leaves",)),
    _object("bush", "Scopia#bush", HEDGE, VALIDATION, "bush", paint=("leaves",), leaves=("leaves",)),
    _object("box_hedge", "Scopia#hedgeTextured", HEDGE, TEST, "hedge"),
)
