"""The smallest station: receives what gates say, stores it durably, then acks it.

Needs paho-mqtt and nothing of Gatehouse; docs/contract.md says why it does what it does.
"""

import argparse
import json
import sqlite3
from datetime import UTC, datetime

from paho.mqtt.client import CallbackAPIVersion, Client, MQTTMessage, MQTTv5
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

NEEDED = {"id", "source", "type", "session", "seq", "ghstatus", "data"}
TOPICS = ("alert", "event", "drill/alert", "drill/event", "state")
TABLE = "CREATE TABLE IF NOT EXISTS heard (source, id, channel, seq, body, UNIQUE (source, id))"
HOLES = "SELECT max(seq) - min(seq) + 1 - count(*) FROM heard WHERE source=? AND channel=?"


def stamped(**fields: object) -> str:
    return json.dumps(fields | {"at": datetime.now(UTC).isoformat()})


class Station:
    def __init__(self, station: str, store: str) -> None:
        self.id, self.sessions = station, {}
        self.db = sqlite3.connect(store, isolation_level=None)
        self.db.execute(TABLE)

    def on_connect(self, client: Client, *_: object) -> None:
        client.subscribe([(f"gh/v1/{self.id}/+/+/{topic}", 1) for topic in TOPICS])
        client.publish(f"gh/v1/{self.id}/host/state", stamped(online=True), qos=1, retain=True)

    def on_message(self, client: Client, _data: object, message: MQTTMessage) -> None:
        branch, _, channel = message.topic.rpartition("/")
        try:
            body = json.loads(message.payload)
            if channel == "state":
                return self.state(branch, body)
            self.take(branch, channel, body)
            mark = {"status": "Exercise"} if branch.endswith("/drill") else {}
            ack = stamped(alert_id=body["id"], stage="received", by=self.id, **mark)
            client.publish(f"{branch}/ack", ack, qos=1)  # stored by now: the gate may forget it
        except (ValueError, TypeError, KeyError, AttributeError, sqlite3.Error) as error:
            print(f"not acked: {message.topic}: {error!r}")

    def state(self, source: str, body: dict) -> None:
        newest = self.sessions[source] = max(body["session"], self.sessions.get(source, 0))
        late = ", ignored: an older session" if body["session"] < newest else ""
        print(f"{source} {'online' if body['online'] else 'offline'}{late}")

    def take(self, branch: str, channel: str, body: dict) -> None:
        source = branch.removesuffix("/drill")
        if NEEDED - body.keys() or body["source"] != source:
            raise ValueError("a field is missing, or it is another gate's")
        row = (source, key := body["id"], channel, seq := body["seq"], json.dumps(body))
        new = self.db.execute("INSERT OR IGNORE INTO heard VALUES (?,?,?,?,?)", row).rowcount
        (holes,) = self.db.execute(HOLES, (source, channel)).fetchone()
        print(f"{channel if new else 'copy'}: {source} {seq} {body['type']} {key}, {holes} missing")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("station", help="its id, as in gh/v1/{station}/...")
    parser.add_argument("--broker", default="127.0.0.1:1883", metavar="HOST:PORT")
    parser.add_argument("--store", default="heard.db", help="SQLite file of everything received")
    parser.add_argument("--tls", nargs=3, metavar=("CA", "CERT", "KEY"), help="PEM files")
    args = parser.parse_args()
    station, kept = Station(args.station, args.store), Properties(PacketTypes.CONNECT)
    kept.SessionExpiryInterval = 7 * 86_400
    client = Client(CallbackAPIVersion.VERSION2, f"{station.id}.host", protocol=MQTTv5)
    client.on_connect, client.on_message = station.on_connect, station.on_message
    client.will_set(f"gh/v1/{station.id}/host/state", stamped(online=False), qos=1, retain=True)
    if args.tls:
        client.tls_set(*args.tls)
    host, _, port = args.broker.rpartition(":")
    client.connect(host, int(port), keepalive=15, clean_start=False, properties=kept)
    client.loop_forever(retry_first_connection=True)
