"""For every role: whatever is not what it was is caught by the golden answers before use.

Each fault is planted in a pack that is otherwise whole: hashes, sizes and manifest agree, so
nothing but the answers can tell.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from agent.core.errors import PackError
from models import chips, pictures
from models.engine import open_pack
from models.fetch import GOLDEN, import_pack
from models.manifest import Manifest, Origin, PackFile, PlateBody, Population, dump_manifest
from models.packs import (
    MANIFEST,
    load_detector,
    load_liveness,
    load_pack,
    read_manifest,
    verify_pack,
)
from models.selftest import PlateSample
from models.specs import Licence, PlateSpec
from models.values import Box
from tests.unit.models.fixtures import need_pack

OURS = ("dlib", "mobilefacenet", "yunet", "minifasnet")
LICENCE = Licence(
    "by-hand", "a network", "somebody", "MIT", commercial_use=True, basis="made here", note="tests"
)  # fmt: skip
PLATE = PlateSpec(
    width_px=94, height_px=24, colour="bgr", mean=(127.5, 127.5, 127.5),
    scale=(128.0, 128.0, 128.0), alphabet="0123456789ABCDEF",
)  # fmt: skip
Change = Callable[[dict[str, Any]], object]


def plate_weights() -> bytes:
    """A small network from (1, 3, 24, 94) to (1, 16), as a plate pack might hold."""
    draw = np.random.default_rng(5)
    kernel = draw.normal(size=(16, 3, 24, 94)).astype(np.float32) / 80
    nodes = [
        helper.make_node("Conv", ["input", "kernel"], ["wide"]),
        helper.make_node("Flatten", ["wide"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "plate",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 24, 94])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 16])],
        [numpy_helper.from_array(kernel, "kernel")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


def plate_answer(weights: bytes) -> tuple[float, ...]:
    """The same by hand: each sign's kernel laid over the picture."""
    model = onnx.load_from_string(weights)
    kernel = numpy_helper.to_array(model.graph.initializer[0])
    plate = pictures.noise(24, 94, 4).astype(np.float64)
    planes = (plate.transpose(2, 0, 1) - 127.5) / 128
    return tuple(float((one * planes).sum()) for one in kernel)


def write_pack(place: Path, manifest: Manifest, contents: dict[str, bytes]) -> None:
    """Write a pack whose manifest agrees with its files."""
    place.mkdir(parents=True, exist_ok=True)
    files = tuple(
        replace(
            file,
            bytes=len(contents[file.path]),
            sha256=hashlib.sha256(contents[file.path]).hexdigest(),
        )
        for file in manifest.files
    )
    for path, data in contents.items():
        (place / path).write_bytes(data)
    (place / MANIFEST).write_bytes(dump_manifest(replace(manifest, files=files)))


@pytest.fixture
def plate_pack(tmp_path: Path) -> Path:
    weights = plate_weights()
    digest = hashlib.sha256(weights).hexdigest()
    body = PlateBody(
        format=1, name="plates", version="1", model_id=f"plates@{digest[:8]}", title="Plates",
        population=Population("nobody", "tests only", ()), review_only=False, review_reason="",
        origins=(Origin("made here", "plate.onnx", digest, "by-hand"),), licences=(LICENCE,),
        role="plate", plate=PLATE,
    )  # fmt: skip
    sample = PlateSample("noise-94x24", 1, plate_answer(weights), 1e-3)
    contents = {
        "plate.onnx": weights,
        GOLDEN: json.dumps({"made_with": "numpy", "plates": [asdict(sample)]}).encode(),
    }
    files = (
        PackFile("plate", "plate.onnx", 1, "0" * 64),
        PackFile("golden", GOLDEN, 1, "0" * 64),
    )
    write_pack(tmp_path / "plates", Manifest(body, files, "tests"), contents)
    return tmp_path


def swapped(spec: dict[str, Any]) -> None:
    """RGB for BGR, or the other way round."""
    spec["colour"] = "bgr" if spec["colour"] == "rgb" else "rgb"


