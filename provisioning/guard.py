"""``gatehouse guard``: what waits for a person at this gate, and the guard's answers to it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from provisioning.call import ConfigOption, ask_agent, load_config
from provisioning.output import JsonFlag, show

app = typer.Typer(
    help="What waits for the guard, and the guard's answers. 值班人员：待办与应答。",
    no_args_is_help=True,
)
About = Annotated[
    str | None,
    typer.Argument(
        help="What is answered: its id or the start of it; none: what waits longest. 编号",
        metavar="[ID]",
    ),
]
Who = Annotated[str, typer.Option("--who", help="Your role or badge. 岗位或工号", metavar="NAME")]
Note = Annotated[str, typer.Option("--note", help="A few words. 备注", metavar="TEXT")]
_NOTHING = {"en": "nothing waits for you", "zh": "暂无待办"}


@app.command(name="list")
def list_(config: ConfigOption, as_json: JsonFlag = False) -> None:
    """查看待办: Show what waits for a person at this gate, oldest first."""
    answer = ask_agent(config, "guard.list")
    language = load_config(config).console.language
    rows = [_row(item, language) for item in answer["items"]]
    show(answer, "\n".join(rows) or _NOTHING[language], as_json=as_json)


@app.command()
def seen(
    config: ConfigOption, about: About = None, who: Who = "", as_json: JsonFlag = False
) -> None:
    """已看到: You have seen the call."""
    _answer(config, "seen", about, who, as_json=as_json)


@app.command()
def coming(
    config: ConfigOption,
    about: About = None,
    who: Who = "",
    eta: Annotated[
        float | None, typer.Option("--eta", help="Seconds until you are there. 预计到达秒数")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """正在赶来: You are on your way."""
    _answer(config, "coming", about, who, eta_s=eta, as_json=as_json)


@app.command()
def arrived(
    config: ConfigOption,
    about: About = None,
    who: Who = "",
    helper: Annotated[
        str, typer.Option("--as", help="guard, neighbour or police. 身份", metavar="WHOSE")
    ] = "guard",
    as_json: JsonFlag = False,
) -> None:
    """已到场: You are on the spot."""
    _answer(config, "arrived", about, who, helper=helper, as_json=as_json)


@app.command()
def cannot(
    config: ConfigOption,
    about: About = None,
    who: Who = "",
    note: Note = "",
    as_json: JsonFlag = False,
) -> None:
    """无法前往: You cannot come."""
    _answer(config, "cannot", about, who, note=note, as_json=as_json)


@app.command()
def confirm(
    config: ConfigOption, about: About = None, who: Who = "", as_json: JsonFlag = False
) -> None:
    """确认相似: You looked, and the likeness is right."""
    _answer(config, "confirm", about, who, as_json=as_json)


@app.command()
def reject(
    config: ConfigOption, about: About = None, who: Who = "", as_json: JsonFlag = False
) -> None:
    """否定相似: You looked, and it is somebody else."""
    _answer(config, "reject", about, who, as_json=as_json)


def _answer(config: ConfigOption, said: str, about: str | None, who: str, **more: Any) -> None:
    as_json = more.pop("as_json")
    answer = ask_agent(config, "guard.answer", answer=said, about=about, who=who, **more)
    show(answer, f"{answer['answer']}: {answer['way']} {answer['answered']}", as_json=as_json)


def _row(item: dict[str, Any], language: str) -> str:
    drill = "[EXERCISE 演练] " if item["status"] == "Exercise" else ""
    said = f"  ({item['said']})" if item["said"] else ""
    text, ways = item["text"][language], "/".join(item["answers"])
    return f"{item['id'][:13]}  {item['age_s']:>6.0f} s  {drill}{text}{said}  [{ways}]"
