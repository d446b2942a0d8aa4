# SPDX-License-Identifier: Apache-2.0
"""
Checks the accounting equations on captures and on damaged copies of them (see accounting.sh). Arguments:
directories of captures.

The damage is the same at every run: bytes of packets changed, packets removed, repeated and swapped, and the
end cut off. With one worker and with three the same lines must come out.
"""
import json
import os
import random
import subprocess
import sys
import tempfile

MAGIC = {b"\xd4\xc3\xb2\xa1": "little", b"\x4d\x3c\xb2\xa1": "little",
         b"\xa1\xb2\xc3\xd4": "big", b"\xa1\xb2\x3c\x4d": "big"}
HEADER, RECORD = 24, 16


def records(data, order):
    """The packets of a pcap file, with their headers."""
    at, found = HEADER, []
    while at + RECORD <= len(data):
        size = RECORD + int.from_bytes(data[at + 8:at + 12], order)
        found.append(bytearray(data[at:at + size]))
        at += size
    return found


def flip(chance, data, start):
    for _ in range(max(1, len(data) // 400)):
        if len(data) > start:
            data[chance.randrange(start, len(data))] ^= 1 << chance.randrange(8)


def change(chance, data):
    order = MAGIC.get(bytes(data[:4]))
    if not order:
        flip(chance, data, HEADER)
        return data
    packets = records(data, order)
    for packet in packets:
        if chance.randrange(4) == 0:
            flip(chance, packet, RECORD)
    return data[:HEADER] + b"".join(packets)


def rearrange(chance, data):
    order = MAGIC.get(bytes(data[:4]))
    if not order:
        flip(chance, data, HEADER)
        return data
    packets = []
    for packet in records(data, order):
        fate = chance.randrange(20)
        if fate > 0:
            packets.append(packet)
        if fate == 1:
            packets.append(packet)
        if fate == 2 and len(packets) > 1:
            packets[-2:] = packets[:-3:-1]
    return data[:HEADER] + b"".join(packets)


def truncate(chance, data):
    return change(chance, data[:chance.randrange(HEADER, len(data) + 1)])


def run(path, workers):
    command = [os.environ.get("WIRESPAN", "./wirespan"), "log", "-r", path, "--format", "json",
               "--summary", "json", "--workers", str(workers)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


def complaint(path):
    """What is wrong with the run on a file; empty: nothing."""
    out, other = run(path, 1), run(path, 3)
    if out.returncode not in (0, 1):
        return f"exit status {out.returncode}: {out.stderr[-2000:].decode('utf-8', 'replace')}"
    last = [line for line in out.stderr.splitlines() if line.startswith(b"{")]
    if not last:
        return "" if out.returncode else "no summary"
    summary = json.loads(last[-1])
    if summary["equations_broken"]:
        verbose = subprocess.run([os.environ.get("WIRESPAN", "./wirespan"), "log", "-r", path,
                                  "--format", "none", "-v"], stderr=subprocess.PIPE, check=False)
        return "\n".join(line for line in verbose.stderr.decode("utf-8", "replace").splitlines()
                         if "DOES NOT HOLD" in line)
    if out.stdout != other.stdout:
        return "other lines with three workers"
    return ""


def captures(directories):
    for directory in directories:
        for folder, _, names in sorted(os.walk(directory)):
            for name in sorted(names):
                if name.endswith((".pcap", ".pcapng", ".cap")):
                    yield os.path.join(folder, name)


def main():
    runs = bad = 0
    with tempfile.TemporaryDirectory() as work:
        for path in captures(sys.argv[1:]):
            with open(path, "rb") as f:
                original = f.read()
            for damage in (None, change, rearrange, truncate):
                copy, how = path, "as it is"
                if damage:
                    how = damage.__name__
                    chance = random.Random(os.path.basename(path) + how)
                    copy = os.path.join(os.environ.get("KEEP", work), how + os.path.basename(path))
                    with open(copy, "wb") as f:
                        f.write(damage(chance, bytearray(original)))
                runs += 1
                wrong = complaint(copy)
                if wrong:
                    bad += 1
                    print(f"FAIL: {path}, {how}: {wrong}")
                if damage and not wrong:
                    os.remove(copy)
    print(f"{runs - bad} passed, {bad} failed, 0 skipped")
    sys.exit(bad > 0 or runs == 0)


main()
