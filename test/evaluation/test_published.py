"""Published rows: figures as the papers have them, under the names by which data sets are opened."""

from __future__ import annotations

import pytest

from ros_anomaly.data.datasets.registry import DATASETS
from ros_anomaly.evaluation.labelled.published import _ROWS, PublishedRow, published_rows


def test_rows_are_of_data_sets_that_can_be_opened_and_say_where_they_are_from():
    assert {row.dataset for row in _ROWS} <= set(DATASETS)
    assert all(row.source and row.method for row in _ROWS)
    assert len({(row.dataset, row.method) for row in _ROWS}) == len(_ROWS)


@pytest.mark.parametrize(
    ("dataset", "method", "figures"),
    [
        ("fishyscapes-lostandfound", "UNO, real negatives", (0.818, 0.013, None)),
        ("fishyscapes-static", "UNO, real negatives", (0.98, 0.0004, None)),
        ("road-anomaly", "Mask2Anomaly", (0.797, 0.135, None)),
        ("streethazards", "PSPNet-101, MaxLogit", (0.106, 0.265, 0.893)),
        ("bdd-anomaly", "MaxLogit", (0.054, 0.14, 0.926)),
        ("smiyc-obstacle", "UNO", (0.932, 0.002, None)),
    ],
)
def test_figures(dataset, method, figures):
    row = next(row for row in published_rows(dataset) if row.method == method)
    assert (row.ap, row.fpr95, row.auroc) == figures


def test_a_data_set_without_rows_has_none_and_a_figure_in_per_cent_is_refused():
    assert published_rows("folder") == ()
    assert "RbA" not in {row.method for row in published_rows("fishyscapes-static")}
    with pytest.raises(ValueError, match=r"expected a fraction 0\.\.1, found 81.8"):
        PublishedRow("road-anomaly", "UNO", "paper", ap=81.8)
