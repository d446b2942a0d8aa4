#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Live capture of real servers under load generators that count: as many round trips as the client says, and, field by
field, what the server itself wrote down. The namespaces and the capture are those of live.py.
"""
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import live
from live import CLIENT, FAR, NEAR, SERVER, Capture, Skip, expect, inside

WORK = tempfile.mkdtemp(prefix="wirespan-live-")
# With a sanitizer the program is slow: fewer packets, so that the ring has room for all of them.
SLOW = subprocess.run("ldd \"$WIRESPAN\" | grep -qE 'lib[at]san'", shell=True, check=False).returncode == 0


def many(count):
    return count // 10 if SLOW else count



def needs(*programs):
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [program for program in programs if not shutil.which(program, path=path)]
    if missing:
        raise Skip(f"not installed: {', '.join(missing)}")


def write(name, text):
    path = os.path.join(WORK, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def run(namespace, *words):
    done = subprocess.run(inside(namespace, *words), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words[0]}: {done.stdout[-300:]}{done.stderr[-300:]}"
    return done.stdout.replace("\r", "\n")


class Server:
    """A process in the server's namespace, ready when `asked` (words of a command there) succeeds."""

    def __init__(self, words, asked):
        log = open(os.path.join(WORK, f"{words[0]}.log"), "w", encoding="utf-8")
        self.process = subprocess.Popen(inside(FAR, *words), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(100):
            if subprocess.run(inside(FAR, *asked), capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"{words[0]} does not come up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=10)


def trips(capture):
    return [line for line in capture.lines if line["status"] in ("ok", "error")]


# --- HTTP ---


def nginx():
    needs("nginx")
    for size, name in ((6, "small"), (20000, "large")):
        write(name, "x" * size)
    os.chmod(WORK, 0o755)
    temporary = "".join(f"{kind}_temp_path {WORK}/t;"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = write("nginx.conf", f"""pid {WORK}/pid; daemon off; worker_processes 1;
events {{ worker_connections 512; }}
http {{ {temporary} keepalive_requests 1000000;
log_format fields '$remote_port $request_method $uri $status $body_bytes_sent';
access_log {WORK}/access.log fields;
server {{ listen {SERVER}:8080; listen 127.0.0.1:8080; root {WORK}; location /fails {{ return 503; }}
          location /ready {{ access_log off; return 204; }} }} }}
""")
    write("access.log", "")
    return Server(("nginx", "-c", config, "-e", os.path.join(WORK, "error.log")),
                  ("curl", "-sf", "http://127.0.0.1:8080/ready"))


def same_as_access_log(capture):
    wanted = collections.Counter()
    with open(os.path.join(WORK, "access.log"), encoding="utf-8") as f:
        for line in f:
            wanted[tuple(line.split())] += 1
    got = collections.Counter()
    for line in trips(capture):
        request, response = line["request"], line["response"]
        assert line["status"] == ("error" if response["status_code"] >= 400 else "ok"), line
        got[str(line["client"]["port"]), request["method"], request["path"], str(response["status_code"]),
            str(response["body_bytes"] if request["method"] != "HEAD" else 0)] += 1
    more, less = got - wanted, wanted - got
    assert not more and not less, f"only here: {list(more)[:3]}, only in the server's log: {list(less)[:3]}"


def http_like_the_access_log():
    needs("ab", "curl")
    with nginx():
        capture = Capture("-i", "vb")
        count = 0
        for n, options in ((many(30000), ("-k", "-c", "32", "/small")), (2000, ("-c", "16", "/small")),
                           (2000, ("-k", "-c", "8", "/large")), (500, ("-k", "-c", "4", "/missing")),
                           (500, ("-k", "-c", "4", "/fails")), (200, ("-k", "-i", "-c", "2", "/large"))):
            *options, path = options
            said = run(NEAR, "ab", "-q", "-n", str(n), *options, f"http://{SERVER}:8080{path}")
            count += int(re.search(r"Complete requests:\s+(\d+)", said).group(1))
        capture.end()
        expect("round trips", len(trips(capture)), count)
        expect("lines", len(capture.lines), count)
        same_as_access_log(capture)


def http_with_pipelining():
    needs("h2load", "curl")
    with nginx():
        capture = Capture("-i", "vb")
        said = run(NEAR, "h2load", "--h1", "-n", str(many(20000)), "-c", "16", "-m", "8", f"http://{SERVER}:8080/small")
        capture.end()
        expect("succeeded", re.search(r"(\d+) succeeded", said).group(1), str(many(20000)))
        expect("round trips", len(trips(capture)), many(20000))
        same_as_access_log(capture)


def http_over_a_network_that_loses():
    needs("ab", "curl", "nft")
    run(FAR, "nft", "add table inet lossy; add chain inet lossy in { type filter hook input priority 0; };"
        "add chain inet lossy out { type filter hook output priority 0; };"
        "add rule inet lossy in iifname vb numgen random mod 100 == 0 drop;"
        "add rule inet lossy out oifname vb numgen random mod 100 == 0 drop")
    try:
        with nginx():
            capture = Capture("-i", "vb")
            said = run(NEAR, "ab", "-q", "-k", "-n", "3000", "-c", "64", f"http://{SERVER}:8080/large")
            capture.end()
            expect("complete", re.search(r"Complete requests:\s+(\d+)", said).group(1), "3000")
            same_as_access_log(capture)
            whole = sum("partial" not in line for line in trips(capture))
            expect("round trips of which all is known", whole, len(capture.lines))
            assert capture.summary["counters"]["retransmits"] > 0, "nothing was lost"
    finally:
        run(FAR, "nft", "delete table inet lossy")


# --- Redis ---


def redis():
    needs("redis-server", "redis-cli")
    return Server(("redis-server", "--port", "6379", "--bind", SERVER, "127.0.0.1", "--save", "", "--protected-mode",
                   "no", "--dir", WORK), ("sh", "-c", "redis-cli ping | grep PONG"))


def redis_like_its_own_count():
    needs("redis-benchmark")
    with redis():
        capture = Capture("-i", "vb")
        for options in (("-P", "1", "-c", "32"), ("-P", "16", "-c", "16"), ("-P", "64", "-c", "4", "-3")):
            run(NEAR, "redis-benchmark", "-h", SERVER, "-q", "-t", "set,get,lpush,incr", "-r", "1000", "-n", str(many(10000)),
                *options)
        capture.end()
        calls = dict(re.findall(r"cmdstat_([^:]*):calls=(\d+)", run(FAR, "redis-cli", "info", "commandstats")))
        wanted = {name.upper().replace("|", " "): int(n) for name, n in calls.items()}
        wanted["PING"] = wanted.get("PING", 0) - 1  # the one that asked whether it is up
        got = collections.Counter(line["request"]["command"] for line in trips(capture))
        for name in ("SET", "GET", "LPUSH", "INCR"):  # the last batches may be larger than what is left
            assert 0 <= got[name] - 3 * many(10000) < 100, f"{got[name]} times {name}"
        expect("commands", dict(got), {name: n for name, n in wanted.items() if n and name != "INFO"})
        expect("lines", len(capture.lines), sum(got.values()))


# What MONITOR says until somebody says the word.
MONITOR = """import socket, sys
s = socket.create_connection(("127.0.0.1", 6379))
s.sendall(b"MONITOR\\r\\n")
for line in s.makefile():
    print(line, end="")
    if "that is all" in line:
        break
"""


def redis_like_monitor():
    needs("redis-benchmark")
    with redis():
        monitor = subprocess.Popen(inside(FAR, sys.executable, "-c", MONITOR), stdout=subprocess.PIPE, text=True)
        time.sleep(live.SETTLE_S)
        capture = Capture("-i", "vb")
        run(NEAR, "redis-benchmark", "-h", SERVER, "-q", "-t", "set,get,sadd,hset,mset", "-r", "50", "-n", "1000",
            "-P", "4", "-c", "5")
        capture.end()
        run(FAR, "redis-cli", "echo", "that is all")
        said = monitor.communicate(timeout=20)[0]
        wanted = collections.Counter()
        for port, words in re.findall(rf"\[0 {re.escape(CLIENT)}:(\d+)\] (.*)", said):
            words = re.findall(r'"([^"]*)"', words)
            wanted[int(port), words[0], words[1] if words[0] != "PING" else None] += 1
        got = collections.Counter((line["client"]["port"], line["request"]["command"], line["request"].get("key"))
                                  for line in trips(capture)
                                  if line["request"]["command"] != "CONFIG GET")  # not for the monitor
        assert wanted, "the monitor said nothing"
        more, less = got - wanted, wanted - got
        assert not more and not less, f"only here: {list(more)[:3]}, only in the monitor: {list(less)[:3]}"


# --- DNS ---


def named():
    needs("named", "dig")
    names = "".join(f"h{i} A 127.1.0.{i}\n" for i in range(1, 201))
    write("t.zone", f"$TTL 60\n@ SOA ns a 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\n{names}")
    config = write("named.conf", f"""options {{ directory "{WORK}"; listen-on port 53 {{ {SERVER}; 127.0.0.1; }};
listen-on-v6 {{ none; }}; pid-file "{WORK}/named.pid"; session-keyfile "{WORK}/key"; recursion no; allow-query {{ any; }};
allow-transfer {{ any; }}; dnssec-validation no; managed-keys-directory "{WORK}"; empty-zones-enable no; }};
controls {{ }}; zone "t.test" {{ type master; file "{WORK}/t.zone"; }};
""")
    return Server(("named", "-g", "-c", config), ("dig", "+short", "+time=1", "+tries=1", "@127.0.0.1", "h1.t.test"))


def dns_like_its_client():
    needs("dnsperf")
    queries = write("queries", "".join(f"h{i}.t.test A\n" for i in range(1, 201)) + "nope.t.test AAAA\n")
    with named():
        # The first load after its start may find no room in the socket.
        run(NEAR, "dnsperf", "-q", "10", "-s", SERVER, "-d", queries, "-n", "2")
        for options in (("-q", "50", "-c", "8", "-n", str(many(100))), ("-m", "tcp", "-q", "20", "-c", "4", "-n", "20")):
            capture = Capture("-i", "vb")
            said = run(NEAR, "dnsperf", "-s", SERVER, "-d", queries, *options)
            capture.end()
            completed = int(re.search(r"Queries completed:\s+(\d+)", said).group(1))
            codes = {name: int(n) for name, n in re.findall(r"(NOERROR|NXDOMAIN) (\d+)", said)}
            expect("round trips", len(trips(capture)), completed)
            got = collections.Counter(line["response"]["rcode"] for line in trips(capture))
            expect("codes", dict(got), codes)
            for line in trips(capture):
                expect("status", line["status"], "ok" if line["response"]["rcode"] == "NOERROR" else "error")
                expect("name", line["request"]["name"], line["response"]["name"])


def dns_zone_transfer():
    needs("dig")
    with named():
        capture = Capture("-i", "vb")
        said = run(NEAR, "dig", f"@{SERVER}", "t.test", "AXFR")
        capture.end()
        records = int(re.search(r"XFR size: (\d+) records", said).group(1))
        expect("transfers", [(line["request"]["type"], line["status"]) for line in capture.lines], [("AXFR", "ok")])
        expect("records", capture.lines[0]["response"]["answer_count"], records)


live.CHECKS = (http_like_the_access_log, http_with_pipelining, http_over_a_network_that_loses, redis_like_its_own_count,
               redis_like_monitor, dns_like_its_client, dns_zone_transfer)

if __name__ == "__main__":
    try:
        status = live.main()
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
    sys.exit(status)
