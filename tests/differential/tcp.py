# SPDX-License-Identifier: Apache-2.0
"""
Compares what wirespan counts of TCP with TShark (see tcp.sh). Arguments: directory of captures, list of
expected differences.

  flows        conversations, against tcp.stream
  bytes        payload seen, against that of the innermost layer: exactly what the capture has
  retransmits, out_of_order, zero_windows, resets: against tcp.analysis, where rules differ
  lost         1 when bytes are missing, against tcp.analysis.lost_segment, ack_lost_segment and cut frames
  rtt          records whose handshake took another time, to the microsecond
"""
import os
import sys

import compare

ENDS = ["ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport"]
AGAIN = ["tcp.analysis." + x for x in ("retransmission", "fast_retransmission",
                                       "spurious_retransmission")]
LOST = ["tcp.analysis.lost_segment", "tcp.analysis.ack_lost_segment"]
FIELDS = ["frame.protocols", "frame.len", "frame.cap_len", "tcp.stream", "tcp.len", "tcp.payload",
          "tcp.flags.reset", "tcp.analysis.out_of_order", "tcp.analysis.zero_window",
          "tcp.analysis.initial_rtt", *ENDS, *AGAIN, *LOST]
COUNTS = ["flows", "bytes", "retransmits", "out_of_order", "zero_windows", "resets", "lost"]


def innermost(frame, *fields):
    for field in fields:
        if frame[field]:
            return frame[field][-1]
    return ""


def payload_of(frame):
    """Bytes of payload in the capture. tcp.payload is left out of some frames that end a message."""
    if frame["frame.len"] != frame["frame.cap_len"]:
        return len(innermost(frame, "tcp.payload").replace(":", "")) // 2
    return int(innermost(frame, "tcp.len"))


def theirs(path, options):
    count, rtt, streams = dict.fromkeys(COUNTS, 0), {}, set()
    for frame in compare.tshark(path, FIELDS, options):
        protocols = innermost(frame, "frame.protocols").split(":")
        if "icmp" in protocols or "icmpv6" in protocols or not frame["tcp.len"]:
            continue
        streams.add(innermost(frame, "tcp.stream"))
        count["bytes"] += payload_of(frame)
        count["retransmits"] += any(frame[x] for x in AGAIN)
        count["out_of_order"] += bool(frame["tcp.analysis.out_of_order"])
        count["zero_windows"] += bool(frame["tcp.analysis.zero_window"])
        count["resets"] += innermost(frame, "tcp.flags.reset") in ("1", "True")
        count["lost"] |= any(frame[x] for x in LOST) or frame["frame.len"] != frame["frame.cap_len"]
        if frame["tcp.analysis.initial_rtt"]:
            a, b = innermost(frame, "tcp.srcport"), innermost(frame, "tcp.dstport")
            ends = (innermost(frame, "ip.src", "ipv6.src"), int(a),
                    innermost(frame, "ip.dst", "ipv6.dst"), int(b))
            rtt.setdefault(ends, set()).add(float(frame["tcp.analysis.initial_rtt"][-1]))
    count["flows"] = len(streams)
    return count, rtt


def ours(path):
    lines, summary = compare.wirespan(path)
    c = summary["counters"]
    count = {x: c[x] for x in COUNTS if x in c}
    count.update(flows=c["flows_tcp"], bytes=c["seen_bytes"], lost=int(c["lost_bytes"] > 0))
    rtt = {}
    for line in lines:
        if "rtt" in line.get("tcp", {}):
            client, server = line["client"], line["server"]
            ends = client["address"], client["port"], server["address"], server["port"]
            rtt[ends] = line["tcp"]["rtt"]
    return count, rtt


def wrong_rtts(them, us):
    wrong = 0
    for ends, seconds in us.items():
        other = ends[2], ends[3], ends[0], ends[1]
        measured = them.get(ends, set()) | them.get(other, set())
        wrong += not any(abs(seconds - x) < 1.5e-6 for x in measured)
    return wrong


def main():
    directory, expected = sys.argv[1], compare.Expected(sys.argv[2])
    names, bad, rtts = set(), 0, 0
    for name, options in compare.captures(directory):
        path = os.path.join(directory, name)
        their_count, their_rtt = theirs(path, options)
        our_count, our_rtt = ours(path)
        found = compare.differences(their_count, our_count)
        wrong = wrong_rtts(their_rtt, our_rtt)
        if wrong:
            found["rtt"] = (0, wrong)
        rtts += len(our_rtt)
        names.add(name)
        left = expected.unexplained(name, found)
        if left:
            bad += 1
            print(f"{name} {','.join(left)}")
    for name, what in expected.stale(names):
        bad += 1
        print(f"{name} {what} is expected and not there any more")
    print(f"{len(names)} captures compared ({rtts} handshakes), {bad} unexplained differences "
          "(capture, what:theirs:ours)")
    sys.exit(bad > 0)


main()
