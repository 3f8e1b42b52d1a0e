"""What a guard may ask and answer through the local socket: what waits, and an answer to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from agent.core.answers import Answer, GuardAnswered, Helper
from agent.core.clock import Clock, stamp
from agent.core.errors import CheckFailedError
from agent.core.events import Event
from agent.incidents.way import Item
from agent.pipeline.local import PEER, Operation

_Word = TypeVar("_Word", bound=StrEnum)
COMMAND = "command"
LONGEST_NAME, LONGEST_NOTE, LONGEST_ETA_S = 64, 500, 86_400


class GuardOperations:
    """The guard's operations of the local socket."""

    def __init__(
        self, items: Callable[[], Sequence[Item]], put: Callable[[Event], None], clock: Clock
    ) -> None:
        """*items*: what waits for a person, in order; *put* takes the answer."""
        self._items = items
        self._put = put
        self._clock = clock

    def table(self) -> Mapping[str, Operation]:
        """Operations by name."""
        return {"guard.list": self.list, "guard.answer": self.answer}

    def list(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        """What waits for a person at this gate."""
        now_ns = self._clock.monotonic_ns()
        return {"items": [_row(item, now_ns) for item in self._items()]}

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer what waits: the item named (the start of its id will do), or the first it fits.

        CheckFailedError when nothing waits for this answer, or several are meant.
        """
        said = _one_of(Answer, request.get("answer"))
        helper = _one_of(Helper, request.get("helper") or Helper.GUARD)
        item = self._meant(said, helper, request.get("about"))
        eta_s = request.get("eta_s")
        if eta_s is not None and not (_is_number(eta_s) and 0 <= eta_s <= LONGEST_ETA_S):
            raise CheckFailedError(f"an estimate is a number of seconds, 0 to {LONGEST_ETA_S}")
        who = str(request.get("who") or request.get(PEER) or "gate")[:LONGEST_NAME]
        note = str(request.get("note") or "")[:LONGEST_NOTE]
        self._put(
            GuardAnswered(
                stamp(self._clock),
                said,
                who,
                by="command",
                helper=helper,
                about=item.id,
                eta_s=eta_s,
                note=note,
            )
        )
        text = {"en": item.text.en, "zh": item.text.zh}
        return {"answered": item.id, "way": item.way, "answer": said.value, "text": text}

    def _meant(self, said: Answer, helper: Helper, about: object) -> Item:
        waiting = [i for i in self._items() if said in i.answers and _is_by_command(i)]
        if about is not None:
            named = [item for item in self._items() if item.id.startswith(str(about))]
            if not named:
                raise CheckFailedError(f"nothing that waits here is called '{about}' 没有此待办")
            if len(named) > 1:
                raise CheckFailedError(
                    f"'{about}' may be {len(named)} things; give more of the id 请多写几位编号"
                )
            if not _is_by_command(named[0]):
                hands = ", ".join(named[0].devices)
                raise CheckFailedError(f"{named[0].id} is answered with {hands} only 只能由此应答")
            if named[0] not in waiting:
                may = ", ".join(named[0].answers)
                raise CheckFailedError(f"'{said}' is no answer to {named[0].id}; say 可用 {may}")
            return named[0]
        meant = next((item for item in waiting if item.takes(said, helper)), None)
        if meant is None:
            raise CheckFailedError(f"nothing waits for '{said}' at this gate 没有待办可作此应答")
        return meant


def _is_by_command(item: Item) -> bool:
    return not item.devices or COMMAND in item.devices


def _row(item: Item, now_ns: int) -> Mapping[str, object]:
    return {
        "id": item.id,
        "way": item.way,
        "text": {"en": item.text.en, "zh": item.text.zh},
        "since": item.since.utc,
        "age_s": round((now_ns - item.since.monotonic_ns) / 1e9, 1),
        "answers": [answer.value for answer in item.answers],
        "status": item.status.value,
        "said": item.said,
    }


def _one_of(words: type[_Word], given: object) -> _Word:
    try:
        return words(str(given))
    except ValueError:
        may = ", ".join(words)
        raise CheckFailedError(f"'{given}' is none of: {may}") from None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
