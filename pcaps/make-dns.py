#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the DNS captures of this directory, packet by packet; the same bytes at every run. usage: make-dns.py OUTDIR"""
import os
import struct
import sys

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33,
         "HTTPS": 65, "IXFR": 251, "AXFR": 252, "ANY": 255, "CAA": 257}


# --- messages ---

def name(text):
    return b"".join(bytes([len(l)]) + l.encode() for l in text.split(".") if l) + b"\0"


def question(text, kind, cls=1):
    return name(text) + struct.pack(">HH", TYPES.get(kind, kind), cls)


def record(text, kind, ttl, data, cls=1):
    return name(text) + struct.pack(">HHIH", TYPES.get(kind, kind), cls, ttl, len(data)) + data


def opt(options=b"", size=1232, extended=0, dnssec=False):
    return b"\0" + struct.pack(">HHIH", 41, size, extended << 24 | dnssec << 15, len(options)) + options


def option(code, data):
    return struct.pack(">HH", code, len(data)) + data


def soa(text, serial):
    return record(text, "SOA", 3600, name("ns." + text) + name("host." + text)
                  + struct.pack(">5I", serial, 7200, 900, 86400, 300))


def message(number, flags, questions=(), answers=(), authority=(), additional=()):
    sections = (questions, answers, authority, additional)
    return struct.pack(">6H", number, flags, *map(len, sections)) + b"".join(b"".join(s) for s in sections)


# --- packets ---

def address(text):
    return bytes(int(part) for part in text.split("."))


class Capture:
    def __init__(self):
        self.data = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
        self.time = 1_700_000_000_000_000
        self.ident = 0

    def packet(self, source, target, protocol, payload, after):
        self.time += after
        self.ident += 1
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), self.ident, 0, 64, protocol, 0)
        frame = bytes.fromhex("02000000000102000000000208 00") + head + address(source) + address(target) + payload
        self.data += struct.pack("<IIII", self.time // 1_000_000, self.time % 1_000_000, len(frame), len(frame))
        self.data += frame

    def udp(self, source, sport, target, dport, payload, after=1000):
        body = struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload
        self.packet(source, target, 17, body, after)
        return body

    def write(self, path):
        with open(path, "wb") as out:
            out.write(self.data)


class Connection:
    """A TCP conversation in which nothing is lost."""

    def __init__(self, capture, client, sport, server, dport):
        self.capture, self.side = capture, ((client, sport), (server, dport))
        self.seq = [1000, 5000]
        self.send(0, b"", 2)
        self.send(1, b"", 18)
        self.send(0, b"", 16)

    def send(self, who, payload, flags=24):
        source, target = self.side[who], self.side[1 - who]
        ack = self.seq[1 - who] if flags & 16 else 0
        head = struct.pack(">HHIIBBHHH", source[1], target[1], self.seq[who], ack, 0x50, flags, 65000, 0, 0)
        self.capture.packet(source[0], target[0], 6, head + payload, 500)
        self.seq[who] += len(payload) + bool(flags & 3)

    def say(self, who, *messages):
        self.send(who, b"".join(struct.pack(">H", len(m)) + m for m in messages))

    def close(self):
        self.send(0, b"", 17)
        self.send(1, b"", 17)
        self.send(0, b"", 16)


CLIENT, SERVER, OTHER = "192.0.2.10", "192.0.2.53", "192.0.2.77"


def over_udp(c):
    def ask(number, *questions, flags=0x100, port=40000, after=1000, **more):
        return c.udp(CLIENT, port, SERVER, 53, message(number, flags, questions, **more), after)

    def answer(number, *questions, flags=0x8180, port=40000, after=1000, **more):
        c.udp(SERVER, 53, CLIENT, port, message(number, flags, questions, **more), after)

    a, mx = question("wWw.eXample.net", "A"), question("example.net", "MX")
    ask(1, a)
    ask(2, mx, additional=[opt(option(10, b"abcdefgh"), dnssec=True)])
    answer(2, mx, answers=[record("example.net", "MX", 300, b"\0\x0a" + name("mail.example.net"))],
           additional=[opt(option(3, b"ns1"))])
    answer(1, question("www.example.net", "A"),
           answers=[record("www.example.net", "CNAME", 60, name("example.net")),
                    record("example.net", "A", 60, address("198.51.100.1"))])
    q = question("no.example.net", "AAAA")
    ask(3, q)
    answer(3, q, flags=0x8583, authority=[soa("example.net", 7)])
    ask(4, q)  # sent again; the second answer is one too many
    ask(4, q, after=2_000_000)
    answer(4, q, flags=0x8183)
    answer(4, q, flags=0x8183)
    ask(5, a)
    answer(5, flags=0x8181)  # without the question
    q = question("blocked.example.net", "A")
    ask(6, q, additional=[opt()])
    answer(6, q, additional=[opt(option(15, b"\0\x0fby policy"), extended=1)])
    q = question("big.example.net", "TXT")
    ask(7, q)
    answer(7, q, flags=0x8380)
    q = question("closed.example.net", "A")
    quoted = ask(8, q, port=40001)
    inner = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(quoted), 1, 0, 64, 17, 0) + address(CLIENT) + address(SERVER)
    c.packet(SERVER, CLIENT, 1, struct.pack(">BBHI", 3, 3, 0, 0) + inner + quoted, 300)
    ask(9, question("slow.example.net", "A"), port=40002)
    ask(10, question("never.example.net", 65280), port=40002)
    c.udp(CLIENT, 9999, SERVER, 9998, b"no DNS at all", 12_000_000)
    answer(9, question("slow.example.net", "A"), port=40002)


