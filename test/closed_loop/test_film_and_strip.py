"""Videos of drives, and the moments that are taken from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_up_closed_loop import collided, drive, stopped, write_film

from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly_sim.bridge.projection import PixelBox
from ros_anomaly_sim.closed_loop.record import Film
from ros_anomaly_sim.closed_loop.result import End, TrackPoint
from ros_anomaly_sim.closed_loop.strip import stills, told_moments, write_strip
from ros_anomaly_sim.film.pictures import BANNER_PX
from ros_anomaly_sim.film.video import read_frames

pytest.importorskip("carla")

from ros_anomaly_sim.bridge.carla_views import CarlaView  # noqa: E402
from ros_anomaly_sim.bridge.handedness import EgoMotion  # noqa: E402
from ros_anomaly_sim.bridge.stage import Moment  # noqa: E402
from ros_anomaly_sim.closed_loop.drivers import Sight, Verdict  # noqa: E402
from ros_anomaly_sim.closed_loop.film import DriveFilm  # noqa: E402

H, W = 180, 320
TICK_NS = 100_000_000


class Empty:
    """A course with nothing on it."""

    anomalies, half_width_m, front_m, missed_images = (), 0.9, 2.0, 0


def moment(number: int, grey: int = 60) -> Moment:
    view = CarlaView(np.full((H, W, 3), grey, np.uint8), None, None, None, {})
    return Moment(number * TICK_NS, EgoMotion((0, 0, 0), 8.0, 0.0), 0.8 * number, view)


def verdict(flagged: bool) -> Verdict:
    mask = np.zeros((H, W), np.uint8)
    mask[:] = 255 if flagged else 0
    sight = Sight((PixelBox(0, 0, W, H),), mask, np.full((9, 16), float(flagged), np.float32))
    return Verdict(HazardLevel.HAZARD if flagged else HazardLevel.CLEAR, "as told", sight=sight)


def tick(film: DriveFilm, own: Moment) -> None:
    point = TrackPoint(own.stamp_ns / 1e9, own.travelled_m, 8.0, "clear", False)
    film.ticked(own, point, verdict(False))


def redness(frame: np.ndarray) -> float:
    below = frame[BANNER_PX + 20 : BANNER_PX + 60, 100:300].astype(float)
    return float((below[..., 0] - below[..., 1]).mean())


def test_masks_are_drawn_on_the_images_they_belong_to(tmp_path: Path):
    path = tmp_path / "film.mp4"
    with DriveFilm(path, (H, W), 10) as film:
        film.begin(Empty())
        moments = [moment(number) for number in range(6)]
        # Judged late: image 0 at once, 2 when 3 is there, 1 and 3 never, 4 at the end; 5 not any more.
        film.judged(moments[0], verdict(False))
        for number in range(3):
            tick(film, moments[number])
        film.judged(moments[2], verdict(True))
        tick(film, moments[3])
        film.judged(moments[4], verdict(False))
        tick(film, moments[4])
        tick(film, moments[5])
        assert not path.exists()
        film.keep()
    assert film.times_s == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert film.was_judged == [True, False, True, False, True, False]
    frames = read_frames(path, range(6))
    assert frames[0].shape == (H + BANNER_PX, W, 3)
    red = [redness(frames[number]) for number in range(6)]
    assert red[2] > 60 and max(red[:2] + red[3:]) < 20
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]


def test_a_film_that_is_not_kept_leaves_nothing_and_what_was_there(tmp_path: Path):
    (tmp_path / "film.mp4").write_bytes(b"before")
    with DriveFilm(tmp_path / "film.mp4", (H, W), 10) as film:
        film.begin(Empty())
        tick(film, moment(0))
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]
    assert (tmp_path / "film.mp4").read_bytes() == b"before"


def test_odd_sizes_lose_a_line(tmp_path: Path):
    with DriveFilm(tmp_path / "film.mp4", (H - 1, W), 10) as film:
        film.begin(Empty())
        view = CarlaView(np.full((H - 1, W, 3), 60, np.uint8), None, None, None, {})
        tick(film, Moment(0, EgoMotion((0, 0, 0), 0.0, 0.0), 0.0, view))
        film.keep()
    assert read_frames(tmp_path / "film.mp4", [0])[0].shape == (H - 2 + BANNER_PX, W, 3)


def test_the_moments_of_a_stop():
    told = told_moments(stopped("s", "detector", "boat"))
    assert [at_s for at_s, _ in told] == sorted(at_s for at_s, _ in told) and len(told) == 6
    words = " / ".join(words for _, words in told)
    assert "stands 4.0 m before it" in words and "boat known, 12 m ahead" in words
    assert "brakes: anomaly in the corridor" in words


def test_the_moments_of_a_hit_end_before_it():
    own = collided("s", "detector", "piano")
    told = told_moments(own)
    assert told[-1] == (pytest.approx(own.collisions[0].at_s - 0.1), "before impact at 29 km/h")


def test_nothing_happens_on_an_open_road():
    told = told_moments(drive("s", "detector", End.COMPLETED))
    assert told[0] == (0.0, "the start") and told[-1][1] == "route completed"
    gaps = [b - a for (a, _), (b, _) in zip(told, told[1:], strict=False)]
    assert len(told) == 6 and max(gaps) < 3 * min(gaps)


def test_stills_are_the_frames_of_their_moments(tmp_path: Path):
    own = stopped("s", "detector", "boat")
    film = write_film(tmp_path / "film.mp4", own)
    tiles = stills(tmp_path / "film.mp4", film, own)
    assert len(tiles) == 6 and tiles[0][0] == "0.0 s: the start"
    means = [frame.mean() for _, frame in tiles]
    assert means == sorted(means) and means[0] == pytest.approx(40, abs=3)
    assert means[-1] == pytest.approx(40 + 2 * (len(film.times_s) - 1), abs=3)
    write_strip(tmp_path / "strip.jpg", tiles)
    sheet = cv2.imread(str(tmp_path / "strip.jpg"))
    assert sheet is not None and sheet.shape[1] > 1400


def test_stills_show_what_was_judged_where_that_is_near(tmp_path: Path):
    own = stopped("s", "detector", "boat")
    film = write_film(tmp_path / "film.mp4", own)
    third = replace(film, judged=tuple(number % 3 == 0 for number in range(len(film.times_s))))
    never = replace(film, judged=(False,) * len(film.times_s))
    told = [at_s for at_s, _ in told_moments(own)]
    step_s = film.times_s[1] - film.times_s[0]
    assert 3 * step_s > 0.25 > step_s  # not every moment has a judged image near
    every, some, none = (
        [round((float(frame.mean()) - 40) / 2) for _, frame in stills(tmp_path / "film.mp4", one, own)]
        for one in (film, third, never)
    )
    assert none == every
    for at_s, plain, chosen in zip(told, every, some, strict=True):
        near = [n for n in range(0, len(film.times_s), 3) if -0.01 < at_s - film.times_s[n] < 0.25]
        assert chosen == pytest.approx(near[-1] if near else plain, abs=1)


def test_a_drive_that_nobody_saw_has_no_stills(tmp_path: Path):
    assert stills(tmp_path / "film.mp4", Film("detector", 0.0, (), ()), stopped("s", "detector", "boat")) == []
    write_strip(tmp_path / "strip.jpg", [])
    assert list(tmp_path.iterdir()) == []


def test_no_video_is_one_clear_error(tmp_path: Path):
    (tmp_path / "film.mp4").write_bytes(b"no video")
    with pytest.raises(OSError, match="film.mp4"):
        read_frames(tmp_path / "film.mp4", [0])
