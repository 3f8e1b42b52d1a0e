"""The int8 form of a pack: real networks, proved, with an id and answers of its own."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from agent.core.errors import PackError
from models import pictures
from models.engine import open_pack
from models.fetch import fetch_pack, import_pack
from models.licences import shipped
from models.make_ranges import measure
from models.manifest import embedder_body
from models.packs import MANIFEST, load_pack, read_manifest, verify_pack
from models.quantize import Ranges, bounds_of, parse_ranges, quantize, quantized_tensors
from models.quantized import cost, quantize_pack
from models.sources import quantized_names, recipe
from tests.unit.models.fixtures import need_pack
from tests.unit.models.test_roles import copied, nudged, swapped

FORMS = ("dlib", "mobilefacenet")


def silent(_stage: str, _share: float) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def forms(packs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packs that have an int8 form, with it beside."""
    folder = tmp_path_factory.mktemp("forms")
    for name in FORMS:
        if (packs / name).is_dir():
            shutil.copytree(packs / name, folder / name)
            quantize_pack(name, folder, silent)
    return folder


def ranges_of(name: str) -> Ranges:
    return parse_ranges(shipped(f"ranges_{name}.json"), f"ranges_{name}.json")


def network(folder: Path, name: str) -> bytes:
    return (folder / name / read_manifest(folder, name).file("embedder").path).read_bytes()


@pytest.mark.parametrize("name", FORMS)
def test_the_form_is_proved_and_bears_its_own_id(forms: Path, name: str) -> None:
    need_pack(forms, name)
    verified = verify_pack(forms, f"{name}-int8")
    body = verified.manifest.body
    assert verified.answers == verify_pack(forms, name).answers
    assert body.model_id != read_manifest(forms, name).body.model_id
    digest = hashlib.sha256(network(forms, f"{name}-int8")).hexdigest()
    assert body.model_id.endswith("@" + digest[:8])
    assert body.origins == read_manifest(forms, name).body.origins


@pytest.mark.parametrize("name", FORMS)
def test_the_form_computes_with_integers_and_is_small(forms: Path, name: str) -> None:
    need_pack(forms, name)
    data = network(forms, f"{name}-int8")
    kinds = [node.op_type for node in onnx.load_from_string(data).graph.node]
    assert kinds.count("QuantizeLinear") == len(ranges_of(name).tensors)
    assert not {"Relu", "Clip"} & set(kinds) or name == "dlib"  # its last sum stays as it is
    assert len(data) < 0.4 * len(network(forms, name))


@pytest.mark.parametrize("name", FORMS)
def test_the_cost_is_small_and_never_none(forms: Path, name: str) -> None:
    need_pack(forms, name)
    found = cost(name, forms, None, silent)
    (drawn,) = found.changes
    assert drawn.faces == 4
    assert 0.9 < drawn.own_worst < drawn.own_mean < 0.99
    assert 0 < drawn.pairs_mean <= drawn.pairs_worst < 0.05
    assert abs(drawn.pairs_bias) <= drawn.pairs_mean
    assert found.int8_bytes < found.pack_bytes
    assert found.pack_ms > 0 < found.int8_ms


def test_the_cost_is_measured_on_photos_too(forms: Path, tmp_path: Path) -> None:
    import cv2  # noqa: PLC0415

    for number, tone in enumerate((0, 30)):
        person = tmp_path / "group" / f"person-{number}"
        person.mkdir(parents=True)
        photo = np.clip(pictures.picture("head-320x256").astype(int) + tone, 0, 255)
        cv2.imwrite(str(person / "a.png"), photo.astype(np.uint8))
    drawn, group = cost("dlib", forms, tmp_path, silent).changes
    assert (drawn.name, group.name, group.faces) == ("drawn pictures", "group", 2)
    assert 0.85 < group.own_worst < 1


def test_templates_of_both_forms_are_told_apart(forms: Path) -> None:
    """What the agent compares before it searches: the engine's id."""
    ids = {open_pack(forms, name).model_id for name in ("dlib", "dlib-int8")}
    assert len(ids) == 2


def test_the_same_pack_gives_the_same_form(forms: Path) -> None:
    made = quantize(network(forms, "dlib"), ranges_of("dlib"))
    assert made == network(forms, "dlib-int8")


def test_ranges_of_another_network_are_refused(forms: Path) -> None:
    data = network(forms, "dlib")
    with pytest.raises(PackError, match="belong to another network"):
        quantize(data, replace(ranges_of("dlib"), network="0" * 64))
    ranges = ranges_of("dlib")
    fewer = dict(list(ranges.tensors.items())[1:])
    with pytest.raises(PackError, match="do not name the tensors"):
        quantize(data, replace(ranges, tensors=fewer))
    with pytest.raises(PackError, match="do not name the tensors"):
        quantize(data, replace(ranges, tensors=ranges.tensors | {"more": (0.0, 1.0)}))
    with pytest.raises(PackError, match="relu1 goes beyond its bound"):
        quantize(data, replace(ranges, tensors=ranges.tensors | {"relu1": (-1.0, 9.0)}))


