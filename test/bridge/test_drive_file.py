from pathlib import Path

from ros_anomaly_sim.bridge.drive_file import DriveFile, DriveSummary, StreetObject


def test_a_drive_is_read_as_it_was_written(tmp_path: Path):
    objects = (StreetObject(3, "fork_lift", (1.0, 2.5), True), StreetObject(9, "deer", (-4.0, 70.0), False))
    drive = DriveFile("drive", "Town2001", 90.0, 10.0, 10_400_000_000, objects)
    drive.save(tmp_path)
    assert DriveFile.load(tmp_path) == drive
    assert drive.objects[0].label == "fork lift"
    assert [p.name for p in tmp_path.iterdir()] == ["drive.json"]


def test_a_summary_is_read_as_it_was_written(tmp_path: Path):
    summary = DriveSummary(900, (10_500_000_000, 11_000_000_000))
    summary.save(tmp_path)
    assert DriveSummary.load(tmp_path) == summary
