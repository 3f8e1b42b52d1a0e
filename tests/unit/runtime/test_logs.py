"""Every log line formats, as text for people and as JSON."""

from __future__ import annotations

import json
import logging
import re
import sys

import pytest

from agent.runtime.logs import JsonFormatter, TextFormatter, set_up_logs


def record(
    message: str = "门 %s", *args: object, level: int = logging.WARNING
) -> logging.LogRecord:
    return logging.LogRecord("agent.x", level, "f.py", 1, message, args or ("open",), None)


def broken() -> logging.LogRecord:
    made = record()
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        made.exc_info = sys.exc_info()
    return made


def test_a_line_of_text_tells_time_level_logger_and_message() -> None:
    line = TextFormatter(journal=False).format(record())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z WARNING agent\.x: 门 open", line)


@pytest.mark.parametrize(
    ("level", "number"),
    [(logging.DEBUG, 7), (logging.INFO, 6), (logging.WARNING, 4), (logging.ERROR, 3), (50, 2)],
)
def test_the_journal_is_told_the_level_of_every_line(level: int, number: int) -> None:
    text = TextFormatter(journal=True).format(record(level=level))
    assert text.startswith(f"<{number}>")
    lines = TextFormatter(journal=True).format(broken()).splitlines()
    assert len(lines) > 2
    assert all(line.startswith("<4>") for line in lines)


def test_a_line_of_json_is_one_object_with_its_traceback() -> None:
    line = JsonFormatter().format(broken())
    assert "\n" not in line
    body = json.loads(line)
    assert (body["level"], body["logger"], body["message"]) == ("warning", "agent.x", "门 open")
    assert "ZeroDivisionError" in body["error"]
    assert "error" not in json.loads(JsonFormatter().format(record()))


def test_everything_goes_to_standard_error_in_the_chosen_form_and_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        for _ in range(2):
            set_up_logs("info", "json", journal=False)
        logging.getLogger("agent.y").info("hello")
        logging.getLogger("agent.y").debug("not this")
        captured = capsys.readouterr()
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert captured.out == ""
    assert [json.loads(line)["message"] for line in captured.err.splitlines()] == ["hello"]


@pytest.mark.parametrize(
    "formatter", [JsonFormatter(), TextFormatter(journal=False), TextFormatter(journal=True)]
)
def test_no_line_shows_the_login_of_a_url(formatter: logging.Formatter) -> None:
    made = record("camera at %s", "rtsp://admin:hunter2@10.0.0.9/live")
    try:
        raise ValueError("rtsp://10.0.0.9/user=admin&password=hunter2")
    except ValueError:
        made.exc_info = sys.exc_info()
    line = formatter.format(made)
    assert "hunter2" not in line
    assert "rtsp://***@10.0.0.9/live" in line
    assert "password=***" in line
