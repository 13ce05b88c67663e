"""Scores that no longer fit one by one: the cells they share, and the bounds that hold for any scores in any order."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.evaluation.metrics import PixelRanking, best_f1
from ros_anomaly.evaluation.rank_cells import HALF_WIDTH, LEVELS, RANK_SHARE, Cells, absorb, cell_codes, compact
from ros_anomaly.evaluation.score_counts import ScoreCounts
from ros_anomaly.evaluation.score_keys import count_runs, key_scores, score_keys

N, A = 200_000, 2_000
FEW = 1 << 14


def exact(scores: np.ndarray, positive: np.ndarray) -> tuple[float, float, float]:
    """AP, AUROC, FPR95 by sorting all pixels."""
    order = np.argsort(-scores.astype(np.float64), kind="stable")
    ordered, hits = scores[order], positive[order]
    steps = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    true = np.cumsum(hits)[steps]
    false = steps + 1 - true
    gained, passed = np.diff(true, prepend=0), np.diff(false, prepend=0)
    ap = (gained * (true / (true + false))).sum() / true[-1]
    auroc = (passed * (true - gained / 2)).sum() / true[-1] / false[-1]
    return float(ap), float(auroc), float(false[np.argmax(true / true[-1] >= 0.95)] / false[-1])


def spread(rng):
    return rng.normal(0, 1, N), rng.normal(1.5, 1, A)


def narrow(rng):
    return 0.5 + rng.normal(0, 1e-7, N), 0.5 + rng.normal(1e-7, 1e-7, A)


def many_octaves(rng):
    return 10 ** rng.uniform(-30, 0, N), 10 ** rng.uniform(-5, 3, A)


def clusters(rng):
    """Narrow clusters at places of all sizes, with lone scores between."""
    places = rng.choice(10 ** rng.uniform(-6, 6, 60), N)
    normal = places * (1 + 2e-3 * rng.random(N))
    return np.where(rng.random(N) < 0.02, 10 ** rng.uniform(-6, 6, N), normal), rng.choice(places, A) * 1.0004


def half_tied(rng):
    return np.where(rng.random(N) < 0.9, 0.25, rng.normal(0, 1, N)), rng.normal(1, 1, A)


def rare(rng):
    return rng.normal(0, 1, N), rng.normal(3, 1, 4)


def perfect(rng):
    return rng.uniform(0, 1, N), rng.uniform(1, 2, A)


def constant(rng):
    return np.zeros(N), np.zeros(A)


SCORES = (spread, narrow, many_octaves, clusters, half_tied, rare, perfect, constant)
ORDERS = {
    "shuffled": lambda scores, positive, rng: rng.permutation(len(scores)),
    "lowest first": lambda scores, positive, rng: np.argsort(scores, kind="stable"),
    "highest first": lambda scores, positive, rng: np.argsort(-scores, kind="stable"),
    "middle last": lambda scores, positive, rng: np.argsort(-np.abs(scores - np.median(scores)), kind="stable"),
    "anomalous first": lambda scores, positive, rng: np.argsort(~positive, kind="stable"),
    "anomalous last": lambda scores, positive, rng: np.argsort(positive, kind="stable"),
}


def population(make, order: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    normal, anomalous = make(rng)
    scores = np.concatenate([normal, anomalous]).astype(np.float32)
    positive = np.arange(len(scores)) >= len(normal)
    places = ORDERS[order](scores, positive, rng)
    return scores[places], positive[places]


def ranking_of(scores: np.ndarray, positive: np.ndarray, exact_anomalous: int = 1 << 21, chunks: int = 8):
    ranking = PixelRanking(ScoreCounts(exact_anomalous), ScoreCounts(FEW))
    for part in np.array_split(np.arange(len(scores)), chunks):
        ranking.add(scores[part], positive[part])
    return ranking


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """So that many batches meet cells that are there already."""
    monkeypatch.setattr("ros_anomaly.evaluation.score_counts._FEWEST_WAITING", 1 << 14)
    monkeypatch.setattr("ros_anomaly.evaluation.score_counts._MOST_WAITING", 1 << 16)
    monkeypatch.setattr("ros_anomaly.evaluation.score_counts._MERGED_AT_ONCE", 20_000)
    monkeypatch.setattr("ros_anomaly.evaluation.rank_cells._STRETCH", 1 << 14)


@pytest.mark.parametrize(
    ("make", "order"),
    [(make, "shuffled") for make in SCORES]
    + [(make, order) for make in (spread, many_octaves, clusters) for order in ORDERS if order != "shuffled"],
)
def test_within_1e4_for_any_scores_in_any_order(make, order):
    scores, positive = population(make, order)
    figures = ranking_of(scores, positive).figures()
    assert figures.max_error <= 1e-4
    found = (figures.ap, figures.auroc, figures.fpr95)
    assert found == pytest.approx(exact(scores, positive), abs=figures.max_error + 1e-10)


@pytest.mark.parametrize("order", ["shuffled", "anomalous first"])
@pytest.mark.parametrize("make", SCORES)
def test_the_bound_holds_where_anomalous_scores_share_cells_too(make, order):
    scores, positive = population(make, order, seed=1)
    positive = ~positive  # now they are the many
    ranking = ranking_of(scores, positive, exact_anomalous=FEW)
    figures = ranking.figures()
    found = (figures.ap, figures.auroc, figures.fpr95)
    assert found == pytest.approx(exact(scores, positive), abs=figures.max_error + 1e-10)
    assert make in (constant, narrow) or not ranking.anomalous.is_exact()


def random_cells(rng, keys: np.ndarray) -> ScoreCounts:
    """Counts of ``keys`` where each pixel lies in a cell of any level that has it inside."""
    levels = rng.integers(0, 4, len(keys))
    firsts = keys.astype(np.uint64) >> (2 * levels).astype(np.uint64) << (2 * levels).astype(np.uint64)
    codes, counts = np.unique((firsts << np.uint64(4)) | (15 - levels).astype(np.uint64), return_counts=True)
    return ScoreCounts.from_state(
        {"codes": codes, "counts": counts, "exact_scores": np.array(1 << 10), "coarseness": np.array(1.0)}
    )


@pytest.mark.parametrize("places", [3, 12, 200])
def test_the_bound_holds_for_ties_of_pixels_in_cells_within_cells(places):
    for seed in range(100):
        rng = np.random.default_rng(seed)
        keys = rng.choice(256, places)[rng.integers(0, places, 400)]
        positive = rng.random(400) < rng.choice([0.1, 0.5, 0.9])
        ranking = PixelRanking(random_cells(rng, keys[positive]), random_cells(rng, keys[~positive]))
        figures = ranking.figures()
        found = (figures.ap, figures.auroc, figures.fpr95)
        assert found == pytest.approx(exact(keys, positive), abs=figures.max_error + 1e-12)


def test_the_bound_on_ap_is_strict_where_a_shared_cell_ties_with_a_score_of_its_own():
    codes = np.array([(64 << 4) | 12, (69 << 4) | 15], np.uint64)  # keys 64 to 127, and 69 alone
    anomalous = ScoreCounts.from_state(
        {"codes": codes, "counts": np.array([100, 1]), "exact_scores": np.array(1024), "coarseness": np.array(1.0)}
    )
    normal = ScoreCounts()
    normal.add_bins(np.array([200], np.uint32), np.array([1]))
    figures = PixelRanking(anomalous, normal).figures()
    assert abs(figures.ap - 101 / 102) <= figures.max_error  # as if all 101 were at 69


def test_the_bound_tells_of_what_no_bounded_memory_can_know():
    # Anomalous pixels first. Then as many high ones as put the last before 95 % into a cell, and all normal ones there.
    ranking = ranking_of(np.linspace(1, 2, N, dtype=np.float32), np.ones(N, bool), exact_anomalous=FEW)
    cells = ranking.anomalous._cells
    above = N - np.cumsum(cells.counts)
    target = int(np.flatnonzero(~cells.are_single() & (cells.counts == 2) & (above < 0.95 * N - 20))[0])
    more = int(np.ceil((0.95 * N - above[target] - 2) / 0.05)) + 1
    inside = key_scores(cells.first_keys()[target : target + 1])
    ranking.add(np.full(more, 3.0), np.ones(more, bool))
    ranking.add(np.full(N, inside), np.zeros(N, bool))
    assert ranking.figures().max_error == pytest.approx(0.5)


@pytest.mark.parametrize("make", [spread, clusters, many_octaves])
def test_shards_add_up_within_the_bound(make):
    scores, positive = population(make, "lowest first")
    shards = [ranking_of(s, p) for s, p in zip(np.array_split(scores, 5), np.array_split(positive, 5), strict=True)]
    total = shards[0]
    for shard in shards[1:]:
        total = total + shard
    figures = total.figures()
    assert (figures.anomalous_px, figures.normal_px) == (A, N)
    assert figures.max_error <= 1e-4
    found = (figures.ap, figures.auroc, figures.fpr95)
    assert found == pytest.approx(exact(scores, positive), abs=figures.max_error + 1e-10)


@pytest.mark.parametrize("make", SCORES)
def test_best_f1_cuts_no_cell_and_misses_little(make):
    scores, positive = population(make, "shuffled")
    ranking = ranking_of(scores, positive)
    f1, threshold = best_f1(ranking.anomalous, ranking.normal)
    cut = scores > np.float32(threshold)
    assert 2 * (cut & positive).sum() / (cut.sum() + positive.sum()) >= f1 - 1e-12
    order = np.argsort(-scores, kind="stable")
    last = np.append(scores[order][1:] != scores[order][:-1], True)
    true = np.cumsum(positive[order])[last]
    best = (2 * true / (np.flatnonzero(last) + 1 + positive.sum())).max()
    assert f1 == pytest.approx(best, abs=1e-3)


def counted(scores: np.ndarray, exact_scores: int = FEW, chunks: int = 10) -> ScoreCounts:
    counts = ScoreCounts(exact_scores)
    for part in np.array_split(scores, chunks):
        counts.add(part)
    return counts


@pytest.mark.parametrize("order", ["shuffled", "lowest first", "highest first", "middle last"])
@pytest.mark.parametrize("make", [spread, many_octaves, clusters])
def test_counts_above_a_score_are_known_as_promised(make, order):
    scores, positive = population(make, order)
    counts = counted(scores)
    assert counts.total() == len(scores) and not counts.is_exact()
    (low_keys, low_counts), (high_keys, high_counts) = counts.bins(), counts.bins(highest=True)
    at = score_keys(np.random.default_rng(2).choice(scores, 3000))
    ordered = np.sort(score_keys(scores))
    above = len(ordered) - np.searchsorted(ordered, at)
    least = low_counts.sum() - np.concatenate([[0], np.cumsum(low_counts)])[np.searchsorted(low_keys, at)]
    most = high_counts.sum() - np.concatenate([[0], np.cumsum(high_counts)])[np.searchsorted(high_keys, at)]
    assert (least <= above).all() and (above <= most).all()
    assert (most - least <= np.minimum(HALF_WIDTH * above, RANK_SHARE * len(scores)) + 1e-9).all()


def test_no_cell_counts_more_than_its_cap():
    # Each batch lands inside what the ones before it made: the case that nests cells in cells.
    rng = np.random.default_rng(3)
    counts = ScoreCounts(1 << 13)
    for width in 4.0 ** -np.arange(9):
        counts.add(10 + rng.random(40_000))  # stays above
        counts.add(np.float32(1) + (width * rng.random(60_000)).astype(np.float32))
    cells = counts._cells
    wide = ~cells.are_single()
    last = cells.last_keys()
    ordered = np.argsort(cells.first_keys(), kind="stable")
    below = np.concatenate([[0], np.cumsum(cells.counts[ordered])])
    above = below[-1] - below[np.searchsorted(cells.first_keys()[ordered], last, side="right")]
    cap = np.minimum(HALF_WIDTH / LEVELS * above, RANK_SHARE / LEVELS * counts.total())
    assert wide.sum() > 1000
    assert (cells.counts[wide] <= cap[wide]).all()
    holds_others = wide[:-1] & (cells.first_keys()[1:] <= last[:-1])
    assert holds_others.sum() > 10


def test_bins_may_be_fed_instead_of_scores():
    scores, _ = population(spread, "shuffled")
    by_bins = ScoreCounts(FEW)
    for part in np.array_split(scores, 20):
        by_bins.add_bins(*count_runs(np.sort(score_keys(part))))
    by_scores = counted(scores, chunks=20)
    assert by_bins.total() == by_scores.total() == len(scores)
    (keys, counts), (ordered_keys, ordered_counts) = by_bins.bins(), count_runs(np.sort(score_keys(scores)))
    assert abs(len(keys) - len(by_scores.bins()[0])) < 0.2 * len(keys)
    far = ordered_keys >= score_keys(np.array([2.0], np.float32))
    at = keys >= score_keys(np.array([2.0], np.float32))
    assert counts[at].sum() == pytest.approx(ordered_counts[far].sum(), rel=1e-3)


def test_compaction_loses_no_pixel_and_keeps_lone_scores():
    rng = np.random.default_rng(4)
    keys, counts = count_runs(np.sort(score_keys(rng.normal(size=N).astype(np.float32))))
    cells = Cells(cell_codes(keys), counts)
    for closely in (False, True):
        compacted = compact(cells, closely)
        assert compacted.counts.sum() == N
        assert len(compacted) < 0.85 * len(cells)
        assert (np.diff(compacted.codes.astype(np.int64)) > 0).all()
    top = key_scores(compact(cells).first_keys()[-50:])
    np.testing.assert_array_equal(top, key_scores(keys[-50:]))


def test_closely_is_what_bounds_remains_beside_heavy_cells():
    # A heavy pair of scores with lone ones around it at every distance: only `closely` moves these up.
    keys = np.unique(
        np.concatenate(
            [(1 << 31) + np.array([0, 1]), (1 << 31) + (np.arange(1, 4)[:, None] << (2 * np.arange(1, 15))).ravel()]
        )
    )
    counts = np.ones(len(keys), np.int64)
    counts[:2] = 10**6
    cells = Cells(cell_codes(np.append(keys, 0xF0000000).astype(np.uint32)), np.append(counts, 10**6))
    assert len(compact(cells)) == len(cells)
    compacted = compact(cells, closely=True)
    assert len(compacted) < 0.5 * len(cells)
    assert compacted.counts.sum() == cells.counts.sum()


def test_a_cell_that_has_room_takes_more_and_a_full_one_closes():
    above = Cells(cell_codes(np.array([0xF0000000], np.uint32)), np.array([10**7]))
    wide = Cells(np.array([(0x80000000 << 4) | 10], np.uint64), np.array([3]))
    cells, (left, counts) = absorb(wide.merged(above), np.array([0x80000000, 0x80000005, 0x90000000], np.uint32))
    assert cells.counts.tolist() == [5, 10**7] and left.tolist() == [0x90000000] and counts.tolist() == [1]
    many = np.full(500, 0x80000007, np.uint32)
    cells, (left, counts) = absorb(cells, many)
    assert cells.counts.tolist() == [5, 10**7] and (left.tolist(), counts.tolist()) == ([0x80000007], [500])
