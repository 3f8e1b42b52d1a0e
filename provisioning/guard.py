"""``gatehouse guard``: what waits for a person at this gate, and the guard's answers to it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

import typer

from agent.core.answers import Answer, Helper
from provisioning.call import ConfigOption, ask_agent, load_config
from provisioning.output import JsonFlag, show

app = typer.Typer(
    help="What waits for the guard, and the guard's answers. 值班人员：待办与应答。",
    no_args_is_help=True,
)
About = Annotated[
    str | None,
    typer.Argument(
        help="What is answered: its id or the start of it; none: the first that it fits. 编号",
        metavar="ID",
    ),
]
Who = Annotated[str, typer.Option("--who", help="Your role or badge. 岗位或工号", metavar="NAME")]
Note = Annotated[str, typer.Option("--note", help="A few words. 备注", metavar="TEXT")]


class Word(NamedTuple):
    """How an answer is called: the command, its Chinese word, and what a person says by it."""

    command: str
    zh: str
    meaning: str


COMMANDS: Mapping[Answer, Word] = {
    Answer.SEEN: Word("seen", "已看到", "You have seen the call."),
    Answer.COMING: Word("coming", "正在赶来", "You are on your way."),
    Answer.ARRIVED: Word("arrived", "已到场", "You are on the spot."),
    Answer.CANNOT: Word("cannot", "无法前往", "You cannot come."),
    Answer.ACCEPTED: Word("accept", "接受", "You take the task on."),
    Answer.DONE: Word("done", "完成", "The task is done."),
    Answer.DECLINED: Word("decline", "拒绝", "You do not take the task on."),
    Answer.PRESENT: Word("present", "在岗", "You are at your post."),
    Answer.CONFIRM: Word("confirm", "确认", "You have read it, or it is as it says."),
    Answer.REJECT: Word(
        "reject",
        "不符或误报",
        "It is not so: a wrong lead, or a false alarm. Nothing is closed by it.",
    ),
}
_NOTHING = {"en": "nothing waits for you", "zh": "暂无待办"}


class Proof(StrEnum):
    """What a person shows to a reader."""

    CARD = "card"
    CODE = "code"


@app.command(name="list")
def list_(config: ConfigOption, as_json: JsonFlag = False) -> None:
    """查看待办: Show what waits for a person at this gate, oldest first."""
    answer = ask_agent(config, "guard.list")
    language = load_config(config).console.language
    rows = [_row(item, language) for item in answer["items"]]
    show(answer, "\n".join(rows) or _NOTHING[language], as_json=as_json)


def _plain(said: Answer) -> Callable[..., None]:
    """The command of an answer that needs no more than what it is about."""

    def command(
        config: ConfigOption,
        about: About = None,
        who: Who = "",
        note: Note = "",
        as_json: JsonFlag = False,
    ) -> None:
        _answer(config, said, about, who, note=note, as_json=as_json)

    return command


def _coming(
    config: ConfigOption,
    about: About = None,
    who: Who = "",
    eta: Annotated[
        float | None, typer.Option("--eta", help="Seconds until you are there. 预计到达秒数")
    ] = None,
    note: Note = "",
    as_json: JsonFlag = False,
) -> None:
    _answer(config, Answer.COMING, about, who, eta_s=eta, note=note, as_json=as_json)


def _arrived(
    config: ConfigOption,
    about: About = None,
    who: Who = "",
    helper: Annotated[Helper, typer.Option("--as", help="Whose help you are. 身份")] = Helper.GUARD,
    note: Note = "",
    as_json: JsonFlag = False,
) -> None:
    _answer(config, Answer.ARRIVED, about, who, helper=helper.value, note=note, as_json=as_json)


_MORE: Mapping[Answer, Callable[..., None]] = {Answer.COMING: _coming, Answer.ARRIVED: _arrived}
for _said_so, _word in COMMANDS.items():
    app.command(name=_word.command, help=f"{_word.zh}: {_word.meaning}")(
        _MORE.get(_said_so) or _plain(_said_so)
    )


@app.command()
def enrol(
    config: ConfigOption,
    person: Annotated[str, typer.Argument(help="As in answering.people. 工号", metavar="PERSON")],
    proof: Annotated[
        Proof, typer.Option("--proof", help="What is given. 卡(card)或密码(code)")
    ] = Proof.CODE,
    as_json: JsonFlag = False,
) -> None:
    """登记: Give a person a card or a code; it is typed unseen, or read from standard input."""
    shown = _shown(proof.value)
    answer = ask_agent(config, "guard.enrol", person=person, proof=proof.value, shown=shown)
    show(answer, f"enrolled: {answer['person']} {answer['proof']}", as_json=as_json)


@app.command()
def withdraw(
    config: ConfigOption,
    person: Annotated[str, typer.Argument(help="Whose card and code. 工号", metavar="PERSON")],
    as_json: JsonFlag = False,
) -> None:
    """注销: Forget a person's card and code."""
    answer = ask_agent(config, "guard.withdraw", person=person)
    show(answer, f"withdrawn: {answer['person']}", as_json=as_json)


@app.command()
def people(config: ConfigOption, as_json: JsonFlag = False) -> None:
    """人员: Who may answer by card or code, and who has which."""
    answer = ask_agent(config, "guard.people")
    rows = [f"{row['person']}: {', '.join(row['has']) or '-'}" for row in answer["people"]]
    show(answer, "\n".join(rows), as_json=as_json)


def _shown(proof: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    again = proof == "code"
    return str(typer.prompt(f"{proof} 卡/密码", hide_input=True, confirmation_prompt=again))


def _answer(config: ConfigOption, said: Answer, about: str | None, who: str, **more: Any) -> None:
    as_json = more.pop("as_json")
    answer = ask_agent(config, "guard.answer", answer=said.value, about=about, who=who, **more)
    language = load_config(config).console.language
    told = _answered(answer, language)
    show(answer, told, as_json=as_json)


def _answered(answer: Mapping[str, Any], language: str) -> str:
    text = answer["text"][language]
    said = COMMANDS[Answer(answer["answer"])]
    return f"{said.zh}：{text}" if language == "zh" else f"{said.command}: {text}"


def _row(item: Mapping[str, Any], language: str) -> str:
    """One line: its id, age and text, and which commands answer it."""
    drill = "[EXERCISE 演练] " if item["status"] == "Exercise" else ""
    said = _said(item["said"], language)
    commands = [COMMANDS[Answer(answer)] for answer in item["answers"]]
    may = "/".join(f"{c.zh} {c.command}" if language == "zh" else c.command for c in commands)
    age = f"{item['age_s']:>6.0f} {'秒' if language == 'zh' else 's'}"
    return f"{item['id'][:13]}  {age}  {drill}{item['text'][language]}{said}  [{may}]"


def _said(said: str | None, language: str) -> str:
    if not said:
        return ""
    word, _, who = said.partition(" ")
    known = COMMANDS[Answer(word)].zh if language == "zh" and word in COMMANDS else word
    return f"  ({f'{known} {who}'.rstrip()})"
