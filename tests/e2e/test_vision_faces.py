"""Real faces in real video: a listed person is one incident, a stranger is nothing at all."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest

from models.engine import PackEngine
from tests.tools import rtsp
from tests.tools.people import entry, give_list, head_of, photo_of, real, walking_up
from tests.tools.program import gatehouse, run_to_end
from tests.tools.rtsp import RtspCamera
from tests.tools.site import GATE, Site
from tests.tools.site_config import Section, file_camera, rtsp_camera
from tests.tools.stored import Stored

LEAD_FIELDS = {
    "entry_id", "list", "score", "threshold", "margin", "frames", "quality", "model_id", "camera",
    "confirm", "review_only",
}  # fmt: skip
SECRETS = (b"Cancheng test station", b"DRILL-0001", b"drill-officer", b"/9j/", b"iVBOR", b"JFIF")
LISTED, ELSEWHERE = "drill-a17", "drill-b23"
OFF_S = 5.0
STILLS_S = (3.2, 5.2, 5.6, 6.0)


@contextmanager
def watching(folder: Path, packs_dir: Path, **cameras: Section) -> Iterator[Site]:
    """A gate whose cameras compare faces; nothing that it says may break the contract."""
    faces, models = {"enabled": True}, {"dir": str(packs_dir)}
    with Site(folder, cameras=cameras, faces=faces, models=models) as site:
        site.start("station", "agent")
        yield site
        assert site.panic_works()
    nothing_of_a_face_left(site)


def nothing_of_a_face_left(site: Site) -> None:
    """No face, name, picture or template in anything that the gate sent."""
    sent = [m for m in site.recorder.messages if "/desired/" not in m.topic]
    assert not [m.topic for m in sent if "/evidence/" in m.topic]
    for message in sent:
        assert not [secret for secret in SECRETS if secret in message.payload], message.topic
        assert re.search(rb"[A-Za-z0-9+/]{90}", message.payload) is None, message.topic
        assert re.search(rb"(-?\d\.\d+,\s*){8}", message.payload) is None, message.topic


def is_a_drills_lead(alert: Stored, entry_id: str, camera: str) -> bool:
    """One lead of a drill, with the fields that the contract names and no other."""
    details, data = alert.body["data"]["details"], alert.body["data"]
    assert alert.topic == f"{GATE}/drill/alert"
    assert (alert.body["ghstatus"], alert.msgtype, data["evidence"]) == ("Exercise", "Alert", [])
    assert set(details) == LEAD_FIELDS
    assert details["score"] >= details["threshold"]
    assert (details["frames"], details["confirm"]) == (3, "required")
    return (details["entry_id"], details["camera"]) == (entry_id, camera)


@pytest.mark.skipif(bool(rtsp.missing()), reason=rtsp.missing())
def test_a_listed_person_is_one_incident_and_a_stranger_none(
    tmp_path: Path, engine: PackEngine, packs_dir: Path
) -> None:
    """Over RTSP: somebody on the drill's list walks up, goes, and a stranger walks up."""
    listed = ("knn_examples/train/obama/obama2.jpg", "tests/test_images/obama3.jpg")
    volunteer = photo_of("knn_examples/train/obama/obama.jpg")
    walks = (volunteer, 3.0, 8.0), (photo_of("biden.jpg"), 9.0, 13.5)
    video = walking_up(tmp_path / "walkers.mp4", engine, *walks)
    photos = [head_of(photo_of(name), tmp_path / Path(name).name, engine) for name in listed]
    other = head_of(photo_of("alex-lacamoire.png"), tmp_path / "other.jpg", engine)
    with (
        RtspCamera(video) as camera,
        watching(tmp_path / "site", packs_dir, gate=rtsp_camera(camera.url)) as site,
    ):
        give_list(site, [entry(LISTED, photos), entry(ELSEWHERE, [other])])
        site.start("vision")
        site.until(lambda: site.component("vision").get("gallery") == 2, 10)
        alert = site.stored(lambda found: found.kind == "watchlist.face", 25)
        assert is_a_drills_lead(alert, LISTED, "gate")
        site.until(lambda: site.component("vision")["compared"] >= 2, 20)
        site.until(lambda: "ended the stream" in site.vision.log, 20)
        site.delivered()
        assert [found.id for found in site.alerts()] == [alert.id]
        assert site.component("vision")["leads"] == 1
        assert site.status()["outputs"]["siren-1"] is False, "a drill sounds no siren"


