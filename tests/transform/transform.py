#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Transforms captures with tests/tools/surgery and compares what the program says of them.

transform.py SURGERY WIRESPAN SEEDS CAPTURE...

For complete captures (every SYN seen, nothing lost) the round trips stay the same when the capture is cut into
other segments, moved to IPv6, to other ports, into VLAN and VXLAN, or when one side is 5 ms late. With packets
removed, nothing that is said without `partial` contradicts the whole run, and at 1 % at most 1.6 times as many
round trips are missing as lost a byte of framing themselves. SEEDS: removals of each kind. Captures with
connections that were open before go through the ways of MIDSTREAM_WAYS only."""
import collections
import json
import os
import subprocess
import sys
import tempfile


WAYS = ("copy", "one-byte", "random", "64k", "ipv6", "ports", "wrap", "shift-client", "shift-server")
# Where the beginning of a connection was not captured, segments tell where messages may begin, and nothing waits for a
# request that is captured behind its answer.
MIDSTREAM_WAYS = ("copy", "64k", "ipv6", "ports", "wrap", "shift-server")
ONE_BYTE_MAX = 200000  # a packet for each byte of a larger capture proves no more
RATIO = 1.6


def content(record):
    def part(name):
        fields = dict(record.get(name) or {})
        fields.pop("bytes", None)
        return json.dumps(fields, sort_keys=True)
    return record["protocol"], record["status"], part("request"), part("response")


def name(record):
    r = record.get("request") or {}
    return f'{record["time"]} {record["status"]} {r.get("method", r.get("command", "-"))} {r.get("path", "-")} ' \
           f'{(record.get("response") or {}).get("status_code", "-")} {record.get("partial", "")}'


def same(whole, other):
    a, b = (collections.Counter(map(content, x)) for x in (whole, other))
    for text, only in (("gone", a - b), ("new", b - a)):
        for key, n in list(only.items())[:5]:
            print(f"  {text} ({n}): {' '.join(map(str, key))[:300]}")
    return a == b


# --- framing: which bytes must be seen to know where messages begin and end ---

class Streams:
    def __init__(self, directory):
        self.directory = directory
        self.bytes = {}
        self.left = {}
        self.place = {}
        with open(f"{directory}/packets", encoding="ascii") as f:
            for line in f:
                frame, connection, side, start, end, removed = map(int, line.split())
                left = self.left.setdefault((connection, side), bytearray())
                left.extend(bytes(max(0, end - len(left))))
                if not removed:
                    left[start:end] = b"\1" * (end - start)
                self.place[frame] = connection, side

    def get(self, key):
        if key not in self.bytes:
            with open(f"{self.directory}/{key[0]}.{key[1]}", "rb") as f:
                self.bytes[key] = f.read()
        return self.bytes[key]

    def seen(self, key, start, end):
        return all(self.left.get(key, b"")[start:end]) if end > start else True


def chunk_framing(data, at, end):
    """Ranges of chunk sizes, the ends of chunks, and trailers."""
    while at < end:
        line = data.find(b"\r\n", at, end)
        if line < 0:
            yield at, end
            return
        size = int(data[at:line].split(b";")[0] or b"0", 16)
        if not size:
            yield at, end
            return
        yield at, line + 2
        at = line + 2 + size
        yield at, min(at + 2, end)
        at += 2


def framing(data, start, end):
    head = data.find(b"\r\n\r\n", start, end)
    if head < 0:
        return [(start, end)]
    ranges = [(start, head + 4)]
    if b"transfer-encoding: chunked" in data[start:head].lower():
        ranges.extend(chunk_framing(data, head + 4, end))
    return ranges


def resp_value(data, at):
    """The end of the RESP value or the line at `at`, and the ranges of it that are no bulk's body."""
    ranges, left = [], 1
    while left:
        line = data.find(b"\n", at) + 1
        if not line:
            return len(data), ranges
        ranges.append((at, line))
        kind, text = data[at:at + 1], data[at + 1:line].strip()
        at, left = line, left - 1
        if kind in b"$=!" and text.isdigit():
            at += int(text) + 2
        elif kind in b"*~>%|" and text.isdigit():
            left += int(text) * (2 if kind in b"%|" else 1) + (kind == b"|")
    return at, ranges


def resp_message(data, at, size):
    """Where the next message of that size begins, and its framing: pushes and empty lines lie between."""
    while at < len(data):
        end, ranges = resp_value(data, at)
        next_at = end
        while end - at < size and end < len(data):
            end, more = resp_value(data, end)
            ranges += more
        if end - at == size:
            return at, ranges
        at = next_at
    sys.exit(f"transform.py: no message of {size} bytes")


def http_message(r, data, at, size, answer):
    while answer and data[at:].startswith(b"HTTP/1.1 1") and not data[at:].startswith(b"HTTP/1.1 101"):
        at = data.find(b"\r\n\r\n", at) + 4
    begin = data[at:at + 16]
    expected = b"HTTP/" if answer else r["request"]["method"].encode() + b" "
    if not begin.startswith(expected):
        sys.exit(f"transform.py: {name(r)}: no message at {at}: {begin!r}")
    return at, framing(data, at, at + size)