def over_tcp(c):
    t = Connection(c, CLIENT, 41000, SERVER, 53)
    a, b = question("a.example.net", "A"), question("b.example.net", "HTTPS")
    t.say(0, message(1, 0x100, [a]), message(2, 0x100, [b]))
    t.say(1, message(2, 0x8180, [b], [record("b.example.net", "HTTPS", 5, b"\0\1\0" + option(1, b"\2h2"))]),
          message(1, 0x8180, [a], [record("a.example.net", "A", 5, address("198.51.100.2"))]))
    zone, many = question("example.net", "AXFR"), [
        record(f"host{i}.example.net", "A", 5, address(f"198.51.100.{i}")) for i in range(90)]
    t.say(0, message(3, 0, [zone]))
    t.say(1, message(3, 0x8400, [zone], [soa("example.net", 9), *many[:45]]))
    t.say(1, message(3, 0x8400, [], many[45:]))
    t.say(1, message(3, 0x8400, [], [soa("example.net", 9)]))
    zone = question("example.net", "IXFR")
    t.say(0, message(4, 0, [zone], authority=[soa("example.net", 9)]))
    t.say(1, message(4, 0x8400, [zone], [soa("example.net", 9)]))
    t.close()


def multicast(c):
    group, llmnr = "224.0.0.251", "224.0.0.252"
    printer = record("_ipp._tcp.local", "PTR", 4500, name("Printer._ipp._tcp.local"))
    both = [question("_ssh._tcp.local", "PTR"), question("_ipp._tcp.local", "PTR", 0x8001)]
    c.udp(CLIENT, 5353, group, 5353, message(0, 0, both))
    c.udp(SERVER, 5353, group, 5353, message(0, 0x8400, [], [printer]), 20_000)
    c.udp(OTHER, 5353, group, 5353, message(0, 0x8400, [], [printer]), 20_000)
    c.udp(OTHER, 5353, group, 5353, message(0, 0x8400, [], [
        record("other.local", "A", 120, address(OTHER), 0x8001)]), 1_000_000)
    legacy = question("other.local", "A")
    c.udp(CLIENT, 42000, group, 5353, message(99, 0, [legacy]))
    c.udp(OTHER, 5353, CLIENT, 42000, message(99, 0x8400, [legacy], [
        record("other.local", "A", 10, address(OTHER))]), 20_000)
    pc = question("pc", "A")
    c.udp(CLIENT, 43000, llmnr, 5355, message(7, 0, [pc]), 1_000_000)
    c.udp(CLIENT, 43000, llmnr, 5355, message(7, 0, [pc]), 100_000)
    c.udp(OTHER, 5355, CLIENT, 43000, message(7, 0x8000, [pc], [record("pc", "A", 30, address(OTHER))]))
    c.udp(CLIENT, 5353, group, 5353, message(0, 0, [question("nobody.local", "AAAA")]), 1_000_000)


for made, make in (("dns-udp", over_udp), ("dns-tcp", over_tcp), ("dns-multicast", multicast)):
    capture = Capture()
    make(capture)
    capture.write(os.path.join(sys.argv[1], made + ".pcap"))