def shifted(spec: dict[str, Any]) -> None:
    """Another mean."""
    spec["mean"] = [value + 4.0 for value in spec["mean"]]


def stretched(spec: dict[str, Any]) -> None:
    """Another scale."""
    spec["scale"] = [value * 1.05 for value in spec["scale"]]


def copied(packs: Path, name: str, target: Path, change: Change, role: str) -> Path:
    """The pack under another name, which no recipe of ours guards, its manifest changed."""
    data = json.loads((packs / name / MANIFEST).read_text())
    contents = {path.name: path.read_bytes() for path in (packs / name).iterdir()}
    data["body"] |= {"name": "mine"}
    change(data["body"][role])
    contents[MANIFEST] = json.dumps(data).encode()
    (target / "mine").mkdir(parents=True)
    for path, content in contents.items():
        (target / "mine" / path).write_bytes(content)
    return target / "mine"


@pytest.mark.parametrize("name", OURS)
def test_every_pack_of_ours_is_whole_and_proved(packs: Path, name: str) -> None:
    verified = verify_pack(packs, need_pack(packs, name))
    assert verified.answers >= 3
    assert not verified.manifest.body.unproved


@pytest.mark.parametrize("fault", [swapped, shifted, stretched])
@pytest.mark.parametrize("name", OURS)
def test_other_colours_and_another_normalisation_are_caught(
    packs: Path, tmp_path: Path, name: str, fault: Change
) -> None:
    role = read_manifest(packs, need_pack(packs, name)).body.role
    place = copied(packs, name, tmp_path, fault, role)
    with pytest.raises(PackError, match="is not what it must be"):
        import_pack(place, tmp_path / "gate")
    assert not (tmp_path / "gate" / "mine").exists()


GEOMETRY: tuple[tuple[str, str, Change], ...] = (
    ("mobilefacenet", "embedder", lambda spec: spec.update(mirror=False)),
    ("minifasnet", "liveness", lambda spec: spec["networks"][0].update(crop=3.0)),
    ("minifasnet", "liveness", lambda spec: spec["networks"].reverse()),
    ("minifasnet", "liveness", lambda spec: spec["box"].update(width=1.0, height=1.0)),
    ("minifasnet", "liveness", lambda spec: spec["box"].update(down=0.0)),
)


@pytest.mark.parametrize(("name", "role", "fault"), GEOMETRY)
def test_another_geometry_is_caught(
    packs: Path, tmp_path: Path, name: str, role: str, fault: Change
) -> None:
    place = copied(packs, need_pack(packs, name), tmp_path, fault, role)
    with pytest.raises(PackError, match="is not what it must be"):
        import_pack(place, tmp_path / "gate")


