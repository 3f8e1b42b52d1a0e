"""The rules of single sections that keep a site from harming itself."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from agent.config.schema.answering import Answering
from agent.config.schema.base import Label
from agent.config.schema.devices import Door, PanicButton
from agent.config.schema.rules import Window
from agent.config.schema.site import Broker, Link, Node
from agent.config.schema.vision import Faces, FileSource, RtspSource, UsbSource
from contract.words import Kind
from tests.support.samples import gate

TLS = {"ca_file": "/etc/ca.pem", "cert_file": "/etc/gate.pem", "key_file": "/etc/gate.key"}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_plain_text_is_accepted_to_this_machine_only(host: str) -> None:
    assert Broker.model_validate({"host": host}).is_loopback


@pytest.mark.parametrize(
    "host", ["10.0.0.5", "station.local", "::", "127.0.0.1.evil.example", "128.0.0.1"]
)
def test_beyond_this_machine_tls_is_needed(host: str) -> None:
    with pytest.raises(ValidationError, match="plain text is accepted to a loopback address only"):
        Broker.model_validate({"host": host})
    assert Broker.model_validate({"host": host, "tls": TLS}).tls is not None


@pytest.mark.parametrize("missing", list(TLS))
def test_tls_is_mutual_or_nothing(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        Broker.model_validate(
            {"host": "station", "tls": {k: v for k, v in TLS.items() if k != missing}}
        )


@pytest.mark.parametrize("switch", ["verify", "insecure", "check_hostname"])
def test_there_is_no_switch_to_check_less(switch: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Broker.model_validate({"host": "station", "tls": {**TLS, switch: False}})


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://user:secret@10.0.0.9/live",
        "rtsp://user@10.0.0.9/live",
        "rtsp://a:b@camera:554",
    ],
)
def test_a_login_in_a_camera_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="put the login into 'username' and 'password_file'"):
        RtspSource.model_validate({"type": "rtsp", "url": url})


@pytest.mark.parametrize("url", ["rtsp://10.0.0.9:554/live@1", "rtsp://camera/a?b=c"])
def test_a_camera_url_without_a_login_is_accepted(url: str) -> None:
    assert RtspSource.model_validate({"type": "rtsp", "url": url}).url == url


@pytest.mark.parametrize(
    "url", ["http://10.0.0.9/live", "rtsps://camera/a", "rtsp://", "rtsp://a b"]
)
def test_only_rtsp_urls_are_cameras_on_a_network(url: str) -> None:
    with pytest.raises(ValidationError):
        RtspSource.model_validate({"type": "rtsp", "url": url})


def test_a_password_needs_a_name() -> None:
    with pytest.raises(ValidationError, match="'password_file' needs 'username'"):
        RtspSource.model_validate(
            {"type": "rtsp", "url": "rtsp://camera/live", "password_file": "/etc/pw"}
        )
    with pytest.raises(ValidationError, match="'password_file' needs 'username'"):
        Link.model_validate({"brokers": [{"host": "localhost"}], "password_file": "/etc/pw"})


@pytest.mark.parametrize("device", ["/dev/video0", "/dev/v4l/by-id/usb-Cam_1.0-index0"])
def test_a_usb_camera_is_a_device_file(device: str) -> None:
    assert UsbSource.model_validate({"type": "usb", "device": device}).device == device
    with pytest.raises(ValidationError):
        UsbSource.model_validate({"type": "usb", "device": device + " "})


def test_a_video_file_is_named_by_its_whole_path() -> None:
    with pytest.raises(ValidationError, match="absolute"):
        FileSource.model_validate({"type": "file", "path": "north.mp4"})


@pytest.mark.parametrize("name", ["", "Gate-1", "gate_1", "a/b", "gate-1\n", "+", "x" * 33, "门"])
def test_an_id_fits_into_a_topic(name: str) -> None:
    value = {
        "station": name,
        "site": "s",
        "node": "n",
        "name": "n",
        "pin_factory": "mock",
        "data_dir": "/d",
        "run_dir": "/r",
    }
    with pytest.raises(ValidationError):
        Node.model_validate(value)
    assert Node.model_validate({**value, "station": "a-1"}).address.base == "gh/v1/a-1/s/n"


def test_the_pins_are_named_never_guessed() -> None:
    with pytest.raises(ValidationError, match="pin_factory"):
        Node.model_validate(
            {
                "station": "a",
                "site": "s",
                "node": "n",
                "name": "n",
                "data_dir": "/d",
                "run_dir": "/r",
            }
        )


@pytest.mark.parametrize(("warn", "alarm"), [(30.0, 30.0), (60.0, 30.0)])
def test_a_held_door_is_warned_of_before_it_is_an_alarm(warn: float, alarm: float) -> None:
    with pytest.raises(ValidationError, match="'held_warn_s' must be less than 'held_alarm_s'"):
        Door.model_validate({"contact": "d", "held_warn_s": warn, "held_alarm_s": alarm})


def test_a_panic_button_is_normally_closed_and_counts_at_once() -> None:
    button = PanicButton.model_validate(
        {"type": "panic", "pin": 5, "where": "gate", "name": "Panic"}
    )
    assert (button.wiring, button.pull, button.confirm_ms) == ("nc", "up", 0)


@pytest.mark.parametrize("time", ["24:00", "7:00", "22:60", "22.00", "22:00:00", 2200])
def test_a_time_of_day_is_hours_and_minutes(time: object) -> None:
    with pytest.raises(ValidationError):
        Window.model_validate({"start": time, "end": "06:00"})


def test_a_window_without_days_is_every_day_but_not_no_day() -> None:
    assert len(Window.model_validate({"start": "22:00", "end": "06:00"}).days) == 7
    with pytest.raises(ValidationError):
        Window.model_validate({"days": [], "start": "22:00", "end": "06:00"})


def test_faces_are_off_until_somebody_switches_them_on() -> None:
    assert Faces().enabled is False


def test_liveness_needs_as_many_frames_as_it_is_judged_over() -> None:
    with pytest.raises(ValidationError, match="set 'frames' to 5, or every face stays undecided"):
        Faces.model_validate({"enabled": True, "liveness": "minifasnet"})
    assert Faces.model_validate({"liveness": "minifasnet", "frames": 5}).frames == 5


def test_a_label_that_is_empty_or_endless_is_no_label() -> None:
    for text in ("", "x" * 81):
        with pytest.raises(ValidationError):
            Label.model_validate(text)
    with pytest.raises(ValidationError):
        Label.model_validate({"en": "x", "fr": "y"})


def test_a_configuration_that_is_printed_shows_no_login() -> None:
    config = gate(
        (
            "{type: file, path: /srv/north.mp4}",
            "{type: rtsp, url: 'rtsp://10.0.0.9/user=admin&password=hunter2', username: u}",
        )
    )
    assert "password=hunter2" in config.cameras["north"].source.model_dump_json()
    for shown in (repr(config), str(config), f"{config.cameras}"):
        assert "hunter2" not in shown
        assert "password=***" in shown


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, (30, 60.0)),
        ({"profile": "normal"}, (30, 60.0)),
        ({"profile": "high"}, (6, 30.0)),
        ({"profile": "high", "heartbeat_s": 5.0}, (6, 5.0)),
    ],
)
def test_a_profile_says_how_soon_a_loss_shows(
    given: dict[str, object], told: tuple[int, float]
) -> None:
    link = Link.model_validate({"brokers": [{"host": "localhost"}], **given})
    assert (link.keepalive_s, link.heartbeat_s) == told


@pytest.mark.parametrize("profile", ["fast", 7, ["high"], None])
def test_another_profile_is_refused(profile: object) -> None:
    with pytest.raises(ValidationError, match="profile"):
        Link.model_validate({"brokers": [{"host": "localhost"}], "profile": profile})


def test_kinds_are_written_as_the_contract_names_them() -> None:
    lines = "answering: {sla: {kinds: [panic]}, call_kinds: [medical]}\naccess:"
    answering = gate(("access:", lines)).answering
    assert answering.sla.kinds == [Kind.PANIC]
    assert answering.call_kinds == [Kind.MEDICAL]


def test_medical_help_comes_from_an_area_that_the_gate_may_call() -> None:
    with pytest.raises(ValidationError, match="must stand in caller_for too"):
        Answering(medical_area="er", caller_for=["north"])
