"""How alike two surfaces look from the sides: the measure that levels of detail are chosen and tested by."""

from __future__ import annotations

import numpy as np

from ros_anomaly_sim.street.objects.surface import Surface, areas

_PIXELS = 56
_SAMPLES = 24_000
_SAMPLING_SEED = 7
_AZIMUTHS_DEG = (0.0, 35.0, 90.0, 145.0)


def silhouettes(surface: Surface, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """bool [4, 56, 56]: what the surface covers seen level from four sides, in the frame of a bounding box."""
    centre = (low + high) / 2
    extent = max(float(np.linalg.norm(high - low)), 1e-9)
    random = np.random.default_rng(_SAMPLING_SEED)
    area = areas(surface)
    covered = np.zeros((len(_AZIMUTHS_DEG), _PIXELS, _PIXELS), bool)
    if not area.sum() > 0.0:
        return covered
    chosen = random.choice(len(area), _SAMPLES, p=area / area.sum())
    weights = random.dirichlet((1.0, 1.0, 1.0), _SAMPLES)
    points = np.einsum("nc,nci->ni", weights, surface.points[surface.triangles[chosen]]) - centre
    points = np.concatenate([points, surface.points[surface.triangles].mean(axis=1) - centre])
    row = np.clip(np.floor((points[:, 2] / extent + 0.5) * _PIXELS), 0, _PIXELS - 1).astype(int)
    for view, azimuth in enumerate(np.deg2rad(_AZIMUTHS_DEG)):
        across = points[:, 0] * np.cos(azimuth) + points[:, 1] * np.sin(azimuth)
        column = np.clip(np.floor((across / extent + 0.5) * _PIXELS), 0, _PIXELS - 1).astype(int)
        covered[view, row, column] = True
    return covered


def silhouette_overlap(first: Surface, second: Surface) -> float:
    """Intersection over union of the silhouettes, 0..1, in the frame of the first surface."""
    low, high = first.bounds()
    a, b = silhouettes(first, low, high), silhouettes(second, low, high)
    return float((a & b).sum() / max((a | b).sum(), 1))