def test_a_range_does_not_reach_beyond_what_a_layer_lets_through(packs: Path) -> None:
    """Integers end where the bound was: six, here."""
    data = network(packs, need_pack(packs, "mobilefacenet"))
    spec = embedder_body(recipe("mobilefacenet").body, "mobilefacenet").embedder
    found = measure(data, spec, [pictures.picture("noise-112")], wider=2.0)
    bounds = bounds_of(onnx.load_from_string(data).graph)
    capped = [name for name in found if bounds.get(name, (0, 0))[1] == 6]
    assert len(capped) > 20
    assert max(found[name][1] for name in capped) == 6
    ranges = ranges_of("mobilefacenet")
    wide = ranges.tensors | {capped[0]: (0.0, 6.5)}
    with pytest.raises(PackError, match="goes beyond its bound"):
        quantize(data, replace(ranges, tensors=wide))


@pytest.mark.parametrize("wrong", [[1.0, 2.0], [0.0, 0.0], [-3.0, -1.0], [0.0, 1e999], ["0", 1]])
def test_a_range_that_is_none_is_refused(wrong: list[float]) -> None:
    data = asdict(ranges_of("dlib"))
    data["tensors"]["picture"] = wrong
    with pytest.raises(PackError, match="holds no ranges"):
        parse_ranges(json.dumps(data).encode(), "ranges_dlib.json")


def test_ranges_that_are_far_off_are_caught_by_the_golden_answers(
    forms: Path, tmp_path: Path
) -> None:
    ranges = ranges_of("dlib")
    narrow = {name: (low / 2, high / 2) for name, (low, high) in ranges.tensors.items()}
    spoilt = quantize(network(forms, "dlib"), replace(ranges, tensors=narrow))
    shutil.copytree(forms / "dlib-int8", tmp_path / "mine")
    data = json.loads((tmp_path / "mine" / MANIFEST).read_text())
    data["body"]["name"] = "mine"
    for file in data["files"]:
        if file["role"] == "embedder":
            (tmp_path / "mine" / file["path"]).write_bytes(spoilt)
            file |= {"bytes": len(spoilt), "sha256": hashlib.sha256(spoilt).hexdigest()}
    (tmp_path / "mine" / MANIFEST).write_text(json.dumps(data))
    with pytest.raises(PackError, match="is not what it must be"):
        load_pack(tmp_path, "mine")


@pytest.mark.parametrize("name", FORMS)
def test_swapped_colours_are_caught_in_the_form_too(forms: Path, tmp_path: Path, name: str) -> None:
    need_pack(forms, name)
    place = copied(forms, f"{name}-int8", tmp_path, swapped, "embedder")
    with pytest.raises(PackError, match="is not what it must be"):
        import_pack(place, tmp_path / "gate")


def test_a_pack_that_fails_its_proof_is_not_quantized(forms: Path, tmp_path: Path) -> None:
    shutil.copytree(forms / "dlib", tmp_path / "dlib")
    path = tmp_path / "dlib" / read_manifest(forms, "dlib").file("embedder").path
    path.write_bytes(nudged(path.read_bytes()))
    with pytest.raises(PackError, match="SHA-256 differs"):
        quantize_pack("dlib", tmp_path, silent)
    assert not (tmp_path / "dlib-int8").exists()


def test_a_threshold_beside_the_weights_is_not_edited(forms: Path, tmp_path: Path) -> None:
    shutil.copytree(forms / "dlib-int8", tmp_path / "dlib-int8")
    place = tmp_path / "dlib-int8" / MANIFEST
    data = json.loads(place.read_text())
    data["body"]["thresholds"]["mean_of_3"] += 0.05
    place.write_text(json.dumps(data))
    with pytest.raises(PackError, match="was altered"):
        load_pack(tmp_path, "dlib-int8")


def test_only_known_packs_have_a_form_and_it_is_not_fetched(forms: Path) -> None:
    with pytest.raises(PackError, match="there is one of: dlib, mobilefacenet"):
        quantize_pack("yunet", forms, silent)
    with pytest.raises(PackError, match="gatehouse models quantize dlib"):
        fetch_pack("dlib-int8", forms)
    assert set(quantized_names().values()) == set(FORMS)


def test_the_ranges_can_be_measured_again(forms: Path) -> None:
    """On drawn chips, not faces: the same tensors, other numbers, each with zero in it."""
    data = network(forms, "dlib")
    spec = embedder_body(recipe("dlib").body, "dlib").embedder
    found = measure(data, spec, [pictures.picture("noise-150")])
    assert list(found) == quantized_tensors(onnx.load_from_string(data))
    assert found["picture"] == (0.0, 255.0)
    again = Ranges(ranges_of("dlib").network, "drawn", 1, found)
    assert quantize(data, again) != quantize(data, ranges_of("dlib"))


def test_what_ships_of_the_ranges_is_numbers_alone() -> None:
    for name in FORMS:
        ranges = ranges_of(name)
        assert ranges.faces > 100
        assert "CC0" in ranges.text
        assert all(len(one) == 2 for one in ranges.tensors.values())
