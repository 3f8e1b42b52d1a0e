"""Every problem at once, each with its place, in words that say what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config.load import InvalidConfigError, load, parse
from tests.support.samples import GATE_YAML, gate, gate_text


def problems(source: str | bytes) -> list[str]:
    data = source if isinstance(source, bytes) else source.encode()
    with pytest.raises(InvalidConfigError) as caught:
        parse(data, "gate.yaml")
    return str(caught.value).splitlines()


def problems_of(*replaced: tuple[str, str]) -> list[str]:
    return problems(gate_text(*replaced))


def place(needle: str) -> str:
    """``line:column`` of the first *needle* in the sample."""
    before = GATE_YAML[: GATE_YAML.index(needle)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def test_the_sample_gate_is_valid_and_its_names_are_read() -> None:
    config = gate()
    assert config.node.address.base == "gh/v1/cancheng/liya-garden/gate-1"
    assert (config.node.name.en, config.node.name.zh) == ("North gate", "北门")
    assert (config.inputs["medical-1"].name.en, config.inputs["medical-1"].name.zh) == (
        "医疗",
        "医疗",
    )


def test_a_label_in_one_language_stands_for_both() -> None:
    label = gate(("name: Siren", "name: {zh: 警笛}")).outputs["siren-1"].name
    assert (label.en, label.zh) == ("警笛", "警笛")


def test_all_problems_of_a_file_are_told_at_once_in_their_order() -> None:
    text = gate_text(
        ("  station: cancheng\n", ""),
        ("data_dir: /var/lib/gatehouse", "data_dir: var/lib"),
        ("type: panic, pin: 5", "type: panic, pin: 99, colour: red"),
        ("host: 127.0.0.1, port: 1883", "host: 127.0.0.1, port: '1883'"),
    )
    assert problems(text) == [
        "gate.yaml:2:1: node.station: is missing",
        "gate.yaml:7:3: node.data_dir: must be an absolute path, starting with '/', not 'var/lib'",
        "gate.yaml:11:25: link.brokers[0].port: must be a whole number, not '1883'",
        "gate.yaml:13:26: inputs.panic-1.pin: must be at most 63, not 99",
        "gate.yaml:13:35: inputs.panic-1.colour: unknown key",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("pin_factory: mock", "pin_factory: moc", "must be 'lgpio' or 'mock', not 'moc'"),
        ("station: cancheng", "station: Cancheng", "'Cancheng' does not have the form"),
        ("station: cancheng", "station: 7", "must be text, not 7"),
        ("schema: 1", "schema: 2", "must be 1, not 2"),
        ("run_dir: /run/gatehouse", "run_dir: 5", "must be a path, not 5"),
        ("brokers:", "brokers: []\n  brokerz:", "must have at least 1 item(s), not 0"),
        ("type: siren,", "type: siren, max_s: 0,", "must be more than 0, not 0"),
        ("type: siren,", "type: siren, max_s: 1801,", "must be at most 1800, not 1801"),
        ("type: door,", "type: door, debounce_ms: 4,", "must be at least 5, not 4"),
        ("type: door,", "type: door, debounce_ms: 5.5,", "must be a whole number, not 5.5"),
        ("name: Siren", "name: ''", "must have at least 1 character(s)"),
        ("outputs: [siren-1]", "outputs: siren-1", "must be a list, not 'siren-1'"),
        ("rules:\n", "faces: {enabled: on}\nrules:\n", "must be true or false, not 'on'"),
        ("rules:\n", "faces: [a]\nrules:\n", "must be a mapping of keys to values, not a list"),
        ("rules:\n", "faces: {threshold: {}}\nrules:\n", "must be a number, not a mapping"),
        ("rules:\n", "console: {language: }\nrules:\n", "must be 'en' or 'zh', not nothing"),
        ("rules:\n", "rules:\n  - 5\n", "must be a mapping of keys to values, not 5"),
    ],
)
def test_a_wrong_value_is_told_in_words(old: str, new: str, message: str) -> None:
    assert any(message in line for line in problems_of((old, new))), problems_of((old, new))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("site:", "sight:", "node.sight: unknown key; did you mean 'site'?"),
        ("rules:\n", "camras: {}\nrules:\n", "camras: unknown key; did you mean 'cameras'?"),
        ("pin: 5,", "pin: 5, wirng: no,", "inputs.panic-1.wirng: unknown key; did you mean 'wir"),
        ("cut_pin: 18", "cutpin: 18", "inputs.loop-1.cutpin: unknown key; did you mean 'cut_pin'?"),
        ("path: /srv", "pathh: /srv", "cameras.north.source.pathh: unknown key; did you mean 'pa"),
        ("port: 1883", "prt: 1883", "link.brokers[0].prt: unknown key; did you mean 'port'?"),
        ("outputs: [", "output: [", "rules[0].output: unknown key; did you mean 'outputs'?"),
        ("zh: 北门}", "zhh: 北门}", "node.name.zhh: unknown key; did you mean 'zh'?"),
        ("relay:", "rely:", "access.doors.side.rely: unknown key; did you mean 'relay'?"),
        ("type: door", "type: dor", "inputs.door-1: type 'dor' is not known; did you mean 'door'?"),
        ("type: panic, o", "type: panik, o", "rules[0]: type 'panik' is not known; did you mean "),
        ("where: cabinet", "elephant: cabinet", "inputs.loop-1.elephant: unknown key"),
    ],
)
def test_a_mistyped_word_is_answered_with_the_right_one(old: str, new: str, told: str) -> None:
    found = problems_of((old, new))
    assert any(told in line for line in found), found


def test_a_word_like_no_other_gets_no_suggestion() -> None:
    (line, *_) = [x for x in problems_of(("where: lane", "zzz: lane")) if "zzz" in x]
    assert line.endswith("inputs.lane-1.zzz: unknown key")


def test_a_missing_type_names_the_types_there_are() -> None:
    (line,) = problems_of(("type: siren, ", ""))
    assert line.startswith(f"gate.yaml:{place('siren-1:')}: outputs.siren-1: 'type' is missing; ")
    assert line.endswith("it must be one of 'beacon', 'gate', 'siren'")


def test_a_long_wrong_value_is_shortened() -> None:
    (line,) = problems_of(("schema: 1", "schema: " + "9" * 5000))
    assert len(line) < 150
    assert line.endswith("…")


def test_an_empty_file_misses_everything_by_name() -> None:
    expected = [f"gate.yaml:1:1: {key}: is missing" for key in ("link", "node", "schema")]
    assert problems("") == expected
    assert problems("# nothing but a remark\n") == expected


def test_a_list_is_no_configuration() -> None:
    assert problems("- a\n") == [
        "gate.yaml:1:1: (file): must be a mapping of keys to values, not a list"
    ]


def test_a_key_that_is_given_twice_is_a_problem_beside_the_others() -> None:
    text = gate_text(("  site: liya-garden\n", "  site: liya-garden\n  site: other\n"))
    assert problems(text + "colour: red\n") == [
        "gate.yaml:5:3: node.site: is given twice; the first stands in line 4",
        f"gate.yaml:{text.count(chr(10)) + 1}:1: colour: unknown key",
    ]


def test_bytes_that_are_not_utf8_are_placed() -> None:
    source = GATE_YAML.encode().replace("北门".encode(), "北门".encode("gb18030"))
    column = len("  name: {en: North gate, zh: ") + 1
    assert problems(source) == [
        f"gate.yaml:6:{column}: (file): is not UTF-8 text; save it as UTF-8"
    ]


def test_a_byte_order_mark_is_no_problem() -> None:
    assert parse(b"\xef\xbb\xbf" + GATE_YAML.encode(), "gate.yaml") == gate()


def test_a_file_that_is_not_there_is_told_like_any_other_problem(tmp_path: Path) -> None:
    path = tmp_path / "gate.yaml"
    with pytest.raises(InvalidConfigError) as caught:
        load(path)
    told = f"{path}:1:1: (file): cannot be read: No such file or directory"
    assert str(caught.value) == told
    assert caught.value.exit_code == 78


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match="Is a directory"):
        load(tmp_path)


def test_the_exact_bytes_of_a_valid_file_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "gate.yaml"
    path.write_bytes(GATE_YAML.encode() + b"# remark\n")
    assert load(path).source == path.read_bytes()


def test_a_name_with_half_a_character_is_refused() -> None:
    (line,) = problems_of(("name: Siren", 'name: "\\ud83d"'))
    assert "outputs.siren-1.name" in line


FILE_SOURCE = "{type: file, path: /srv/north.mp4}"
PLANTED = "hunter2-planted"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (FILE_SOURCE, f"{{type: rtsp, url: 'rtsp://admin:{PLANTED}@10.0.0.9/live'}}"),
        (FILE_SOURCE, f"{{type: rtsp, url: ' rtsp://admin:{PLANTED}@10.0.0.9/live'}}"),
        (FILE_SOURCE, f"{{type: rtsp, url: 'http://10.0.0.9/?password={PLANTED}'}}"),
        (FILE_SOURCE, f"{{type: rtsp, url: 'rtsp://h/l', password: {PLANTED}}}"),
        (FILE_SOURCE, f"{{type: rtsp, url: 'rtsp://h/l', username: u, password_file: {PLANTED}}}"),
        ("link:\n", f"link:\n  password_file: {PLANTED}\n"),
        ("link:\n", f"link:\n  password_file: [{PLANTED}]\n"),
        ("link:\n", f"link:\n  password: {PLANTED}\n"),
        ("link:\n", f"link:\n  {PLANTED}\n"),
        ("link:\n", f"link:\n  password: '{PLANTED}\n"),
        ("link:\n", f"link:\n  password: !x {PLANTED}\n"),
        ("link:\n", f"link:\n  password: *{PLANTED}\n"),
    ],
)
def test_a_secret_that_stands_in_the_wrong_place_is_not_repeated(old: str, new: str) -> None:
    told = "\n".join(problems_of((old, new)))
    assert told
    assert PLANTED not in told
