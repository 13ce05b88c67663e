"""Anomalies for validation: garden and sports gear, and household items that training lacks."""

from __future__ import annotations

from ros_anomaly_sim.street.objects.spec import ObjectKind, ObjectSpec
from ros_anomaly_sim.street.splits import Split


def _object(name: str, source: str, form: str, length_m: float | None = None) -> ObjectSpec:
    return ObjectSpec(name, source, ObjectKind.VALIDATION_ANOMALY, Split.VALIDATION, form, length_m)


VALIDATION_ANOMALIES: tuple[ObjectSpec, ...] = (
    _object("deck_chair", "Blend Swap CC-0#deckChair", "garden"),
    _object("relax_chair", "Blend Swap CC-0#relaxChair", "garden"),
    _object("folding_chair", "Blend Swap CC-0#foldingChair", "garden"),
    _object("deck_chair_2", "Blend Swap CC-BY#chair_deck", "garden"),
    _object("pool_lounge", "Blend Swap CC-BY#poolLounge", "garden"),
    _object("stone_lantern", "Blend Swap CC-0#lantern", "garden"),
    _object("stone_lantern_2", "Blend Swap CC-0#stoneLantern", "garden", 0.6),
    _object("fountain", "Blend Swap CC-BY#fountain", "garden"),
    _object("child_swing", "Blend Swap CC-0#childSwing", "garden"),
    _object("child_swing_2", "Scopia#child_swing", "garden"),
    _object("seesaw", "Blend Swap CC-0#seesaw", "garden"),
    _object("children_game", "Scopia#parque", "garden"),
    _object("dog_house", "Scopia#dog-house", "garden"),
    _object("garden_hut", "Scopia#garden-hut", "garden"),
    _object("camping_tent", "Scopia#campingTent", "garden"),
    _object("trampoline", "Scopia#trampoline", "garden"),
    _object("sandpit", "Scopia#sandpit", "garden"),
    _object("round_swimming_pool", "Scopia#round-swimming-pool", "garden"),
    _object("hammock", "Scopia#hammock", "garden"),
    _object("barnum", "Scopia#barnum", "garden"),
    _object("cafe_chair", "Kator Legaz#cafe-chair", "garden"),
    _object("cafe_table", "Kator Legaz#cafe-table", "garden"),
    _object("rattan_armchair", "Scopia#rattanArmchair", "garden"),
    _object("rattan_sofa", "Scopia#rattanSofa", "garden"),
    _object("rattan_table", "Scopia#rattanTable", "garden"),
    _object("beach_chair", "Scopia#beach_chair", "garden"),
    _object("teck_chair", "Scopia#silla_teca", "garden"),
    _object("chair", "Scopia#ext_chair", "garden"),
    _object("table", "Scopia#ext_table", "garden"),
    _object("wheelbarrow", "Blend Swap CC-0#wheelbarrow", "garden"),
    _object("umbrella", "Blend Swap CC-0#umbrella", "garden"),
    _object("basketball", "Blend Swap CC-0#basketball", "sport", 0.3),
    _object("soccer_ball", "Blend Swap CC-BY#ballonFoot", "sport", 0.3),
    _object("table_tennis", "Blend Swap CC-BY#table_tennis", "sport"),
    _object("pool_table", "Blend Swap CC-0#poolTable", "sport"),
    _object("football_table", "Blend Swap CC-0#table_football", "sport"),
    _object("abdominal_bench", "Blend Swap CC-BY#abdominalBench", "sport"),
    _object("football_goal", "Scopia#football-goal", "sport"),
    _object("punching_ball", "Scopia#punching-ball", "sport"),
    _object("basketball_net", "Scopia#basketball_net_and_board", "sport"),
    _object("helmet", "Scopia#casque", "sport", 0.35),
    _object("umbrella_2", "Blend Swap CC-0#umbrellaFolded", "household"),
    _object("suitcase", "Blend Swap CC-BY#suitcase", "household"),
    _object("backpack", "Blend Swap CC-BY#backpack", "household", 0.5),
    _object("briefcase", "Blend Swap CC-0#briefcase", "household", 0.5),
    _object("step_ladder", "Scopia#step-ladder-metal", "household"),
    _object("small_step_ladder", "Scopia#step-ladder-wood", "household"),
    _object("safe", "Blend Swap CC-BY#sef-kasa", "household"),
)
