"""``evaluate_bag`` from bag to files: the same twice, for one bag and several, whole or broken."""

from __future__ import annotations

import concurrent.futures
import csv
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from drive_bags import (
    IMAGE,
    LABELS,
    ODOMETRY,
    PERIOD_NS,
    START_NS,
    Drive,
    Record,
    anomaly_box,
    header,
    image,
    odometry,
    picture,
    write_bag,
)
from toy_engine import make_toy_engine

from ros_anomaly.bags.reader import BagReader
from ros_anomaly.cli import evaluate_bag, evaluate_bag_jobs
from ros_anomaly.cli.evaluate_bag_drive import Outcome
from ros_anomaly.cli.evaluate_bag_plan import DriveJob
from ros_anomaly.messages.hazard import hazard_report
from ros_anomaly.nodes.parameter_file import read_parameters

PARAMETERS = Path(__file__).resolve().parents[2] / "config" / "detector.yaml"


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Path:
    return make_toy_engine(tmp_path_factory.mktemp("engine"))


@pytest.fixture
def run(engine, tmp_path, capsys):
    """Runs the command on bags; gives (status, what it printed as JSON, lines on standard error)."""

    def run(*arguments, out: str = "out", with_engine: bool = True) -> tuple[int, dict, str]:
        words = [str(one) for one in arguments] + ["--out", str(tmp_path / out), "--threads", "1", "--json"]
        status = evaluate_bag.main(words + (["--engine", str(engine)] if with_engine else []))
        captured = capsys.readouterr()
        return status, json.loads(captured.out) if captured.out else {}, captured.err

    return run


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_bag_twice_gives_the_same_bytes_but_for_the_timings(run, tmp_path):
    bag = write_bag(tmp_path / "drive", Drive(labelled=True).records)
    options = (bag, "--image-topic", IMAGE, "--label-topic", LABELS, "--label-format", "class-ids")
    status, printed, _ = run(*options)
    first = files(tmp_path / "out")
    assert status == 0
    shutil.rmtree(tmp_path / "out")
    assert run(*options)[0] == 0
    second = files(tmp_path / "out")
    assert first.pop("timings.json") and second.pop("timings.json")
    assert first == second and set(first) == {
        "result.json", "frames.csv", "report.html", "result_bag/metadata.yaml", "result_bag/result_bag.mcap",
    }  # fmt: skip
    assert json.loads(first["result.json"]) == printed
    camera = printed["cameras"][0]
    assert camera["hazards"]["events"] == 1 and camera["hazards"]["false_events"] == 0
    assert camera["hazards"]["list"][0]["on_anomaly"] is True and camera["labels"]["recall"] == 1.0
    rows = list(csv.DictReader(first["frames.csv"].decode().splitlines()))
    assert [row["level"] for row in rows][7:11] == ["clear", "caution", "hazard", "hazard"]
    assert {row["mask_px"] for row in rows} == {"0", "640"}
    page = first["report.html"].decode()
    assert "1 hazard." in page and f"{camera['labels']['ap']:.3f}" in page


def test_streaming_figures_stand_in_the_result_at_a_given_latency_and_else_beside_it(run, tmp_path):
    bag = write_bag(tmp_path / "drive", Drive(labelled=True).records)
    options = (bag, "--image-topic", IMAGE, "--label-topic", LABELS, "--label-format", "class-ids", "--no-bag")
    _, printed, _ = run(*options)
    assert printed["cameras"][0]["sequence"]["streaming"] is None
    measured = json.loads((tmp_path / "out/timings.json").read_text())["streaming"]
    assert measured[0]["latency_ms"] > 0
    _, printed, _ = run(*options, "--latency-ms", "250")
    streaming = printed["cameras"][0]["sequence"]["streaming"]
    assert streaming["latency_ms"] == 250 and streaming["streaming"]["ap"] < streaming["frame_wise"]["ap"] == 1.0
    assert json.loads((tmp_path / "out/timings.json").read_text())["streaming"] == [None]
    assert "At a latency of 250 ms" in (tmp_path / "out/report.html").read_text()


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_raw_and_compressed_images_in_any_storage_give_the_same_answers(run, tmp_path, storage):
    raw = write_bag(tmp_path / "raw", Drive().records, "mcap")
    png = write_bag(tmp_path / "png", Drive(transport="compressed").records, storage)
    _, expected, _ = run(raw, "--no-bag", "--no-report", out="a")
    status, found, _ = run(png, "--no-bag", "--no-report", out="b")
    assert status == 0
    for part in ("images", "levels", "hazards", "timeline"):
        assert found["cameras"][0][part] == expected["cameras"][0][part]


