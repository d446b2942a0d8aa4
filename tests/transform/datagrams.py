#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Transforms captures of DNS over UDP with tests/tools/surgery and compares what the program says of them.

datagrams.py SURGERY WIRESPAN SEEDS CAPTURE...

What must not matter: links, tunnels, addresses, ports, fragments, the file's format, when all of it was, a packet that
is seen again (the network's copy, or at another interface), packets of different conversations that change places. Then
every line stays as it was, but for the keys that WAYS names. What cuts a stream of bytes anew (one-byte, random, 64k)
does not apply: a datagram is a message, and is never joined with another.

What does matter, but has only one right result: packets that were removed, one side that is late, or whose clock is, an
answer that stands in front of its query, one id for all messages. Then what is said must be exactly what expect.py
foretells from the packets that are left. And, to compare with the whole capture: a pair whose two packets are left is
still one, and no pair is new, unless a removed packet explains it. That is one with the same conversation, id and
questions: the first copy of a query, or the answer that another answer, or another query, now takes the place of. By
mDNS it may be any.

SEEDS: removals of each kind."""
import collections
import json
import os
import subprocess
import sys
import tempfile

import expect

REBUILT = ("tunnel",)  # the tunnels of the original are gone
WAYS = {
    "pcapng": ("interface",),
    "us": ("time", "duration", "ttfb"),
    "later": ("time",),
    "rebuild": REBUILT,
    "vlan": REBUILT,
    "qinq": REBUILT,
    "wrap": REBUILT,
    "geneve": REBUILT,
    "ipv6": REBUILT + ("client", "server", "flow"),
    "ports": REBUILT + ("client", "server", "flow"),
    "fragments": REBUILT + ("frames",),
    "fragments-reversed": REBUILT + ("frames",),
    "repeat": REBUILT + ("frames",),
    "elsewhere": ("frames", "interface"),
    "elsewhere-late": ("frames", "interface"),
    "elsewhere-nearer": ("frames", "interface"),
    "elsewhere-any": ("frames", "interface", "time", "duration", "ttfb"),
    "cross": ("frames",),
}
# A packet that moves a tick moves what it tells; and two interfaces put their packets in the order of time.
OTHER_ORDER = ("elsewhere", "elsewhere-late", "elsewhere-nearer", "elsewhere-any", "cross")
FORETOLD = ("shift-client", "shift-server", "skew-client", "answer-first", "one-id")
PERCENTS = (1, 10, 30)
OTHER_WORKERS = (2, 3, 4, 8)


def content(record, keys):
    return json.dumps({key: value for key, value in record.items() if key not in keys}, sort_keys=True)


def messages(records):
    """The messages alone, however they are paired."""
    return collections.Counter(json.dumps(r[side], sort_keys=True) for r in records for side in ("request", "response")
                               if side in r)


def said_of(record):
    first, last = record["frames"]
    what = {"ok": "pair", "error": "pair"}.get(record["status"], record["status"])
    if record.get("reason") == "icmp":
        what = "icmp"
    again = record.get("request", {}).get("retransmitted", False)
    reason = record.get("reason")
    ports = record["server"]["port"], record["client"]["port"]
    if what == "orphan" and reason == "unasked" and ports[0] == expect.MDNS != ports[1]:
        reason = "announcement"  # see expect.py
    return expect.Said(what, reason, first, last, again)


def show(text, counter):
    for key, n in list(counter.items())[:4]:
        print(f"  {text} ({n}): {str(key)[:400]}")


def equal(a, b):
    show("gone", a - b)
    show("new", b - a)
    return a == b


# --- the whole capture, and what is left of it ---

def pairs_of(records, packets):
    origin = {p.frame: p.origin for p in packets if p.frame}
    return {tuple(origin[frame] for frame in r["frames"]) for r in records if "request" in r and "response" in r}


def explainers(packets):
    """What each packet can explain, by its frame in the original."""
    found, groups = {}, set()
    for p in packets:
        conversation, m = expect.conversation_of(p, groups), expect.message_of(p.data)
        groups.add(conversation)
        if p.kind == "udp" and conversation and m:
            named = conversation[1] == expect.MDNS or not m.questions
            found[p.origin] = conversation, None if named else expect.key_of(conversation, p, m)
    return found


def contradictions(whole, lossy, packets):
    """Pairs that are missing though both packets are left, or new, without an explanation."""
    left = {p.origin for p in packets if p.frame}
    explains = explainers(packets)
    removed = {explains[p.origin] for p in packets if not p.frame and p.origin in explains}
    wrong = {pair for pair in whole - lossy if left.issuperset(pair)} | lossy - whole
    return {pair for pair in wrong if explains[pair[0]] not in removed and explains[pair[1]] not in removed}


class Test:
    def __init__(self, surgery, wirespan, seeds, out):
        self.surgery, self.wirespan, self.seeds = surgery, wirespan, int(seeds)
        self.out, self.list = os.path.join(out, "capture"), os.path.join(out, "list")
        self.passed = self.failed = self.captures = self.runs = 0
        self.sums = {percent: [0, 0, 0] for percent in PERCENTS}

    def check(self, good, text):
        self.passed += bool(good)
        self.failed += not good
        if not good:
            print(f"FAIL: {text}")

    def log(self, path, workers=1):
        run = subprocess.run([self.wirespan, "log", "-r", path, "--format", "json", "--summary", "json", "--workers",
                              str(workers)], capture_output=True, text=True, check=False)
        if run.returncode:
            sys.exit(f"datagrams.py: {path}: exit status {run.returncode}: {run.stderr[:300]}")
        return run

    def records(self, path, text, workers=()):
        """What is said of a capture. The equations must hold, and other numbers of workers say the same."""
        run = self.log(path)
        self.runs += 1
        self.check(not json.loads(run.stderr)["equations_broken"], f"{text}: an equation does not hold")
        for n in workers or (OTHER_WORKERS[self.runs % len(OTHER_WORKERS)],):
            self.check(run.stdout == self.log(path, n).stdout, f"{text}: other lines with {n} workers")
        return [json.loads(line) for line in run.stdout.splitlines()]

    def operate(self, what, path, *options):
        subprocess.run([self.surgery, what, "--list", self.list, *options, path, self.out], stdout=subprocess.DEVNULL,
                       check=True)
        return list(expect.read_list(self.list))

    def unchanged(self, path, whole, apart):
        groups = any("variant" in r for r in whole)
        for way, keys in WAYS.items():
            if way == "ports" and groups or way == "ipv6" and apart:
                continue
            text = f"{os.path.basename(path)}: {way}"
            self.operate(way, path)
            other = self.records(self.out, text)
            if groups and way in ("elsewhere-nearer", "elsewhere-any"):  # may lose pairs, see docs/MAP.md
                self.check(equal(messages(whole), messages(other)), text)
                continue
            a, b = ([content(r, keys) for r in records] for records in (whole, other))
            self.check(equal(collections.Counter(a), collections.Counter(b)), text)
            self.check(a == b or way in OTHER_ORDER, f"{text}: another order")

    def foretold(self, what, path, text, *options):
        packets = self.operate(what, path, *options)
        records = self.records(self.out, text)
        said = collections.Counter(map(said_of, records))
        self.check(equal(expect.expect(packets), said), text)
        return packets, pairs_of(records, packets)

    def lossy(self, path, whole):
        for percent, sums in self.sums.items():
            for seed in range(self.seeds):
                text = f"{os.path.basename(path)}: {percent} % removed, seed {seed}"
                packets, pairs = self.foretold("drop", path, text, "--percent", str(percent), "--seed", str(seed))
                wrong = contradictions(whole, pairs, packets)
                show("contradicts", collections.Counter(wrong))
                self.check(not wrong, text)
                sums[0] += len(whole)
                sums[1] += len(whole - pairs)
                sums[2] += len(pairs - whole)

    def capture(self, path):
        summary = json.loads(self.log(path).stderr)["counters"]
        if summary["frames_cut"] or not summary["packets_udp"]:
            return
        self.captures += 1
        packets, pairs = self.foretold("copy", path, f"{os.path.basename(path)}: copy")
        whole = self.records(self.out, f"{os.path.basename(path)}: copy", OTHER_WORKERS)
        conversations = set(map(expect.conversation_of, packets))
        self.unchanged(path, whole, len({c for c in conversations if c and c[:2] == (expect.ALL, expect.MDNS)}) > 1)
        for what in FORETOLD:
            self.foretold(what, path, f"{os.path.basename(path)}: {what}")
        self.lossy(path, pairs)

    def summary(self):
        for percent, (pairs, gone, new) in self.sums.items():
            print(f"{percent} %: {pairs} pairs, {gone} lost, {new} others")
        print(f"{self.captures} captures of datagrams")


def main():
    with tempfile.TemporaryDirectory() as out:
        test = Test(*sys.argv[1:4], out)
        for path in sys.argv[4:]:
            test.capture(path)
    test.summary()
    print(f"{test.passed} passed, {test.failed} failed, 0 skipped")
    return test.failed or not test.captures


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
