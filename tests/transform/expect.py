# SPDX-License-Identifier: Apache-2.0
"""Foretells what must be said of datagrams of DNS: who asked what, and which answer is the first that may be its own.

A second statement of the rules in docs/MAP.md (Datagrams) and protocols/dns/README.md, by somebody who knew the code:
where those pages leave a detail open (which types an NSEC record or a CNAME answers) it follows the code.

The messages of one conversation are read in the order of the file. A query opens its key, and one whose key is open is
the same query, sent again. An answer ends the open query of its key that was sent at its time or before, and is an
orphan when there is none. After 10 s, at the next tick, a query is unanswered, and its key is remembered for 10 s."""
import collections

S = 1000000000
TICK, TIMEOUT = S // 100, 10 * S
DNS, MDNS, LLMNR = 53, 5353, 5355
TWO, QUERIER, ALL = "two hosts", "a querier's port", "all"
CNAME, NSEC, ANY = 5, 47, 255
OTHER_TYPES = (1, 28, 12, 33, 16, 65)  # that a CNAME, or an NSEC without them, answers

# A line of surgery --list. `frame` is 0 when it was removed.
Packet = collections.namedtuple("Packet", "frame origin time kind sender receiver data")
# What is said: "pair", "icmp", "unanswered" or "orphan", why, its first and last frame, and whether it was sent again.
Said = collections.namedtuple("Said", "what reason first last again")


def read_list(path):
    with open(path, encoding="ascii") as f:
        for line in f:
            frame, origin, time, kind, src, sport, dst, dport, data = line.rstrip("\n").split(" ")
            yield Packet(int(frame), int(origin), int(time), kind, (src, int(sport)), (dst, int(dport)),
                         bytes.fromhex(data))


# --- messages ---

def number(data, at):
    if at + 2 > len(data):
        raise ValueError
    return data[at] << 8 | data[at + 1]


def read_name(data, at):
    """The labels in lower case, and where the name ends."""
    labels, end = [], None
    while True:
        if at >= len(data) or len(labels) > 128:
            raise ValueError
        size = data[at]
        if size >= 192:
            end = end or at + 2
            to = number(data, at) & 0x3fff
            if to >= at:
                raise ValueError
            at = to
            continue
        at += 1 + size
        if not size:
            return tuple(labels), end or at
        if at > len(data):
            raise ValueError
        labels.append(data[at - size:at].lower())