def test_the_result_bag_says_what_the_node_would_have_said(run, tmp_path):
    bag = write_bag(tmp_path / "drive", Drive().records)
    run(bag, "--copy-images", "--no-report")
    with BagReader(tmp_path / "out" / "result_bag") as result:
        topics = ("mask", "score", "hazard", "hazard_status")
        assert set(result.topics) == {IMAGE, *(f"/detector/{name}" for name in topics)}
        read = {name: list(result.messages([f"/detector/{name}"])) for name in topics}
        images = [message.decoded() for message in result.messages([IMAGE])]
    assert len(images) == 20 and len(read["mask"]) == 20 and len(read["score"]) == 20
    mask = read["mask"][9].decoded()
    assert mask.header.stamp.nanosec == 900_000_000 and mask.header.frame_id == "camera" and mask.encoding == "mono8"
    plane = mask.data.reshape(mask.height, mask.width)
    assert (plane[anomaly_box()] == 255).all() and plane.sum() == 255 * 640
    assert read["mask"][9].recorded_ns == START_NS + 9 * PERIOD_NS + 5_000_000
    reports = [hazard_report(message.decoded()) for message in read["hazard_status"]]
    answered = [report for report in reports if not report.is_heartbeat]
    assert len(answered) == 20 and answered[9].state.level.value == "hazard" and answered[9].state.latency_ms is None
    assert [message.decoded().data for message in read["hazard"]].count(True) >= 9
    np.testing.assert_array_equal(images[0].data, picture(seed=0).ravel())


def test_the_nodes_own_parameter_file_decides(run, tmp_path, engine):
    bag = write_bag(tmp_path / "drive", Drive().records)
    tree = yaml.safe_load(PARAMETERS.read_text())
    tree["/**"]["ros__parameters"].update(threshold=1.5, engine=str(engine))
    (tmp_path / "deaf.yaml").write_text(yaml.safe_dump(tree))
    status, found, _ = run(bag, "--params", tmp_path / "deaf.yaml", "--no-report", with_engine=False)
    assert status == 0 and found["threshold"] == 1.5 and found["cameras"][0]["hazards"]["events"] == 0
    assert run(bag, "--params", PARAMETERS, "--no-report", out="default")[1]["cameras"][0]["hazards"]["events"] == 1


def test_an_unfamiliar_scene_is_unknown_and_told_frame_by_frame(run, tmp_path):
    tinted = np.array([60, -60, 60], np.int16)  # scores about 0.47 everywhere: under the threshold, far above the usual
    records = [
        Record(IMAGE, stamp, image(stamp, (picture(seed=number) + tinted * (number >= 6)).astype(np.uint8)))
        for number, stamp in enumerate(START_NS + PERIOD_NS * np.arange(12, dtype=np.int64).astype(object))
    ]
    assert run(write_bag(tmp_path / "drive", records))[0] == 0
    (table,) = (tmp_path / "out").glob("**/frames.csv")
    rows = list(csv.DictReader(table.open()))
    assert [row["level"] for row in rows] == ["unknown"] * 2 + ["clear"] * 4 + ["unknown"] * 6
    assert all(float(row["scene_shift"]) == 0 for row in rows[:6])
    assert all(0.5 < float(row["scene_shift"]) < 1 and "unfamiliar scene" in row["reason"] for row in rows[6:])


def test_several_bags_in_several_processes_give_the_same_as_one_by_one(run, tmp_path):
    bags = [
        write_bag(tmp_path / f"drive{n}", Drive(frames=10 + n, anomalous=(5, 6), labelled=True).records)
        for n in range(2)
    ]
    options = (*bags, "--image-topic", IMAGE, "--label-topic", LABELS, "--label-format", "class-ids", "--no-report")
    status, one_by_one, _ = run(*options, out="one")
    assert status == 0 and one_by_one["total"]["images"] == 21 and one_by_one["total"]["labels"]["frames"] == 21
    assert run(*options, "--workers", "2", out="two")[1] == one_by_one
    first, second = files(tmp_path / "one"), files(tmp_path / "two")
    assert [name for name in first if first[name] != second[name] and not name.endswith("timings.json")] == []
    assert "drive0/result.json" in first and "total.json" in first


def test_a_broken_bag_does_not_stop_the_others_and_status_tells(run, tmp_path):
    good = write_bag(tmp_path / "good", Drive(frames=10).records)
    short = write_bag(tmp_path / "short", Drive(frames=150).records)
    file = short / "short.mcap"
    file.write_bytes(file.read_bytes()[:-1_500_000])
    status, found, said = run(good, short, "--no-report", "--no-bag")
    assert status == evaluate_bag.EXIT_INCOMPLETE and set(found["drives"]) == {"good", "short"}
    assert 0 < found["drives"]["short"]["images"] < 150 and "short.mcap: cut short" in said
    status, found, said = run(good, tmp_path / "nowhere", out="second")
    assert status == 1 and set(found["drives"]) == {"good"} and "nowhere: bag" in said and "found nothing" in said
    assert "found nothing" in found["failed"]["nowhere"] and list(found["failed"]) == ["nowhere"]
    assert run(tmp_path / "nowhere", out="third")[0] == 1