def test_an_alignment_that_is_off_is_caught(packs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chip's template of points, half a pixel off: the networks themselves are untouched."""
    need_pack(packs, "mobilefacenet")
    monkeypatch.setattr(chips, "_ARCFACE", chips._ARCFACE + np.array([0.5, 0.0]))
    with pytest.raises(PackError, match="mobilefacenet: face in"):
        load_pack(packs, "mobilefacenet")


def nudged(data: bytes) -> bytes:
    """One weight of the largest tensor set to another value; the network still runs."""
    model = onnx.load_from_string(data)
    tensor = max(model.graph.initializer, key=lambda one: int(np.prod(one.dims)))
    values = numpy_helper.to_array(tensor).copy()
    values.reshape(-1)[:: max(values.size // 50, 1)] += values.std() * 3
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("mobilefacenet", "embedder.onnx"),
        ("yunet", "detector.onnx"),
        ("minifasnet", "minifasnet-v2.onnx"),
        ("minifasnet", "minifasnet-v1se.onnx"),
        ("dlib", "embedder.onnx"),
        ("dlib", "detector.onnx"),
    ],
)
def test_other_weights_are_caught(packs: Path, tmp_path: Path, name: str, path: str) -> None:
    place = packs / need_pack(packs, name)
    manifest = read_manifest(packs, name)
    contents = {file.path: (place / file.path).read_bytes() for file in manifest.files}
    contents[path] = nudged(contents[path])
    mine = replace(manifest, body=replace(manifest.body, name="mine"))
    write_pack(tmp_path / "mine", mine, contents)
    with pytest.raises(PackError, match="is not what it must be"):
        import_pack(tmp_path / "mine", tmp_path / "gate")


def test_a_plate_pack_is_held_to_the_same_proof(plate_pack: Path) -> None:
    assert verify_pack(plate_pack, "plates").answers == 1


@pytest.mark.parametrize(
    "fault",
    [swapped, shifted, stretched, lambda spec: spec.update(width_px=95)],
    ids=["colours", "mean", "scale", "geometry"],
)
def test_a_plate_pack_with_a_fault_is_caught(plate_pack: Path, fault: Change) -> None:
    place = plate_pack / "plates" / MANIFEST
    data = json.loads(place.read_text())
    fault(data["body"]["plate"])
    place.write_text(json.dumps(data))
    with pytest.raises(PackError, match=r"is not what it must be|cannot compute"):
        verify_pack(plate_pack, "plates")


def test_a_plate_pack_with_other_weights_is_caught(plate_pack: Path) -> None:
    manifest = read_manifest(plate_pack, "plates")
    contents = {file.path: (plate_pack / "plates" / file.path).read_bytes()
                for file in manifest.files}  # fmt: skip
    contents["plate.onnx"] = nudged(contents["plate.onnx"])
    write_pack(plate_pack / "plates", manifest, contents)
    with pytest.raises(PackError, match="is not what it must be"):
        verify_pack(plate_pack, "plates")


def test_a_pack_in_the_wrong_place_is_refused_by_its_role(packs: Path) -> None:
    need_pack(packs, "minifasnet")
    with pytest.raises(PackError, match=r"for the role 'detector'; here 'embedder' is due"):
        load_pack(packs, "yunet")
    with pytest.raises(PackError, match=r"for the role 'liveness'; here 'detector' is due"):
        load_detector(packs, "minifasnet")
    with pytest.raises(PackError, match=r"for the role 'embedder'; here 'liveness' is due"):
        load_liveness(packs, "dlib")
    with pytest.raises(PackError, match="carries no detector"):
        load_detector(packs, "mobilefacenet")


def test_liveness_judges_boxes_of_yunet_alone(packs: Path) -> None:
    need_pack(packs, "minifasnet")
    with pytest.raises(PackError, match="boxes of YuNet alone"):
        open_pack(packs, "dlib", detector="dlib", liveness="minifasnet")
    engine = open_pack(packs, "dlib", liveness="minifasnet")
    assert engine.liveness is not None
    roles = {model.role: model.model_id for model in engine.models}
    assert roles["detector"].startswith("yunet-detector@")
    assert set(roles) == {"embedder", "aligner", "detector", "liveness"}


def test_liveness_gives_a_probability_for_each_class(packs: Path) -> None:
    net = load_liveness(packs, need_pack(packs, "minifasnet")).net
    picture = pictures.picture("head-320x256")
    classes = net.classes(picture, Box(106, 88, 194, 206))
    assert classes.shape == (len(net.spec.classes),) == (3,)
    assert float(classes.sum()) == pytest.approx(1, abs=1e-3)
    with pytest.raises(PackError, match="box is empty"):
        net.classes(picture, Box(10, 10, 10, 20))


def test_a_pack_without_a_detector_says_which_to_fetch(packs: Path, tmp_path: Path) -> None:
    import_pack(packs / need_pack(packs, "mobilefacenet"), tmp_path)
    with pytest.raises(PackError, match="models fetch yunet"):
        open_pack(tmp_path, "mobilefacenet")
    import_pack(packs / "dlib", tmp_path)
    models = {one.role: one.model_id for one in open_pack(tmp_path, "mobilefacenet").models}
    assert models["detector"].startswith("dlib-detector@")
