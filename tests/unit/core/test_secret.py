"""Secrets do not show themselves, in whatever form somebody prints them."""

from __future__ import annotations

import json
import pickle
import traceback

import pytest

from agent.core.secret import Secret, names_secret, scrub

PLANTED = "hunter2-planted"


def test_no_form_of_a_secret_shows_it() -> None:
    secret = Secret(PLANTED)
    forms = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>10}",
        f"{secret:>30}",
        "%s %r" % (secret, secret),  # noqa: UP031 - as logging does it
        repr([secret]),
        repr({"password": secret}),
        json.dumps({"password": secret}, default=repr),
        str(dir(secret)),
    ]
    assert all(PLANTED not in form for form in forms)
    assert str(secret) == "***"
    assert secret.reveal() == PLANTED


def test_an_exception_with_a_secret_shows_none() -> None:
    with pytest.raises(ValueError, match="no login") as caught:
        raise ValueError("no login with", Secret(PLANTED))
    assert PLANTED not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)


def test_a_secret_is_not_written_to_a_file_as_a_whole() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(PLANTED))


def test_secrets_compare_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a").__eq__("a") is False
    assert len({Secret("a"), Secret("a")}) == 1


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("rtsp://admin:hunter2@10.0.0.9/live", "rtsp://***@10.0.0.9/live"),
        ("'rtsp://admin:a@b@10.0.0.9:554/x?y=1'", "'rtsp://***@10.0.0.9:554/x?y=1'"),
        (
            "rtsp://h/user=admin&password=hunter2&channel=1",
            "rtsp://h/user=admin&password=***&channel=1",
        ),
        ("http://h/?PWD=x y", "http://h/?PWD=*** y"),
        ("gh/v1/a/b/c mail a@b.cn", "gh/v1/a/b/c mail a@b.cn"),
        ("mqtt://host:1883", "mqtt://host:1883"),
    ],
)
def test_texts_lose_the_logins_of_urls(text: str, clean: str) -> None:
    assert scrub(text) == clean


def test_names_tell_what_is_secret() -> None:
    assert names_secret(("link", "password_file"))
    assert names_secret(("cameras", "north", "source", "Passwd"))
    assert not names_secret(("link", "brokers", 0, "host"))
