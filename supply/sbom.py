"""Software bills of materials in CycloneDX 1.6: what a gate installs, and what is installed here.

``python -m supply.sbom FOLDER`` writes two files: ``gate.cdx.json`` from ``requirements/gate.lock``
and the register of models, and ``installed.cdx.json`` of this very environment. Hashes come from
the locks, licences from what the packages say of themselves; what is not known is left out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from agent.files.atomic import write_atomic
from agent.runtime.version import VERSION
from models.licences import register
from models.sources import Artefact, Member, recipe, recipe_names
from supply.lock import Pin, read_lock

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "requirements"
OURS = "gatehouse"
_LICENCES = LicenseFactory()
_LONGEST_NAME = 64


def gate_bom(lock: Path = LOCKS / "gate.lock") -> Bom:
    """What a gate installs: every pin of its lock, whatever the machine, and the models."""
    installed = {_key(found): found for found in distributions()}
    packages = [_package(pin.name, pin.version, [pin], installed.get(pin.key))
                for pin in read_lock(lock)]  # fmt: skip
    return _bom([*packages, *_models()])


def installed_bom(locks: Path = LOCKS) -> Bom:
    """What is installed in this environment, with the hashes of the lock that it came from."""
    pins: dict[tuple[str, str], list[Pin]] = {}
    for pin in (pin for path in sorted(locks.glob("*.lock")) for pin in read_lock(path)):
        pins.setdefault(pin.key, []).append(pin)
    found = {_key(one): one for one in distributions() if _key(one)[0] != OURS}
    return _bom(_package(*key, pins.get(key, []), one) for key, one in found.items())


def as_text(bom: Bom) -> str:
    """The document."""
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _key(found: Distribution) -> tuple[str, str]:
    return canonicalize_name(found.metadata["Name"]), found.version


def _bom(parts: Iterable[Component]) -> Bom:
    components = sorted(parts, key=lambda part: str(part.bom_ref))
    told = "\n".join(str(part.bom_ref) for part in components)
    bom = Bom(
        components=components, serial_number=uuid5(NAMESPACE_URL, f"{OURS}-{VERSION}\n{told}")
    )
    bom.metadata.timestamp = _now()
    bom.metadata.component = Component(
        name=OURS,
        version=VERSION,
        type=ComponentType.APPLICATION,
        bom_ref=OURS,
        licenses=[_LICENCES.make_from_string("Apache-2.0")],
    )
    bom.register_dependency(bom.metadata.component, components)
    return bom


def _now() -> datetime:
    """The moment of making, or the one that a repeatable build names."""
    named = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(named), UTC) if named else datetime.now(UTC)


def _package(name: str, version: str, pins: list[Pin], found: Distribution | None) -> Component:
    purl = PackageURL("pypi", name=name, version=version)
    hashes = sorted({sha256 for pin in pins for sha256 in pin.hashes})
    markers = sorted({str(pin.marker) for pin in pins if pin.marker is not None})
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=str(purl),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in hashes],
        licenses=[] if found is None else _licences(found),
        properties=[Property(name="gatehouse:marker", value=one) for one in markers],
    )


def _licences(found: Distribution) -> list[License]:
    """What a package says of its licence: the expression, the short text, or the classifiers."""
    about = found.metadata
    if "License-Expression" in about:
        return [_LICENCES.make_from_string(about["License-Expression"])]
    said = about["License"] if "License" in about else ""  # noqa: SIM401 - it has no get
    if said not in ("", "UNKNOWN") and "\n" not in said and len(said) <= _LONGEST_NAME:
        return [_LICENCES.make_from_string(said)]
    classifiers = [c for c in about.get_all("Classifier") or () if c.startswith("License :: ")]
    return [_LICENCES.make_with_name(one.rsplit(" :: ", 1)[1]) for one in classifiers]


def _models() -> list[Component]:
    """The weights that ``gatehouse models fetch`` gets, each with hash and licence."""
    recipes = [recipe(name) for name in recipe_names()]
    return [
        _model(one.name, one.members[part.member], one.artefacts)
        for one in recipes
        for part in one.parts
        if part.role != "licence"
    ]


def _model(pack: str, member: Member, artefacts: dict[str, Artefact]) -> Component:
    licence = next(one for one in register().usable if one.id == member.licence)
    artefact = artefacts[member.artefact]
    origin = {
        "pack": pack,
        "artefact": artefact.url or artefact.requirement,
        "artefact-sha256": artefact.sha256,
        "licence-basis": licence.basis,
    }
    return Component(
        name=member.path.rsplit("/", 1)[-1],
        version=artefact.version,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=f"model:{pack}/{member.id}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=member.sha256)],
        licenses=[_LICENCES.make_from_string(licence.spdx)],
        copyright=licence.holder,
        properties=[Property(name=f"gatehouse:{name}", value=value)
                    for name, value in origin.items()],
    )  # fmt: skip


def main() -> None:
    """Write both files into the folder that is named."""
    (folder,) = map(Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    for name, bom in (("gate", gate_bom()), ("installed", installed_bom())):
        path = folder / f"{name}.cdx.json"
        write_atomic(path, as_text(bom).encode(), mode=0o644)
        bare = sum(not part.licenses for part in bom.components)
        print(f"{path}: {len(bom.components)} components, {bare} without a known licence")


if __name__ == "__main__":
    main()
