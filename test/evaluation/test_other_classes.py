"""Engines of imported networks: classes that street labels do not know give no class figures, anomalies are as ever."""

from __future__ import annotations

import numpy as np
from oracle_engine import OracleEngine, source, streets

from ros_anomaly.data.labels import ClassSet
from ros_anomaly.evaluation.labelled.fit import fit_statistics
from ros_anomaly.evaluation.labelled.run import evaluate
from ros_anomaly.evaluation.labelled.score_maps import RawScorer
from ros_anomaly.runtime.contract import RawPrediction
from ros_anomaly.scores.names import Aggregation
from ros_anomaly.scores.registry import get_score

OTHER = ClassSet.of_names(f"class {i}" for i in range(19))


class OtherEngine(OracleEngine):
    """The oracle with six classes more, which it never sees."""

    def infer(self, image: np.ndarray) -> RawPrediction:
        known = super().infer(image)
        unseen = np.full((len(known.class_logits), 6), known.class_logits.min(), np.float32)
        return RawPrediction(np.insert(known.class_logits, [13], unseen, axis=1), known.mask_logits)


def test_anomaly_figures_without_class_figures():
    report = evaluate(source(), RawScorer(OtherEngine(), [get_score("uno")], Aggregation.MASKS, OTHER))
    assert report.scores["uno"].full.ap == 1.0
    assert report.miou is None
    assert set(report.iou.values()) == {None}


def test_statistics_of_as_many_classes():
    fit, used = fit_statistics(streets(), OtherEngine(), num_classes=OTHER.count)
    assert (used, fit.num_classes) == (1, 19)
    assert fit.pixels > 0
