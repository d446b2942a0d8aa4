# SPDX-License-Identifier: Apache-2.0
"""What the comparisons with TShark share: runs both programs, and reads the lists of differences."""
import json
import os
import shlex
import subprocess
import sys


def captures(directory):
    """Name and decode-as options of every capture that the index names, else of every file."""
    index = os.path.join(directory, "INDEX.tsv")
    if os.path.exists(index):
        with open(index, encoding="utf-8") as f:
            for line in list(f)[1:]:
                column = line.rstrip("\n").split("\t")
                yield column[0], shlex.split(column[5])
        return
    for folder, _, names in sorted(os.walk(directory)):
        for name in sorted(names):
            if name.endswith((".pcap", ".pcapng", ".cap")):
                yield os.path.relpath(os.path.join(folder, name), directory), []


def tshark(path, fields, options=(), wanted=""):
    """One dict per frame: field -> list of its values, those of tunnels first."""
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=/t",
               "-E", "occurrence=a", "-E", "aggregator=|", *options]
    if wanted:
        command += ["-Y", wanted]
    for field in fields:
        command += ["-e", field]
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    for line in out.stdout.decode("utf-8", "replace").split("\n"):
        if line:
            values = line.split("\t")
            yield {f: v.split("|") if v else [] for f, v in zip(fields, values)}


def wirespan(path, *options):
    """The lines and the summary; a file with a damaged end has both."""
    command = [os.environ.get("WIRESPAN", "./wirespan"), "log", "-r", path, "--format", "json",
               "--summary", "json", *options]
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    lines = [json.loads(line) for line in out.stdout.splitlines()]
    for line in reversed(out.stderr.decode("utf-8", "replace").splitlines()):
        if line.startswith("{"):
            return lines, json.loads(line)
    sys.exit(f"FAIL: {path}: no summary: {out.stderr.decode('utf-8', 'replace')}")


class Expected:
    """Lines of: capture, differences as name:theirs:ours joined by commas, reason."""

    def __init__(self, path):
        self.known, self.met = {}, set()
        with open(path, encoding="utf-8") as f:
            for line in f:
                if line.strip() and not line.startswith("#"):
                    name, differences, _ = line.split(None, 2)
                    for difference in differences.split(","):
                        self.known[(name, difference)] = line

    def unexplained(self, name, differences):
        """Those of {what: (theirs, ours)} that no line explains."""
        left = []
        for what, (theirs, ours) in sorted(differences.items()):
            key = (name, f"{what}:{theirs}:{ours}")
            self.met.add(key)
            if key not in self.known:
                left.append(key[1])
        return left

    def stale(self, names):
        return sorted(key for key in self.known if key[0] in names and key not in self.met)


def differences(theirs, ours):
    keys = set(theirs) | set(ours)
    return {k: (theirs.get(k, 0), ours.get(k, 0)) for k in keys if theirs.get(k, 0) != ours.get(k, 0)}
