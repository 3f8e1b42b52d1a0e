"""Whatever happens in whatever order, every entry is sent until it is acked, and none after it."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.core.clock import NS_PER_S
from agent.core.ports import Entry, Lane
from agent.outbox.delivery import Delivery, Sending
from agent.outbox.lane import RESEND_AFTER_S, Want
from tests.support.samples import entry

PAGE = 3
LANES = st.sampled_from(Lane)


class DeliveryMachine(RuleBasedStateMachine):
    """A delivery beside a store, a link and a station that are simple enough to be right."""

    def __init__(self) -> None:
        super().__init__()
        self.delivery = Delivery()
        self.now_ns = 0
        self.up = False
        self.epoch = 0
        self.seq = 0
        self.store: list[tuple[int, Entry]] = []
        self.position = 0
        self.unwritten: list[Entry] = []
        self.read: tuple[Lane, Want, list[tuple[int, Entry]]] | None = None
        self.accepted: dict[str, Entry] = {}
        self.backlog: set[str] = set()
        self.acked: set[str] = set()
        self.sent: dict[str, tuple[int, int]] = {}
        self.first_sent: dict[Lane, list[int]] = {lane: [] for lane in Lane}

    @initialize(alarms=st.integers(0, 12), events=st.integers(0, 12))
    def start(self, alarms: int, events: int) -> None:
        """Entries of an earlier session lie in the store."""
        for lane, count in ((Lane.ALARM, alarms), (Lane.EVENT, events)):
            for _ in range(count):
                self.append(self.made(lane))
                self.backlog.add(self.store[-1][1].id)

    @rule(lane=LANES)
    def offer(self, lane: Lane) -> None:
        """An entry that was stored first."""
        made = self.made(lane)
        self.append(made)
        if not self.up or lane is Lane.EVENT:
            self.backlog.add(made.id)
        self.delivery.accept(made, stored=True)

    @rule(lane=LANES)
    def offer_before_it_is_stored(self, lane: Lane) -> None:
        """A critical entry, or one that the disk refused."""
        made = self.made(lane)
        self.unwritten.append(made)
        self.delivery.accept(made, stored=False)

    @precondition(lambda self: self.unwritten)
    @rule()
    def write(self) -> None:
        """The disk takes an entry at last."""
        made = self.unwritten.pop(0)
        if made.id in self.acked:
            return
        self.append(made)
        self.delivery.stored(made.id)
        self.delivery.accept(made, stored=True)

    @precondition(lambda self: self.read is None)
    @rule()
    def ask(self) -> None:
        """Begin a read: the answer is what stands in the store now."""
        want = self.delivery.want()
        if want is not None:
            lane, wanted = want
            rows = [r for r in self.store if r[1].lane is lane and r[0] > wanted.after]
            self.read = (lane, wanted, rows[:PAGE])

    @precondition(lambda self: self.read is not None)
    @rule(works=st.booleans())
    def answer(self, works: bool) -> None:
        """The answer arrives, or the store could not be read."""
        assert self.read is not None
        (lane, want, rows), self.read = self.read, None
        self.delivery.fetched(lane, want, rows if works else None, PAGE)

    @rule(number=st.integers(0, 10_000))
    def ack(self, number: int) -> None:
        """The station acks anything that it may have, or has had."""
        if self.accepted:
            names = sorted(self.accepted)
            name = names[number % len(names)]
            self.acked.add(name)
            self.delivery.acked(name)
            self.store = [row for row in self.store if row[1].id != name]

    @rule()
    def link_lost(self) -> None:
        """The link goes, also when it had gone."""
        self.up = False
        self.delivery.link_lost()

    @rule()
    def link_up(self) -> None:
        """The link carries, also after a change that nobody noticed."""
        self.up = True
        self.epoch += 1
        self.delivery.link_up()

    @rule(seconds=st.sampled_from([1, 5]))
    def link_up_unheard(self, seconds: float) -> None:
        """The link carries, and the station has said nothing yet."""
        self.up = True
        self.epoch += 1
        self.delivery.link_up(self.now_ns + round(seconds * NS_PER_S))

    @rule(online=st.booleans())
    def station(self, online: bool) -> None:
        """The station says whether it listens."""
        self.epoch += online
        self.delivery.station(online=online)

    @rule(seconds=st.sampled_from([0.1, 1, 9.9, 10, 45, 600]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now_ns += round(seconds * NS_PER_S)

    @rule(room=st.integers(1, 8))
    def pump(self, room: int) -> None:
        """Send as much as fits."""
        for _ in range(room):
            sending = self.delivery.next(self.now_ns)
            if sending is None:
                return
            self.check(sending)

    @invariant()
    def first_sendings_of_the_backlog_are_in_order(self) -> None:
        """Of what lay in the store, an older entry never follows a newer one of its lane."""
        for seqs in self.first_sent.values():
            assert seqs == sorted(seqs)

    def teardown(self) -> None:
        """With a disk, a link and a station that work, everything is sent and acked."""
        if self.read is not None:
            self.answer(works=True)
        while self.unwritten:
            self.write()
        self.link_up()
        for _ in range(10 * len(self.accepted) + 10):
            self.ask()
            if self.read is not None:
                self.answer(works=True)
            sending = self.delivery.next(self.now_ns)
            if sending is None:
                self.wait(60)
                continue
            self.check(sending)
            self.acked.add(sending.entry.id)
            self.delivery.acked(sending.entry.id)
            self.store = [row for row in self.store if row[1].id != sending.entry.id]
        assert set(self.accepted) == self.acked
        assert self.delivery.unacked == 0
        assert self.delivery.unstored == 0

    def made(self, lane: Lane) -> Entry:
        """A new entry, promised to the station from now on."""
        self.seq += 1
        made = entry(self.seq, lane)
        self.accepted[made.id] = made
        return made

    def append(self, made: Entry) -> None:
        """What the store does."""
        self.position += 1
        self.store.append((self.position, made))

    def check(self, sending: Sending) -> None:
        """Whether this may be sent now."""
        name = sending.entry.id
        assert self.up
        assert name in self.accepted
        assert name not in self.acked
        if name in self.sent:
            at_ns, epoch = self.sent[name]
            early = self.now_ns - at_ns < RESEND_AFTER_S[0] * NS_PER_S
            assert not early or epoch < self.epoch
        elif name in self.backlog:
            self.first_sent[sending.entry.lane].append(sending.entry.seq)
        self.sent[name] = (self.now_ns, self.epoch)


TestDelivery = DeliveryMachine.TestCase
TestDelivery.settings = settings(
    max_examples=150,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
