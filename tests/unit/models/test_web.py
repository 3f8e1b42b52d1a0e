"""Downloads from a real HTTPS server on loopback, signed by an authority made here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.errors import PackError
from models.fetch import fetch_pack
from models.packs import verify_pack
from models.sources import Artefact, recipe
from models.web import MIRROR_ENV, PARTIAL, Web, fetch_file, web_from
from tests.tools.certificates import Authority
from tests.tools.web_host import WebHost
from tests.unit.models.fixtures import real

DATA = bytes(range(256)) * 4096
PATH = "/somebody/weights/0123456789ab/net.onnx"
FILE = Artefact(
    "weights", "1", "net.onnx", len(DATA), hashlib.sha256(DATA).hexdigest(),
    url=f"https://raw.example{PATH}",
)  # fmt: skip


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "mirror authority")


@pytest.fixture
def host(authority: Authority) -> Iterator[WebHost]:
    with WebHost(authority, {PATH: DATA, f"/models{PATH}": DATA}) as started:
        yield started


@pytest.fixture
def web(host: WebHost, authority: Authority) -> Web:
    return Web(host.url, authority.ca, timeout_s=20)


def silent(_stage: str, _share: float) -> None:
    """Nobody watches."""


def partial(folder: Path) -> Path:
    return folder / PARTIAL / FILE.sha256


def test_a_file_comes_from_the_mirror_by_the_path_of_its_address(
    host: WebHost, web: Web, tmp_path: Path
) -> None:
    shares: list[float] = []
    path = fetch_file(FILE, tmp_path, web, lambda _, share: shares.append(share))
    assert path.read_bytes() == DATA
    assert host.asked == [(PATH, "")]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_mirror_may_have_a_path_of_its_own(
    host: WebHost, authority: Authority, tmp_path: Path
) -> None:
    web = Web(f"{host.url}/models/", authority.ca)
    assert fetch_file(FILE, tmp_path, web, silent).read_bytes() == DATA
    assert host.asked == [(f"/models{PATH}", "")]


def test_a_broken_line_is_gone_on_from_where_it_broke(
    host: WebHost, web: Web, tmp_path: Path
) -> None:
    host.breaks_after = 300_000
    assert fetch_file(FILE, tmp_path, web, silent).read_bytes() == DATA
    assert [asked for _, asked in host.asked] == ["", "bytes=300000-"]


def test_what_an_earlier_run_left_is_gone_on_from(host: WebHost, web: Web, tmp_path: Path) -> None:
    partial(tmp_path).parent.mkdir()
    partial(tmp_path).write_bytes(DATA[:1000])
    assert fetch_file(FILE, tmp_path, web, silent).read_bytes() == DATA
    assert host.asked == [(PATH, "bytes=1000-")]


def test_a_server_without_parts_gives_it_all_anew(host: WebHost, web: Web, tmp_path: Path) -> None:
    host.no_ranges = True
    partial(tmp_path).parent.mkdir()
    partial(tmp_path).write_bytes(b"x" * 1000)
    assert fetch_file(FILE, tmp_path, web, silent).read_bytes() == DATA


@pytest.mark.parametrize(
    "sent", [DATA + b"!", DATA[:-1] + b"!", DATA[:10]], ids=["longer", "other", "shorter"]
)
def test_another_file_is_refused(host: WebHost, web: Web, tmp_path: Path, sent: bytes) -> None:
    host.files[PATH] = sent
    with pytest.raises(PackError, match=r"is not used|cannot be fetched"):
        fetch_file(FILE, tmp_path, web, silent)
    host.files[PATH] = DATA
    partial(tmp_path).unlink(missing_ok=True)
    assert fetch_file(FILE, tmp_path, web, silent).read_bytes() == DATA


def test_no_more_than_is_due_is_written(host: WebHost, web: Web, tmp_path: Path) -> None:
    host.files[PATH] = DATA * 20
    written: list[int] = []

    def watch(_stage: str, _share: float) -> None:
        written.append(partial(tmp_path).stat().st_size)

    with pytest.raises(PackError, match="is not used"):
        fetch_file(FILE, tmp_path, web, watch)
    assert max(written) <= len(DATA) + 1
    assert not partial(tmp_path).exists()


def test_a_certificate_of_nobody_known_is_refused(host: WebHost, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"CERTIFICATE_VERIFY_FAILED"):
        fetch_file(FILE, tmp_path, Web(host.url), silent)
    assert host.asked == []


def test_a_redirection_away_from_https_is_not_followed(
    host: WebHost, web: Web, tmp_path: Path
) -> None:
    host.leads = "http://127.0.0.1:1/net.onnx"
    with pytest.raises(PackError, match="which is not https"):
        fetch_file(FILE, tmp_path, web, silent)


def test_without_a_network_the_ways_out_are_named(web: Web, host: WebHost, tmp_path: Path) -> None:
    host.files.clear()
    with pytest.raises(PackError) as told:
        fetch_file(FILE, tmp_path, web, silent)
    for word in ("404", FILE.url, "--mirror", MIRROR_ENV, "--ca", "gatehouse models add"):
        assert word in str(told.value)


@pytest.mark.parametrize(
    "mirror", ["http://mirror", "mirror", "https://", "https://u:p@mirror", "https://mirror/?x"]
)
def test_only_a_plain_https_address_is_a_mirror(mirror: str) -> None:
    with pytest.raises(PackError, match="no https address"):
        Web(mirror)


def test_an_authority_that_is_none_is_named(tmp_path: Path, host: WebHost) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(PackError, match=r"ca\.pem is no file of certificates"):
        fetch_file(FILE, tmp_path, Web(host.url, tmp_path / "ca.pem"), silent)


def test_the_command_counts_before_the_environment_before_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert web_from(None, None, None).mirror == ""
    assert web_from(None, "https://file", None).mirror == "https://file"
    monkeypatch.setenv(MIRROR_ENV, "https://environment")
    assert web_from(None, "https://file", None).mirror == "https://environment"
    assert web_from("https://command", "https://file", None).mirror == "https://command"


@pytest.mark.parametrize(
    ("name", "where"), [("mobilefacenet", "mobilefacenet_foamliu"), ("yunet", "yunet")]
)
def test_a_pack_is_fetched_proved_and_leaves_nothing_behind(
    host: WebHost, web: Web, tmp_path: Path, name: str, where: str
) -> None:
    (artefact,) = recipe(name).artefacts.values()
    data = real("models", where, artefact.file).read_bytes()
    host.files[artefact.url.removeprefix("https://raw.githubusercontent.com")] = data
    fetch_pack(name, tmp_path, web=web)
    assert verify_pack(tmp_path, name).answers >= 4
    assert [path.name for path in (tmp_path / PARTIAL).iterdir()] == []
    assert (tmp_path / name / "LICENCE.Apache-2.0").stat().st_size > 10_000