def lost_framing(streams, whole):
    """The pairs of the whole run of which a byte of framing was removed, by index."""
    lost = set()
    at = collections.defaultdict(int)
    for i, r in sorted(enumerate(whole), key=lambda x: (x[1]["frames"][0], x[0])):
        if "request" not in r or "response" not in r:
            continue
        if r["request"].get("command") == "SYNC":  # a head without its bulk, the last of its connection
            continue
        connection, side = streams.place[r["frames"][0]]
        for key, size, answer in (((connection, side), r["request"]["bytes"], False),
                                  ((connection, 1 - side), r["response"]["bytes"], True)):
            data = streams.get(key)
            if r["protocol"] == "redis":
                at[key], ranges = resp_message(data, at[key], size)
            else:
                at[key], ranges = http_message(r, data, at[key], size, answer)
            if not all(streams.seen(key, *f) for f in ranges):
                lost.add(i)
            at[key] += size
    return lost


def loss(whole, lossy, directory):
    """Whether nothing contradicts, and how many are: pairs, missing, short of a byte of framing."""
    by_time = {}
    by_content = collections.Counter()
    for r in whole:
        by_time.setdefault((r["flow"], r["time"]), collections.Counter())[content(r)] += 1
        by_content[r["flow"], content(r)] += 1
    right = True
    found = collections.Counter()
    for r in lossy:
        if r["status"] not in ("ok", "error"):
            continue
        found[r["flow"], content(r)[2]] += 1
        if r.get("partial"):
            continue
        at = by_time.get((r["flow"], r["time"]))
        # The packet that first carried the request may be gone, and a copy of it be there.
        if (content(r) not in at) if at else not by_content[r["flow"], content(r)]:
            right = False
            print(f"  contradicts: {name(r)} {json.dumps(r)[:400]}")
    if any(r["protocol"] == "dns" for r in whole):  # answers in any order: not told what lost its bytes
        return right, (0, 0, 0)
    pairs = missing = 0
    for r in whole:
        if r["status"] not in ("ok", "error"):
            continue
        pairs += 1
        key = r["flow"], content(r)[2]
        missing += found[key] <= 0
        found[key] -= 1
    return right, (pairs, missing, len(lost_framing(Streams(directory), whole)))


class Test:
    def __init__(self, surgery, wirespan, seeds):
        self.surgery, self.wirespan, self.seeds = surgery, wirespan, int(seeds)
        self.passed = self.failed = self.captures = self.joined = 0
        self.sums = {1: [0, 0, 0], 3: [0, 0, 0], 10: [0, 0, 0]}

    def check(self, good, text):
        self.passed += good
        self.failed += not good
        if not good:
            print(f"FAIL: {text}")

    def log(self, path):
        """The round trips of a capture, and its counters; None when the program fails."""
        run = subprocess.run([self.wirespan, "log", "-r", path, "--headers", "--format", "json",
                              "--summary", "json"], capture_output=True, text=True, check=False)
        if run.returncode:
            print(f"  exit status {run.returncode}: {run.stderr[:300]}")
            return None, None
        return [json.loads(line) for line in run.stdout.splitlines()], json.loads(run.stderr)["counters"]

    def operate(self, what, path, out, *options):
        return subprocess.run([self.surgery, what, *options, path, out], stdout=subprocess.DEVNULL,
                              check=False).returncode == 0

    def unchanged(self, path, whole, out, ways):
        for what in ways:
            if what == "one-byte" and os.path.getsize(path) > ONE_BYTE_MAX:
                continue
            other = self.operate(what, path, out, "--seed", "1") and self.log(out)[0]
            self.check(isinstance(other, list) and same(whole, other), f"{os.path.basename(path)}: {what}")

    def lossy(self, path, whole, out):
        for percent, sums in self.sums.items():
            for burst in (1, 5):
                for seed in range(self.seeds):
                    seed = self.captures * 1000 + seed
                    text = f"{os.path.basename(path)}: {percent} % removed, {burst} at a time, seed {seed}"
                    with tempfile.TemporaryDirectory() as streams:
                        lossy = self.operate("drop", path, out, "--percent", str(percent), "--burst",
                                             str(burst), "--seed", str(seed), "--map", streams) and \
                            self.log(out)[0]
                        right, counts = loss(whole, lossy, streams) if isinstance(lossy, list) else (False, sums)
                    self.check(right, text)
                    for i in range(3):
                        sums[i] += counts[i] if right else 0

    def capture(self, path):
        whole, c = self.log(path)
        if whole is None or c["lost_bytes"] or c["frames_cut"] or not c["flows_tcp"]:
            return
        with tempfile.TemporaryDirectory() as directory:
            out = os.path.join(directory, "t")
            if c["flows_midstream"]:
                self.joined += 1
                self.unchanged(path, whole, out, MIDSTREAM_WAYS)
                return
            self.captures += 1
            self.unchanged(path, whole, out, WAYS)
            if all(r["protocol"] in ("dns", "http", "redis") for r in whole):
                self.lossy(path, whole, out)

    def summary(self):
        for percent, (pairs, missing, lost) in self.sums.items():
            print(f"{percent} %: {pairs} round trips, {missing} missing, {lost} lost a byte of framing: "
                  f"{missing / max(lost, 1):.2f}")
        _, missing, lost = self.sums[1]
        self.check(missing <= RATIO * lost, f"more than {RATIO} times as many are missing at 1 %")
        print(f"{self.captures} complete captures, {self.joined} with connections that were open before")


def main():
    test = Test(*sys.argv[1:4])
    for path in sys.argv[4:]:
        test.capture(path)
    test.summary()
    print(f"{test.passed} passed, {test.failed} failed, 0 skipped")
    return test.failed or not test.captures


sys.exit(1 if main() else 0)