def test_an_actor_of_a_real_clip_and_cars_on_a_road(
    tmp_path: Path, engine: PackEngine, packs_dir: Path
) -> None:
    """A film clip with six faces, one of them listed; a road with cars, where nobody is.

    By his press photo the pack finds the actor for a person's review only (so it does with the
    laxest threshold that may be configured, 0.63): strict by default. By stills of the clip itself,
    as a volunteer is photographed on the day, he is one incident, however often the clip plays.
    """
    clip = real("video", "face_recognition", "short_hamilton_clip.mp4")
    cars = real("video", "intel", "car-detection.mp4")
    press = head_of(photo_of("lin-manuel-miranda.png"), tmp_path / "press.jpg", engine)
    other = head_of(photo_of("alex-lacamoire.png"), tmp_path / "other.jpg", engine)
    stills = [_still(clip, at_s, tmp_path, engine) for at_s in STILLS_S]
    cameras = {"clip": file_camera(clip), "cars": file_camera(cars)}
    with watching(tmp_path / "site", packs_dir, **cameras) as site:
        give_list(site, [entry(LISTED, [press]), entry(ELSEWHERE, [other])])
        site.start("vision")
        site.until(lambda: site.component("vision").get("reviews"), 20)
        assert site.component("vision")["leads"] == 0
        assert site.alerts() == []
        give_list(site, [entry(LISTED, [press, *stills]), entry(ELSEWHERE, [other])])
        alert = site.stored(lambda found: found.kind == "watchlist.face", 25)
        assert is_a_drills_lead(alert, LISTED, "clip")
        site.until(lambda: site.component("vision")["leads"] >= 2, 25)
        site.delivered()
        assert [found.id for found in site.alerts()] == [alert.id]
        beat = site.beat()["components"]
        assert {beat["camera.clip"]["state"], beat["camera.cars"]["state"]} == {"ok"}
        assert beat["camera.cars"]["looked_fps"] > 0


def _still(clip: Path, at_s: float, folder: Path, engine: PackEngine) -> Path:
    """The actor's head in the clip, enlarged to what enrolment asks for."""
    film = cv2.VideoCapture(str(clip))
    film.set(cv2.CAP_PROP_POS_MSEC, at_s * 1000)
    taken, picture = film.read()
    film.release()
    assert taken
    large = cv2.resize(picture, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
    target = folder / f"still-{at_s}.png"
    assert cv2.imwrite(str(target), large)
    return head_of(target, target.with_suffix(".jpg"), engine)


def test_with_an_empty_list_no_face_is_looked_for(tmp_path: Path, packs_dir: Path) -> None:
    clip = real("video", "face_recognition", "short_hamilton_clip.mp4")
    with watching(tmp_path / "site", packs_dir, clip=file_camera(clip)) as site:
        site.start("vision")
        site.until(lambda: json.dumps(site.beat()).count("looked_fps"), 10)
        site.until(lambda: site.beat()["components"]["camera.clip"].get("looked_fps", 0) > 3, 10)
        vision = site.component("vision")
        assert (vision["gallery"], vision["tracks"], vision["compared"]) == (0, 0, 0)


def test_a_person_at_the_gate_ends_face_work_and_the_door_opens_as_before(
    tmp_path: Path, engine: PackEngine, packs_dir: Path
) -> None:
    """``gatehouse faces off`` while a clip with faces plays: nothing is followed 5 s later."""
    clip = real("video", "face_recognition", "short_hamilton_clip.mp4")
    other = head_of(photo_of("alex-lacamoire.png"), tmp_path / "other.jpg", engine)
    with watching(tmp_path / "site", packs_dir, clip=file_camera(clip)) as site:
        give_list(site, [entry(ELSEWHERE, [other])])
        site.start("vision")
        site.until(lambda: site.component("vision").get("tracks", 0) > 0, 40)
        done = run_to_end(gatehouse("faces", "off", "--config", str(site.config_path), "--json"))
        assert json.loads(done.stdout) == {"face_off": True}
        time.sleep(OFF_S)  # the time that is promised, not a wait for anything
        before = site.component("vision")
        newest = site.component("camera.clip")
        site.until(lambda: site.component("camera.clip") != newest, 10)
        after = site.component("vision")
        assert (before["tracks"], before["compared"]) == (after["tracks"], after["compared"])
        assert site.component("faces")["off"] is True
        assert "face work is off" in site.vision.log
        site.restart_agent()
        assert site.component("faces")["off"] is True