@pytest.mark.parametrize(("workers", "error"), [(1, MemoryError("no more")), (2, KeyError("unforeseen"))])
def test_whatever_ends_one_job_leaves_the_outcomes_of_the_others(monkeypatch, tmp_path, workers, error):
    def run_job(job, show_progress=False):
        if job.bag.name == "bad":
            raise error
        return Outcome(job.bag.name, {}, None, "", (), False)

    monkeypatch.setattr(evaluate_bag_jobs, "run_job", run_job)
    monkeypatch.setattr(concurrent.futures, "ProcessPoolExecutor", lambda n, mp_context: ThreadPoolExecutor(n))
    jobs = [DriveJob(tmp_path / name, tmp_path, ()) for name in ("bad", "good")]
    bad, good = evaluate_bag_jobs.run_jobs(jobs, workers)
    assert good.figures == {} and bad.figures is None and bad.incomplete
    (problem,) = bad.problems
    assert problem == f"{type(error).__name__}: {error}"


def test_nothing_of_an_earlier_run_stands_beside_the_new_files(run, tmp_path):
    bag = write_bag(tmp_path / "drive", Drive(frames=6).records)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("kept")
    run(bag)
    assert {"report.html", "result_bag/metadata.yaml"} < set(files(tmp_path / "out"))
    run(bag, "--no-report", "--no-bag")
    assert set(files(tmp_path / "out")) == {"mine.txt", "result.json", "frames.csv", "timings.json"}
    assert run(tmp_path / "nowhere")[0] == 1 and set(files(tmp_path / "out")) == {"mine.txt"}


def test_a_result_bag_is_not_removed_while_it_is_to_be_read(run, tmp_path):
    run(write_bag(tmp_path / "drive", Drive(frames=6).records), "--copy-images", "--no-report")
    status, _, said = run(tmp_path / "out" / "result_bag")
    assert status == 1 and "expected another folder than that of the bag" in said
    assert (tmp_path / "out" / "result_bag" / "metadata.yaml").is_file()


def test_labels_of_which_none_matches_are_told_by_the_status(run, tmp_path):
    records = Drive(frames=6, labelled=True).records
    stamp = START_NS + 50
    other = [replace(r, message=replace(r.message, header=header(stamp))) if r.topic == LABELS else r for r in records]
    bag = write_bag(tmp_path / "drive", other)
    options = ("--label-topic", LABELS, "--label-format", "class-ids", "--image-topic", IMAGE, "--no-report")
    status, _, said = run(bag, *options)
    assert status == evaluate_bag.EXIT_INCOMPLETE and f"{LABELS}: expected labels of the images" in said


def test_a_rate_is_refused_for_a_bag(run, tmp_path):
    status, _, said = run(write_bag(tmp_path / "drive", Drive(frames=3).records), "--rate", "10")
    assert status == 1 and "--rate: expected a folder of pictures, found a bag" in said


def test_everything_odd_in_a_bag_is_a_line_and_a_count(run, tmp_path):
    drive = Drive(frames=40, anomalous=())
    at = drive.images()
    stamps = [START_NS + n * PERIOD_NS for n in range(40)]

    def put(number: int, message=None, cdr=None) -> None:
        drive.records[at[number]] = Record(
            IMAGE, drive.records[at[number]].recorded_ns, message, cdr, "sensor_msgs/msg/Image"
        )

    put(5, image(stamps[5], picture(seed=5), "rgb9"))  # does not convert
    put(10, cdr=b"\0\1\0\0junk")  # no message at all
    put(15, image(stamps[14], picture(seed=15)))  # a stamp that does not advance
    put(20, image(stamps[20], np.full((72, 128, 3), 255, np.uint8)))  # the engine fails on it
    records = [record for n, record in enumerate(drive.records) if n not in at[25:37]]  # a gap of 1.3 s
    status, found, said = run(write_bag(tmp_path / "odd", records), "--no-bag", "--no-report")
    camera = found["cameras"][0]
    assert status == evaluate_bag.EXIT_INCOMPLETE
    assert camera["images"] == {
        "read": 27, "processed": 25, "bad_image": 1, "engine_failure": 1,
        "with_regions": 0, "with_regions_in_corridor": 0,
    }  # fmt: skip
    assert (camera["stamps"]["gaps"], camera["stamps"]["not_ascending"]) == (1, 1)
    assert found["images_promised"] == 28
    for words in ("1 of 27 images: bad image:", "1 of 27 images: engine:", f"{IMAGE}: 1 messages have damaged bytes"):
        assert words in said, said
    unknown = [one["reason"] for one in camera["timeline"] if one["level"] == "unknown"]
    assert any("rgb9" in reason for reason in unknown) and any("did not advance" in reason for reason in unknown)
    assert any("last frame is" in reason for reason in unknown)
    assert said.count("\n") < 12


