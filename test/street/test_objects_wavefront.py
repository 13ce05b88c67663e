"""The OBJ and MTL reader."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly_sim.street.objects.wavefront import read_materials, read_wavefront

SQUARE = b"v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"


def _no_file(name: str) -> bytes | None:
    return None


@pytest.mark.parametrize(
    ("faces", "expected"),
    [
        (b"f 1 2 3 4", [[[0, -1, -1], [1, -1, -1], [2, -1, -1]], [[0, -1, -1], [2, -1, -1], [3, -1, -1]]]),
        (b"vt 0 0\nf 1/1 2/1 3/1", [[[0, 0, -1], [1, 0, -1], [2, 0, -1]]]),
        (b"vn 0 0 1\nf 1//1 2//1 3//1", [[[0, -1, 0], [1, -1, 0], [2, -1, 0]]]),
        (b"vt 0 0\nvn 0 0 1\nf 1/1/1 2/1/1 3/1/1", [[[0, 0, 0], [1, 0, 0], [2, 0, 0]]]),
        (b"f -4 -3 -2", [[[0, -1, -1], [1, -1, -1], [2, -1, -1]]]),
        (b"vt 0 0\nf 1/1 2 3/", [[[0, 0, -1], [1, -1, -1], [2, -1, -1]]]),
    ],
)
def test_face_formats(faces: bytes, expected: list) -> None:
    mesh = read_wavefront(SQUARE + faces, _no_file)
    assert mesh.corners.tolist() == expected


def test_faces_of_different_formats_in_one_file() -> None:
    mesh = read_wavefront(SQUARE + b"vt 0.5 0.25 0\nf 1 2 3\nf 1/1 3/1 4/1", _no_file)
    assert mesh.corners[:, 0, 1].tolist() == [-1, 0]
    assert mesh.uvs.tolist() == [[0.5, 0.25]]
    assert mesh.polygon.tolist() == [0, 1]


def test_materials_follow_usemtl() -> None:
    library = b"newmtl red paint\nKd 1 0 0\nd 0.5\nmap_Kd -s 1 1 1 red.png\nnewmtl b\nmap_Kd blue sky.jpg\nKs 1 1 1\n"
    text = b"mtllib m.mtl\n" + SQUARE + b"usemtl red paint\nf 1 2 3\nusemtl b\nf 1 3 4\nusemtl red paint\nf 2 3 4"
    mesh = read_wavefront(text, {"m.mtl": library}.get)
    assert [m.name for m in mesh.materials] == ["red paint", "b"]
    assert mesh.material.tolist() == [0, 1, 0]
    red, blue = mesh.materials
    assert (red.diffuse, red.opacity, red.texture) == ((1.0, 0.0, 0.0), 0.5, "red.png")
    assert (blue.specular, blue.texture) == ((1.0, 1.0, 1.0), "blue sky.jpg")


def test_missing_material_file_leaves_the_default() -> None:
    mesh = read_wavefront(b"mtllib gone.mtl\n" + SQUARE + b"usemtl x\nf 1 2 3", _no_file)
    assert mesh.materials[0].diffuse == (0.7, 0.7, 0.7)


@pytest.mark.parametrize(
    ("text", "message"),
    [(b"", "without geometry"), (SQUARE, "0 faces"), (SQUARE + b"f 1 2 9", "vertex 9 of 4")],
)
def test_bad_files_are_refused(text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_wavefront(text, _no_file)


def test_read_materials_ignores_lines_before_the_first() -> None:
    assert read_materials("Kd 1 1 1\nnewmtl a\nKd 0 0.5 1")["a"].diffuse == (0.0, 0.5, 1.0)


def test_polygons_become_fans() -> None:
    mesh = read_wavefront(SQUARE + b"v 0.5 2 0\nf 1 2 3 5 4", _no_file)
    area = np.cross(*(mesh.positions[mesh.corners[:, i, 0]] - mesh.positions[mesh.corners[:, 0, 0]] for i in (1, 2)))
    assert np.abs(area).sum() / 2 == pytest.approx(1.5)
