# SPDX-License-Identifier: Apache-2.0
"""
Compares the HTTP/1 messages that wirespan and TShark find (see http.sh). Arguments: directory of captures,
list of expected differences.

TShark counts a message when its body is whole, and has to be told how to read a capture: as it comes,
putting reordered segments in order (but then nothing behind a hole is found), or heads alone, without
waiting for bodies that were cut off. All messages of a capture must be equal to one of the three.
"""
import collections
import os
import sys

import compare

FIELDS = ["http.request.method", "http.response.code"]
ONLY_TCP = "http && tcp && !icmp && !icmpv6"
WAYS = {
    "as it comes": [],
    "reordered": ["-o", "tcp.reassemble_out_of_order:TRUE"],
    "heads alone": ["-o", "tcp.desegment_tcp_streams:FALSE"],
}


def theirs(path, options):
    count = collections.Counter()
    for frame in compare.tshark(path, FIELDS, options, ONLY_TCP):
        for code in frame["http.request.method"] + frame["http.response.code"]:
            interim = code.startswith("1") and code != "101"
            count["1xx" if interim else code] += 1
    return count


def ours(path):
    count = collections.Counter()
    lines, summary = compare.wirespan(path)
    for line in lines:
        if line["protocol"] != "http":
            continue
        if "request" in line:
            count[line["request"]["method"]] += 1
        if "response" in line:
            count[str(line["response"]["status_code"])] += 1
    if summary["counters"]["interim_responses"]:
        count["1xx"] = summary["counters"]["interim_responses"]
    return count


def says_http(path):
    with open(path, "rb") as f:
        return b"HTTP/1" in f.read()


def main():
    directory, expected = sys.argv[1], compare.Expected(sys.argv[2])
    names, bad, messages, equal = set(), 0, 0, collections.Counter()
    for name, options in compare.captures(directory):
        path = os.path.join(directory, name)
        us = ours(path)
        if not us and not says_http(path):
            continue
        found = {}
        for way, preferences in WAYS.items():
            difference = compare.differences(theirs(path, options + preferences), us)
            found = found or difference
            if not difference:
                equal[way] += 1
                found = {}
                break
        names.add(name)
        messages += sum(us.values())
        left = expected.unexplained(name, found)
        if left:
            bad += 1
            print(f"{name} {','.join(left)}")
    for name, what in expected.stale(names):
        bad += 1
        print(f"{name} {what} is expected and not there any more")
    print(f"{len(names)} captures compared, {messages} messages; equal: "
          + ", ".join(f"{n} {way}" for way, n in equal.items())
          + f"; {bad} unexplained differences (capture, what:theirs:ours)")
    sys.exit(bad > 0)


main()
