#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wirespan stat against wirespan log, on captures.

stat.py PROGRAM CAPTURE...: the reports are the same bytes for any number of workers; every line is as the
schema says; the numbers of all are those that the lines of log give; the intervals add up to all.
"""

import json
import math
import subprocess
import sys

WORKERS = (1, 2, 3, 4, 8)
INTERVALS = ("10ms", "50ms", "1s")
passed = failed = 0


def check(good, what):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print("FAIL: " + what)


def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()


# --- the schema: what of JSON Schema it uses, and nothing may be undescribed ---

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}


def errors(value, rule, schema, at):
    if "$ref" in rule:
        rule = dict(schema["$defs"][rule["$ref"].rsplit("/", 1)[1]], **rule)
    kind = rule.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or isinstance(value, bool) != (kind == "boolean")):
        return [f"{at}: {value!r} is no {kind}"]
    found = []
    if "enum" in rule and value not in rule["enum"] or "const" in rule and value != rule["const"]:
        found.append(f"{at}: {value!r}")
    if "minimum" in rule and value < rule["minimum"]:
        found.append(f"{at}: {value!r} is too small")
    if kind == "array":
        for i, item in enumerate(value):
            found += errors(item, rule["items"], schema, f"{at}[{i}]")
    if kind == "object":
        found += [f"{at}: {key} is missing" for key in rule.get("required", []) if key not in value]
        for key, others in rule.get("dependentRequired", {}).items():
            if key in value:
                found += [f"{at}: {other} is missing" for other in others if other not in value]
        for key, item in value.items():
            if key in rule.get("properties", {}):
                found += errors(item, rule["properties"][key], schema, f"{at}.{key}")
            else:
                found.append(f"{at}.{key} is not described")
    return found


# --- the same from the lines ---

# The field that each decoder marks as its operation.
OPERATIONS = {"dns": "type", "http": "method", "redis": "command"}


def operations_of(lines):
    ops = {}
    for line in lines:
        request, response = line.get("request", {}), line.get("response", {})
        field = OPERATIONS.get(line["protocol"])
        name = request.get(field, response.get(field))
        op = ops.setdefault((line["protocol"], name), {"times": []})
        op[line["status"]] = op.get(line["status"], 0) + 1
        op["request_bytes"] = op.get("request_bytes", 0) + request.get("bytes", 0)
        op["response_bytes"] = op.get("response_bytes", 0) + response.get("bytes", 0)
        if "duration" in line:
            op["times"].append(line["duration"])
    return ops


def near(got, wanted):
    return abs(got - wanted) <= wanted / 128 + 1e-9


def check_operation(name, row, wanted):
    for key in ("ok", "error", "unanswered", "orphan", "oneway", "request_bytes", "response_bytes"):
        check(row[key] == wanted.get(key, 0), f"{name}: {key} is {row[key]}, not {wanted.get(key, 0)}")
    times, got = sorted(wanted["times"]), row["duration"]
    check(got["count"] == len(times), f"{name}: {got['count']} times of {len(times)}")
    if not times or got["count"] != len(times):
        return
    for key, share in (("p50", 500), ("p90", 900), ("p99", 990)):
        exact = times[max(math.ceil(len(times) * share / 1000), 1) - 1]
        check(near(got[key], exact), f"{name}: {key} is {got[key]}, not {exact}")
    check(got["max"] == times[-1], f"{name}: max is {got['max']}, not {times[-1]}")


def check_whole(name, whole, lines):
    wanted = operations_of(lines)
    rows = {(row["protocol"], row.get("operation")): row for row in whole["operations"]}
    check(rows.keys() == wanted.keys(), f"{name}: operations are {rows.keys()}, not {wanted.keys()}")
    for key in rows.keys() & wanted.keys():
        check_operation(f"{name} {key}", rows[key], wanted[key])
    for side, role in (("client", "asked"), ("server", "answered")):
        hosts = {}
        for line in lines:
            address = line[side]["address"]
            hosts[address] = hosts.get(address, 0) + 1
        got = {h["address"]: h[role] for h in whole["talkers"]["by_round_trips"] if h[role]}
        check(got == hosts, f"{name}: {role} is {got}, not {hosts}")


# --- the intervals ---

def add(total, part):
    """Adds up all integers of a report; what cannot be added is left out."""
    if "by_bytes" in part:  # a host without round trips is in one of the two lists only
        hosts = {h["address"]: h for h in part["by_bytes"] + part["by_round_trips"]}
        part = {"all": list(hosts.values())}
    for key, value in part.items():
        if key in ("remarks", "failure", "seconds", "hosts", "exact") or key.startswith("p") and key[1:].isdigit():
            continue
        if isinstance(value, dict):
            add(total.setdefault(key, {}), value)
        elif isinstance(value, list):
            rows = total.setdefault(key, {})
            for row in value:
                name = row.get("address") or (row["protocol"], row.get("operation"))
                add(rows.setdefault(name, {}), row)
        elif key == "max":
            total[key] = max(total.get(key, 0), value)
        elif isinstance(value, int) and not isinstance(value, bool):
            total[key] = total.get(key, 0) + value
    return total


def check_intervals(name, reports):
    kinds = [r["report"] for r in reports]
    check(kinds == ["interval"] * (len(reports) - 1) + ["all"], f"{name}: the kinds are {kinds}")
    total = {}
    for report in reports[:-1]:
        check(report["packets"] > 0, f"{name}: an interval without packets")
        add(total, report)
    whole = add({}, reports[-1])
    check(total == whole, f"{name}: the intervals do not add up:\n{total}\n{whole}")
    ends = [(r["begin"], r["end"]) for r in reports[:-1]]
    check(ends == sorted(ends) and all(a[1] <= b[0] for a, b in zip(ends, ends[1:])),
          f"{name}: the intervals are not in order")


def check_capture(program, capture, schema):
    name = capture.rsplit("/", 1)[-1]
    stat = (program, "stat", "-r", capture, "--top", "1000")
    for interval in INTERVALS:
        for form in ("json", "text"):
            same = {run(*stat, "--interval", interval, "--format", form, "--workers", str(w)) for w in WORKERS}
            check(len(same) == 1, f"{name}: {form} with {interval} depends on the number of workers")
        reports = [json.loads(line) for line in run(*stat, "--interval", interval).splitlines()]
        for report in reports:
            wrong = errors(report, schema, schema, "")
            check(not wrong, f"{name}: {wrong}")
        check_intervals(f"{name} {interval}", reports)
    whole = json.loads(run(*stat, "--format", "json"))
    check(whole == reports[-1], f"{name}: without intervals it is something else")
    lines = [json.loads(line) for line in run(program, "log", "-r", capture, "--format", "json").splitlines()]
    check_whole(name, whole, lines)
    bytes_only = json.loads(run(*stat, "--only", "none"))
    check(bytes_only["operations"] == [] and bytes_only["packets"] == whole["packets"] and
          [(h["address"], h["sent_bytes"]) for h in bytes_only["talkers"]["by_bytes"]] ==
          [(h["address"], h["sent_bytes"]) for h in whole["talkers"]["by_bytes"]],
          f"{name}: --only none counts something else")


def main():
    program = sys.argv[1]
    schema = json.loads(run(program, "stat", "--schema"))
    for capture in sys.argv[2:]:
        check_capture(program, capture, schema)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed > 0


sys.exit(main())
