from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name

from supply.lock import read_lock
from supply.sbom import LOCKS, as_text, gate_bom, installed_bom

Part = Mapping[str, Any]
UNKNOWN_LICENCES = {"colorama", "lgpio", "numpy", "setuptools"}  # not installed in that version
MODELS = {"shape_predictor_5_face_landmarks.dat", "dlib_face_recognition_resnet_model_v1.dat"}
FROM_THE_WEB = (
    "mobilefacenet.onnx",
    "yunet_n_dynamic.onnx",
    "face_recognition_sface_2021dec.onnx",
    "2.7_80x80_MiniFASNetV2.pth",
    "4_0_0_80x80_MiniFASNetV1SE.pth",
)


@pytest.fixture(scope="module")
def gate() -> dict[str, Any]:
    return dict(json.loads(as_text(gate_bom())))


@pytest.fixture(scope="module")
def installed() -> dict[str, Any]:
    return dict(json.loads(as_text(installed_bom())))


def keys(parts: list[Part]) -> list[tuple[str, str]]:
    return sorted((part["name"], part["version"]) for part in parts)


def of(bom: Part, kind: str) -> list[Part]:
    return [part for part in bom["components"] if part["type"] == kind]


def hashes(part: Part) -> set[str]:
    return {one["content"] for one in part["hashes"]}


@pytest.mark.parametrize("name", ["gate", "installed"])
def test_it_is_strictly_cyclonedx(name: str, request: pytest.FixtureRequest) -> None:
    bom = request.getfixturevalue(name)
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(bom)) is None
    assert validator.validate_str(json.dumps({**bom, "unheard-of": 1})) is not None
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")


def test_it_names_exactly_what_is_installed(installed: Part) -> None:
    here = {(canonicalize_name(d.metadata["Name"]), d.version) for d in distributions()}
    told = [*installed["components"], installed["metadata"]["component"]]
    assert keys(told) == sorted(here)


def test_what_is_installed_came_from_a_lock(installed: Part) -> None:
    locked = {pin.key: set(pin.hashes) for pin in read_lock(LOCKS / "dev.lock")}
    parts = {(part["name"], part["version"]): part for part in installed["components"]}
    strays = [key for key in parts if key not in locked]
    assert strays == [], "installed past the lock: make clean, then make test"
    assert all(locked[key] <= hashes(part) for key, part in parts.items())
    assert [key for key, part in parts.items() if not part.get("licenses")] == []


def test_a_gates_is_its_lock_and_its_models(gate: Part) -> None:
    pins = read_lock(LOCKS / "gate.lock")
    assert keys(of(gate, "library")) == sorted(pin.key for pin in pins)
    parts = {(part["name"], part["version"]): part for part in of(gate, "library")}
    assert all(hashes(parts[pin.key]) == set(pin.hashes) for pin in pins)
    bare = {part["name"] for part in gate["components"] if not part.get("licenses")}
    assert bare <= UNKNOWN_LICENCES
    (lgpio,) = (part for part in gate["components"] if part["name"] == "lgpio")
    assert "aarch64" in lgpio["properties"][0]["value"]


def test_models_stand_in_it_with_hash_and_licence(gate: Part) -> None:
    models = {part["name"]: part for part in of(gate, "machine-learning-model")}
    assert set(models) == {*MODELS, "centerface.onnx", *FROM_THE_WEB}
    resnet = models["dlib_face_recognition_resnet_model_v1.dat"]
    assert resnet["licenses"][0]["license"]["id"] == "CC0-1.0"
    assert hashes(resnet) == {"55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"}
    assert models["centerface.onnx"]["licenses"][0]["license"]["id"] == "MIT"
    assert {models[name]["licenses"][0]["license"]["id"] for name in FROM_THE_WEB} == {"Apache-2.0"}
    assert "68" not in "".join(models)


def test_the_same_twice_is_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795248000")
    first = as_text(gate_bom())
    assert first == as_text(gate_bom())
    lock = (LOCKS / "gate.lock").read_text(encoding="utf-8")
    other = tmp_path / "gate.lock"
    other.write_text(lock.replace("rich==15.0.0", "rich==15.0.1"), encoding="utf-8")
    assert json.loads(as_text(gate_bom(other)))["serialNumber"] != json.loads(first)["serialNumber"]