class Message:
    def __init__(self, data):
        self.data = data
        self.id, flags, questions, self.answer_count = (number(data, at) for at in (0, 2, 4, 6))
        if len(data) < 12:
            raise ValueError
        self.answer, self.opcode = bool(flags & 0x8000), flags >> 11 & 15
        self.questions, self.records = [], 12
        for _ in range(questions):
            name, at = read_name(data, self.records)
            self.questions.append((name, number(data, at), number(data, at + 2)))
            self.records = at + 4

    def answers(self):
        """The questions that the records answer, in order."""
        at = self.records
        try:
            for _ in range(min(self.answer_count, 64)):
                name, at = read_name(self.data, at)
                kind, group, size = number(self.data, at), number(self.data, at + 2) & 0x7fff, number(self.data, at + 8)
                if at + 10 + size > len(self.data):
                    return
                others = OTHER_TYPES if kind == CNAME else self.lacking(at + 10, size) if kind == NSEC else ()
                yield from ((name, t, group) for t in (kind, ANY) + tuple(others))
                at += 10 + size
        except ValueError:
            return

    def lacking(self, at, size):
        """The types that an NSEC record says are not there."""
        data = self.data[:at + size]
        _, at = read_name(data, at)
        window, count = number(data, at) >> 8, number(data, at) & 255
        bits = data[at + 2:at + 2 + count]
        if window or len(bits) < count:
            return []
        return [t for t in OTHER_TYPES if t // 8 >= count or not bits[t // 8] & 128 >> t % 8]


def message_of(data):
    try:
        return Message(data)
    except ValueError:
        return None


# --- conversations ---

def querier_of(p):
    """Who asks at a port of multicast, from another port; and whether a group of hosts is asked."""
    asks, to = p.receiver[1] in (MDNS, LLMNR), p.receiver[0]
    group = to.startswith("ff") if ":" in to else 224 <= int(to.split(".")[0]) < 240
    return p.sender if asks else p.receiver, asks and group


def conversation_of(p, groups=()):
    """What belongs together: its scope, the port, and who; None: not DNS by its ports. `groups`: what was asked of
    groups before."""
    ports = p.sender[1], p.receiver[1]
    port = next((port for port in (MDNS, LLMNR, DNS) if port in ports), None)
    if port in (MDNS, LLMNR):
        if ports[0] == ports[1]:
            return ALL, port, ":" in p.sender[0]
        querier, all_asked = querier_of(p)
        group = QUERIER, port, querier
        if all_asked or group in groups:
            return group
    return (TWO, port, frozenset((p.sender, p.receiver))) if port else None


def key_of(conversation, p, m):
    """What a query and its answer have in common, but for mDNS."""
    asker = p.receiver if m.answer else p.sender
    return m.id, tuple(m.questions), asker if conversation[0] == TWO else None


class Query:
    def __init__(self, p, key):
        self.packet, self.key, self.again = p, key, False


class Conversation:
    def __init__(self, name, said):
        self.name, self.say = name, said
        self.mdns = name[0] != TWO and name[1] == MDNS
        self.open, self.late, self.asked = {}, {}, {}

    def end(self, q, what, reason=None, last=0):
        del self.open[q.key]
        self.say(Said(what, reason, q.packet.frame, last or q.packet.frame, q.again))

    def tick(self, now):
        for q in list(self.open.values()):
            if q.packet.time + TIMEOUT <= now:
                self.late[q.key] = q.packet.time + 2 * TIMEOUT
                self.end(q, "unanswered", "timeout")
        self.late = {key: until for key, until in self.late.items() if until > now}

    def query(self, p, m):
        if self.mdns and not m.questions:  # more known answers of the query before
            return
        key = p if self.mdns and self.name[0] == ALL else key_of(self.name, p, m)
        q = self.open.setdefault(key, Query(p, key))
        q.again = q.packet is not p
        if self.mdns:
            self.asked.update({(name, kind, group & 0x7fff): key for name, kind, group in m.questions})

    def of_id(self, key):
        same = [q for q in self.open.values() if q.key[0] == key]
        return same[0] if len(same) == 1 else None

    def who_asked(self, p, m):
        found = self.open.get(key_of(self.name, p, m)) if not self.mdns or self.name[0] == QUERIER else None
        if self.mdns and not found:
            named = [(name, kind, group & 0x7fff) for name, kind, group in m.questions] + list(m.answers())
            found = next((self.open[self.asked[n]] for n in named if self.asked.get(n) in self.open), None)
        return found or (None if m.questions or self.mdns else self.of_id(m.id))

    def answer(self, p, m):
        q = self.who_asked(p, m)
        own = q and self.name[0] != TWO and q.packet.sender == p.sender
        if q and q.packet.time <= p.time and not own:
            self.end(q, "pair", None, p.frame)
            return
        late = key_of(self.name, p, m) in self.late
        reason = "announcement" if self.mdns else "order" if q else "late" if late else "unasked"
        if reason == "unasked" and self.name[1] == MDNS:  # whether it is depends on when the querier's port was at rest
            reason = "announcement"
        self.say(Said("orphan", reason, p.frame, p.frame, False))

    def failed(self, p):
        quoted = p.data[8:]
        m = message_of(quoted)
        if self.name[0] != TWO or len(quoted) < 3 or quoted[2] & 0x80:
            return
        q = self.open.get(key_of(self.name, p, m)) if m else self.of_id(number(quoted, 0))
        if q:
            self.end(q, "icmp", "icmp")


def expect(packets):
    """Counts what must be said of these packets."""
    said, conversations, clock = collections.Counter(), {}, 0

    def say(what):
        said[what] += 1

    for p in packets:
        if not p.frame:
            continue
        before, clock = clock // TICK, max(clock, p.time)
        for c in conversations.values() if clock // TICK > before else ():
            c.tick(clock - clock % TICK)
        name = conversation_of(p, conversations) if p.kind != "tcp" else None
        if not name:
            continue
        c = conversations.setdefault(name, Conversation(name, say))
        m = message_of(p.data)
        if p.kind == "icmp":
            c.failed(p)
        elif m:
            (c.answer if m.answer else c.query)(p, m)
    for c in conversations.values():
        for q in list(c.open.values()):
            c.end(q, "unanswered", "end")
    return said
