# SPDX-License-Identifier: Apache-2.0
"""
Compares the DNS messages that wirespan and TShark find (see dns.sh). Arguments: directory of captures, list of
expected differences.

Counted are queries, answers, and answers by return code. A query that was sent again is one query here, and a
zone transfer one answer of many messages: the counters and fields tell how many those are.
"""
import collections
import os
import sys

import compare

FIELDS = ["dns.flags.response", "dns.flags.rcode"]
WANTED = "(dns || mdns || llmnr) && !icmp && !icmpv6"
RCODES = {"NOERROR": "0", "FORMERR": "1", "SERVFAIL": "2", "NXDOMAIN": "3", "NOTIMP": "4", "REFUSED": "5",
          "YXDOMAIN": "6", "YXRRSET": "7", "NXRRSET": "8", "NOTAUTH": "9", "NOTZONE": "10"}


def theirs(path, options):
    count = collections.Counter()
    for frame in compare.tshark(path, FIELDS, options, WANTED):
        for response in frame["dns.flags.response"]:
            count["queries" if response in ("0", "False") else "answers"] += 1
        for rcode in frame["dns.flags.rcode"]:
            count["rcode" + rcode] += 1
    return count


def ours(path):
    count = collections.Counter()
    lines, summary = compare.wirespan(path, "--only", "dns")
    for line in lines:
        if "request" in line:
            count["queries"] += 1
        if "response" in line:
            response = line["response"]
            messages = response.get("messages", 1)
            count["answers"] += messages
            count["rcode" + RCODES.get(response["rcode"], "0")] += messages
    again = summary["counters"]["requests_resent"] + summary["counters"]["pushes"]
    if again:
        count["queries"] += again
    return count


def main():
    directory, expected = sys.argv[1], compare.Expected(sys.argv[2])
    names, bad, messages = set(), 0, 0
    for name, options in compare.captures(directory):
        path = os.path.join(directory, name)
        us, them = ours(path), theirs(path, options)
        if not us and not them:
            continue
        names.add(name)
        messages += us["queries"] + us["answers"]
        left = expected.unexplained(name, compare.differences(them, us))
        if left:
            bad += 1
            print(f"{name} {','.join(left)}")
    for name, what in expected.stale(names):
        bad += 1
        print(f"{name} {what} is expected and not there any more")
    print(f"{len(names)} captures compared, {messages} messages; "
          f"{bad} unexplained differences (capture, what:theirs:ours)")
    sys.exit(bad > 0)


main()
