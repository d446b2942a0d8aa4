# SPDX-License-Identifier: Apache-2.0
"""
Compares the Redis requests, per command, and the errors that wirespan and TShark find (see redis.sh). Arguments:
directory of captures, list of expected differences. TShark says what arrays and bulks a frame has; a request is an
array towards the server's port.
"""
import collections
import os
import sys

import compare

FIELDS = ["tcp.dstport", "resp.array.length", "resp.bulk_string.value", "resp.error"]
PORTS = {"6379", "6380"}


def theirs(path, options):
    count = collections.Counter()
    for frame in compare.tshark(path, FIELDS, options, "resp"):
        count["error"] += len(frame["resp.error"])
        if frame["tcp.dstport"][-1] not in PORTS:
            continue
        words = iter(frame["resp.bulk_string.value"])
        for length in frame["resp.array.length"]:
            array = [next(words, "") for _ in range(int(length))]
            count[bytes.fromhex(array[0]).decode().upper()] += 1
    return +count


def ours(path):
    count = collections.Counter()
    lines, _ = compare.wirespan(path)
    for line in lines:
        if line["protocol"] != "redis":
            continue
        if "request" in line:
            count[line["request"]["command"].split()[0]] += 1
        count["error"] += line.get("response", {}).get("type") == "error"
    return +count


def main():
    directory, expected = sys.argv[1], compare.Expected(sys.argv[2])
    names, bad, messages = set(), 0, 0
    for name, options in compare.captures(directory):
        path = os.path.join(directory, name)
        us = ours(path)
        if not us and not name.startswith("redis/"):
            continue
        names.add(name)
        messages += sum(us.values())
        found = compare.differences(theirs(path, options), us)
        left = expected.unexplained(name, found)
        if left:
            bad += 1
            print(f"{name} {','.join(left)}")
    for name, what in expected.stale(names):
        bad += 1
        print(f"{name} {what} is expected and not there any more")
    print(f"{len(names)} captures compared, {messages} messages; {bad} unexplained differences (capture, what:theirs:ours)")
    sys.exit(bad > 0)


main()
