"""What an alert says, in English and 简体中文. One sentence, the place by its own name.

Leads never say that somebody *is* somebody: a person confirms.
"""

from __future__ import annotations

from agent.config.schema.base import Label
from agent.core.text import Text

_SENTENCES: dict[str, tuple[str, str]] = {
    "panic": ("Panic button pressed: {en}", "紧急按钮触发：{zh}"),
    "panic-initial": (
        "Panic line found open or pressed at start: {en}",
        "启动时紧急按钮已触发或线路断开：{zh}",
    ),
    "medical": ("Medical help wanted: {en}", "请求医疗救助：{zh}"),
    "assist": ("Assistance wanted: {en}", "请求协助：{zh}"),
    "tamper-cut": ("Line cut: {en}", "线路被剪断：{zh}"),
    "tamper-shorted": ("Line shorted: {en}", "线路短路：{zh}"),
    "tamper-fault": ("Line faulty: {en}", "线路故障：{zh}"),
    "tamper-intact": ("Line intact again: {en}", "线路恢复正常：{zh}"),
    "door.forced": ("Forced open: {en}", "被强行打开：{zh}"),
    "door.held": ("Held open too long: {en}", "开启超时：{zh}"),
    "door-closed": ("Closed again: {en}", "已关闭：{zh}"),
    "watchlist.face": (
        "Possible match with a watchlist entry, to be confirmed by a person: {en}",
        "疑似名单人员，须由人工确认：{zh}",
    ),
    "track.sighting": (
        "Possible sighting of a followed person, to be confirmed by a person: {en}",
        "疑似发现跟踪对象，须由人工确认：{zh}",
    ),
    "missing.sighting": (
        "Somebody who is missed may be here, to be confirmed by a person: {en}",
        "疑似发现走失人员，请人工核实并给予关怀：{zh}",
    ),
    "camera.lost": ("No picture: {en}", "无画面：{zh}"),
    "camera.blind": ("Camera sees nothing useful: {en}", "画面异常：{zh}"),
    "camera-ok": ("Picture is back: {en}", "画面恢复：{zh}"),
    "storage.degraded": (
        "Alarms are not stored durably: {en}",
        "告警无法可靠存储：{zh}",
    ),
    "storage-ok": ("Alarms are stored durably again: {en}", "告警存储恢复：{zh}"),
    "clock.unsynced": ("Clock is not synchronised: {en}", "时钟未同步：{zh}"),
    "clock-ok": ("Clock is synchronised again: {en}", "时钟已同步：{zh}"),
    "link.degraded": ("No link to the station: {en}", "与指挥中心的连接中断：{zh}"),
    "link-ok": ("Link to the station is back: {en}", "与指挥中心的连接恢复：{zh}"),
}


def sentence(name: str, label: Label) -> Text:
    """The sentence *name* about the thing that *label* names."""
    english, chinese = _SENTENCES[name]
    return Text(english.format(en=label.en), chinese.format(zh=label.zh))
