"""Planted secrets, looked for in everything that a gate says, stores or shows of itself."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.vault import vouching_key
from tests.tools.program import gatehouse, run_to_end
from tests.tools.recorder import Login
from tests.tools.site import Site
from tests.tools.site_config import rtsp_camera

BROKER, CAMERA, QUERY = "broker-9f2c-planted", "camera-77ab-planted", "query-51de-planted"
MISPLACED = "misplaced-c03e-planted"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    broker, camera = tmp_path / "broker-password", tmp_path / "camera-password"
    broker.write_text(BROKER, encoding="utf-8")
    camera.write_text(CAMERA, encoding="utf-8")
    url = f"rtsp://127.0.0.1:9/live?user=admin&password={QUERY}"
    source = rtsp_camera(url)
    source["source"] |= {"username": "admin", "password_file": str(camera)}
    made = Site(
        tmp_path / "site",
        login=Login("everybody", BROKER),
        link={"username": "everybody", "password_file": str(broker)},
        cameras={"north": source},
        log={"level": "debug", "format": "json"},
    )
    with made as started:
        yield started


def processes(pid: int) -> list[int]:
    """*pid* and everything below it."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            parent = int(stat.rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def said_by(pid: int) -> bytes:
    """Arguments and environment of a process; nothing when it is gone meanwhile."""
    said = b""
    for name in ("cmdline", "environ"):
        try:
            said += Path(f"/proc/{pid}/{name}").read_bytes()
        except OSError:
            continue
    return said


def key_texts(site: Site) -> list[bytes]:
    """The gate's own keys, in the forms that somebody might print them in."""
    folder = Path(site.config["node"]["data_dir"])
    texts = [json.loads(p.read_bytes())["key"].encode() for p in (folder / "keys").iterdir()]
    mac = vouching_key(folder)
    assert mac is not None
    return [*texts, mac.secret, mac.secret.hex().encode()]


def bundled(site: Site, name: str) -> dict[str, bytes]:
    """A support bundle with the programs' logs: what was printed, the file, and each part of it."""
    out = site.folder / f"{name}.tar.gz"
    logs = [word for log in sorted(site.folder.glob("*.log")) for word in ("--log", log)]
    command = gatehouse("bundle", "--config", site.config_path, "--out", out, "--json", *logs)
    said = run_to_end(command, timeout_s=60.0)
    assert said.returncode == 0, said.stderr
    with tarfile.open(out) as archive:
        files = {Path(m.name).name: archive.extractfile(m) for m in archive.getmembers()}
        parts = {n: file.read() for n, file in files.items() if file is not None}
    return {**parts, "": said.stdout.encode() + said.stderr.encode() + out.read_bytes()}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads the environment of others")
def test_a_bundle_hides_what_a_log_gave_away(site: Site) -> None:
    site.agent.start()
    site.until(site.live, 20)
    texts = [BROKER, CAMERA, *(key.decode("latin-1") for key in key_texts(site)[:1])]
    told = "".join(f"the library says: login {text} refused\n" for text in texts)
    (site.folder / "1-library.log").write_text(told, encoding="utf-8")
    parts = bundled(site, "given-away")
    assert parts["log-1-1-library.log"] == b"the library says: login *** refused\n" * len(texts)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads the environment of others")
def test_no_secret_is_said_stored_or_shown(site: Site) -> None:
    heard = b""
    site.start("station", "agent")
    site.vision.start()
    site.until(lambda: site.component("camera.north").get("reason"), 20)
    site.panic_works()
    running = [site.agent.pid, site.vision.pid]
    tree = [each for pid in running for each in processes(pid)]
    assert len(tree) >= len(running)
    heard += b"".join(map(said_by, tree))
    assert b"agent.main" in heard
    first = bundled(site, "first")
    assert {"config.json", "status.json", "audit.json", "machine.json"} <= set(first)
    assert QUERY.encode() not in first["config.json"]
    assert b"rtsp://127.0.0.1:9/live?***" in first["config.json"]
    heard += json.dumps(site.status()).encode() + b"".join(first.values())
    planted = [word.encode() for word in (BROKER, CAMERA, QUERY, MISPLACED)] + key_texts(site)

    wrong = Path(site.config["link"]["password_file"])
    wrong.write_bytes(b"\xff" + BROKER.encode())
    site.config["link"] |= {"password_file": MISPLACED, "password": MISPLACED}
    site.config["cameras"]["north"]["source"]["url"] = f"rtsp://admin:{MISPLACED}@127.0.0.1:9/live"
    site.write_config()
    site.agent.kill()
    site.agent.start()
    site.until(lambda: {"config"} <= {i["code"] for i in site.status().get("issues", ())}, 20)
    site.until(lambda: "UTF-8" in str(site.component("link").get("reason")), 20)
    heard += json.dumps(site.status()).encode()
    for command in ("check", "status", "keys show", "audit show", "audit verify"):
        said = run_to_end(gatehouse(*command.split(), "--config", site.config_path))
        heard += (said.stdout + said.stderr).encode()
    assert b"must be an absolute path" in heard
    second = bundled(site, "second")
    assert b"must be an absolute path" in second["config.json"]
    assert b"link" in second["log-1-agent.log"]
    heard += b"".join(second.values())

    heard += b"".join(program.log.encode() for program in (site.agent, site.vision, site.station))
    heard += b"".join(message.payload for message in site.recorder.on(""))
    data = Path(site.config["node"]["data_dir"])
    stored = [p for p in data.rglob("*") if p.is_file() and p.parent.name != "keys"]
    heard += b"".join(path.read_bytes() for path in stored)
    found = [word for word in planted if word in heard]
    assert found == []