def test_several_cameras_of_one_bag(run, tmp_path):
    left, right = Drive(frames=12, anomalous=()), Drive(frames=12, anomalous=(5, 6, 7))
    records = [*left.records]
    records += [
        Record("/rear/image", record.recorded_ns + 3, record.message)
        for record in right.records
        if record.topic == IMAGE
    ]
    bag = write_bag(tmp_path / "two", records)
    status, _, said = run(bag)
    assert status == 1 and f"found 2: {IMAGE}, /rear/image" in said
    status, found, _ = run(bag, "--image-topic", "/rear/image", "--image-topic", IMAGE, "--no-report")
    rear, front = found["cameras"]
    assert status == 0 and rear["hazards"]["events"] == 1 and front["hazards"]["events"] == 0
    assert rear["topics"]["camera_info"] is None and front["topics"]["odometry"] == ODOMETRY
    with BagReader(tmp_path / "out" / "result_bag") as result:
        assert "/detector/rear/image/mask" in result.topics and "/detector/front/image/hazard" in result.topics
    rows = list(csv.DictReader((tmp_path / "out" / "frames.csv").read_text().splitlines()))
    assert [row["image_topic"] for row in rows] == ["/rear/image"] * 12 + [IMAGE] * 12


def test_a_folder_of_pictures_is_evaluated_like_a_bag(run, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(8):
        bgr = picture(number in (4, 5), seed=number)[..., ::-1]
        cv2.imwrite(str(folder / f"{number}.png"), bgr)
    status, found, _ = run(folder, "--rate", "10", "--no-report")
    camera = found["cameras"][0]
    assert status == 0 and camera["images"]["processed"] == 8 and camera["hazards"]["events"] == 1
    status, _, said = run(folder, "--rate", "10", "--image-topic", IMAGE)
    assert status == 1 and "has no topics" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--label-topic", LABELS), "--label-topic: expected --label-format with it"),
        (("--label-format", "class-ids"), "--label-format: expected --label-topic with it"),
        (("--copy-images", "--no-bag"), "expected a result bag"),
        (("--compare", "a.yaml", "b.yaml"), "expected a parameter file, found none at a.yaml"),
    ],
)
def test_contradictions_are_refused_before_anything_is_done(run, tmp_path, options, words):
    bag = write_bag(tmp_path / "drive", [Record(ODOMETRY, START_NS, odometry(START_NS, 1.0, 0.0))])
    status, _, said = run(bag, *options)
    assert status == 2 and words in said and not (tmp_path / "out").exists()


def test_two_bags_of_one_name_are_refused(run, tmp_path):
    assert run(tmp_path / "a" / "drive", tmp_path / "b" / "drive")[0] == 2


def test_parameters_are_found_as_ros_finds_them(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text(
        "/**:\n  ros__parameters: {threshold: 0.1, use_sim_time: true, speed: 3}\n"
        "car:\n  detector:\n    ros__parameters:\n      corridor: {half_width_m: 2}\n"
        "detector:\n  ros__parameters: {threshold: 0.2, corridor.length_m: 30.0}\n"
        "other:\n  ros__parameters: {threshold: 0.3}\n"
    )
    assert read_parameters(file) == ({"threshold": 0.2, "corridor.length_m": 30.0}, ["speed"])
    assert read_parameters(file, "/car/detector") == ({"threshold": 0.1, "corridor.half_width_m": 2.0}, ["speed"])
    values, unknown = read_parameters(PARAMETERS)
    assert unknown == [] and values["engine"] == "default" and values["confirm.hits"] == 2
    file.write_text("/*/detector:\n  ros__parameters: {threshold: 0.1}\n")
    assert read_parameters(file, "/car/detector")[0] == {"threshold": 0.1}
    with pytest.raises(ValueError, match=r"section ros__parameters for node /detector, found .*: /\*/detector"):
        read_parameters(file)
    file.write_text("detector:\n  ros__parameters: {threshold: high}\n")
    with pytest.raises(ValueError, match="threshold: expected float, found str 'high'"):
        read_parameters(file)
    for text in ("just words", "a: [", "- 1"):
        file.write_text(text)
        with pytest.raises(ValueError, match="expected a ROS parameter file"):
            read_parameters(file)
