#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Live capture: two network namespaces, a veth pair between them, HTTP over it, and wirespan listening.

Every check is a function below; the last line is "N passed, N failed, N skipped".
"""
import calendar
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = os.environ["WIRESPAN"]
SOURCE = os.environ["srcdir"]
NEAR, FAR = f"ws{os.getpid()}a", f"ws{os.getpid()}b"  # client and server
INNER = f"ws{os.getpid()}c"  # behind the server's
CLIENT, SERVER = "10.99.0.1", "10.99.0.2"
HERE = os.path.dirname(os.path.abspath(__file__))
SETTLE_S = 0.5  # until a capture listens
LINGER_S = 0.3  # until what was sent is captured


class Skip(Exception):
    pass


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True)


def inside(namespace, *words):
    return ["ip", "netns", "exec", namespace, *words]


class Capture:
    """wirespan in the server's namespace, from begin to Ctrl-C."""

    command = ("log", "--summary", "json")

    def __init__(self, *options, stdout=None, namespace=FAR, **more):
        self.out = tempfile.TemporaryFile("w+")
        self.err = tempfile.TemporaryFile("w+")
        # A large ring: a build with a sanitizer is slow, and this is not about speed.
        words = [PROGRAM, *self.command, "--format", "json", "--ring", "64M", *options]
        self.process = subprocess.Popen(inside(namespace, *words), stdout=stdout or self.out,
                                        stderr=self.err, **more)
        time.sleep(SETTLE_S)

    def stop(self):
        time.sleep(LINGER_S)
        self.process.send_signal(signal.SIGINT)
        self.status = self.process.wait(timeout=20)
        self.out.seek(0)
        self.err.seek(0)
        self.said = self.err.read()
        self.lines = [json.loads(line) for line in self.out]

    def end(self):
        self.stop()
        summaries = [line for line in self.said.splitlines() if line.startswith("{")]
        assert summaries, f"no summary: {self.said}"
        self.summary = json.loads(summaries[-1])
        counters = self.summary["counters"]
        assert self.status == 0, f"exit status {self.status}: {self.said}"
        assert self.summary["equations_broken"] == 0, "the counters do not add up"
        assert counters["kernel_drops"] == 0, f"{counters['kernel_drops']} packets dropped"
        return self

    def count(self, status="ok"):
        return sum(line["status"] == status for line in self.lines)


class Numbers(Capture):
    """The same of wirespan stat; the last report is that of the whole."""

    command = ("stat",)

    def end(self):
        self.stop()
        assert self.status == 0, f"exit status {self.status}: {self.said}"
        *self.intervals, self.whole = self.lines
        expect("reports", {r["report"] for r in self.intervals} | {self.whole["report"]},
               {"interval", "all"} if self.intervals else {"all"})
        expect("drops", self.whole["losses"]["kernel_drops"], 0)
        return self

    @staticmethod
    def trips(report):
        return sum(operation["ok"] for operation in report["operations"])


def helper(namespace, *words):
    return subprocess.run(inside(namespace, sys.executable, f"{HERE}/http.py", *map(str, words)),
                          check=True, capture_output=True, text=True)


def requests(count, connections=8, server=SERVER, port=80, namespace=NEAR):
    helper(namespace, "client", server, port, count, connections)


def expect(what, got, wanted):
    assert got == wanted, f"{what}: {got}, wanted {wanted}"


# --- what is captured ---


def each_round_trip_once():
    for workers in (1, 2, 4):
        capture = Capture("-i", "vb", "--workers", str(workers))
        requests(2000, 32)
        capture.end()
        expect(f"round trips with {workers} workers", capture.count(), 2000)
        expect("lines", len(capture.lines), 2000)
        expect("workers", capture.summary["workers"], workers)
        expect("way of capturing", capture.summary["capture"], "afpacket")
        # The kernel and we agree on the owner of every packet.
        expect("handoffs", capture.summary["counters"]["handoffs"], 0)
        paths = sorted(line["request"]["path"] for line in capture.lines)
        expect("paths", paths, sorted(f"/{i}" for i in range(2000)))


def by_libpcap_too():
    for interface in ("vb", "any", "v*"):
        capture = Capture("-i", interface, "--capture", "pcap", "tcp port 80")
        requests(300)
        capture.end()
        expect(f"round trips on {interface}", capture.count(), 300)


def loopback_once():
    for interface in ("lo", "any"):
        capture = Capture("-i", interface)
        requests(200, server="127.0.0.1", namespace=FAR)
        capture.end()
        expect(f"round trips on {interface}", capture.count(), 200)
        expect("interface", {line["interface"] for line in capture.lines}, {"lo"})
        expect("copies", capture.summary["counters"]["packets_copy"], 0)


def chain_once():
    """veth, VXLAN, bridge and another veth, watched at all of them: every packet passes four times."""
    if ip("-n", FAR, "link", "add", "br9", "type", "bridge", check=False).returncode:
        raise Skip("no bridges in this kernel")
    for namespace, device, remote in ((NEAR, "va", SERVER), (FAR, "vb", CLIENT)):
        if ip("-n", namespace, "link", "add", "vx9", "type", "vxlan", "id", "9", "dev", device,
              "remote", remote, "dstport", "4789", check=False).returncode:
            raise Skip("no VXLAN in this kernel")
    ip("netns", "add", INNER)
    ip("link", "add", "we", "netns", FAR, "type", "veth", "peer", "name", "wi", "netns", INNER)
    for slave in ("vx9", "we"):
        ip("-n", FAR, "link", "set", slave, "master", "br9", "up")
    ip("-n", FAR, "link", "set", "br9", "up")
    for namespace, device, address in ((NEAR, "vx9", "10.96.0.1"), (INNER, "wi", "10.96.0.2")):
        ip("-n", namespace, "addr", "add", f"{address}/24", "dev", device)
        ip("-n", namespace, "link", "set", device, "up")
    server = serve(INNER)
    try:
        for workers in ("1", "2", "4"):
            capture = Capture("-i", "any", "--workers", workers)
            requests(500, 16, server="10.96.0.2")
            capture.end()
            expect(f"round trips with {workers} workers", capture.count(), 500)
            expect("lines", len(capture.lines), 500)
            counters = capture.summary["counters"]
            assert counters["packets_copy"] >= 500, counters["packets_copy"]
            expect("handoffs", counters["handoffs"], 0)
    finally:
        server.kill()
        for device in ("we", "vx9", "br9"):
            ip("-n", FAR, "link", "del", device)


def network_loses():
    """One packet in a hundred is lost between the namespaces: TCP sends it again, and all is complete."""
    rules = ("add table ip lossy; add chain ip lossy in1 { type filter hook input priority 0; };"
             "add rule ip lossy in1 numgen random mod 100 == 0 drop")
    if not shutil.which("nft"):
        raise Skip("no nft")
    for namespace in (NEAR, FAR):
        if subprocess.run(inside(namespace, "nft", rules), capture_output=True,
                          check=False).returncode:
            raise Skip("this kernel has no nftables with numgen")
    try:
        for workers in ("1", "2"):
            capture = Capture("-i", "vb", "--workers", workers)
            requests(1000, 32)
            capture.end()
            expect(f"round trips with {workers} workers", capture.count(), 1000)
            expect("lines", len(capture.lines), 1000)
            for line in capture.lines:
                expect("body", line["response"]["body_bytes"], len(line["request"]["path"]) + 6)
                expect("partial", line.get("partial"), None)
            assert capture.summary["counters"]["retransmits"] > 0, "nothing was lost"
    finally:
        for namespace in (NEAR, FAR):
            subprocess.run(inside(namespace, "nft", "delete table ip lossy"), check=True)


def filter_in_the_kernel():
    capture = Capture("-i", "any", "tcp port 81")
    requests(100)
    capture.end()
    expect("packets", capture.summary["packets"], 0)


def snaplen():
    capture = Capture("-i", "vb", "--snaplen", "100")
    requests(50)
    capture.end()
    assert capture.summary["counters"]["frames_cut"] > 0, "nothing was cut"


def fragments_are_handed_to_their_owner():
    capture = Capture("-i", "vb", "--workers", "4", "udp")
    helper(NEAR, "datagrams", SERVER, 9999, 64, 4000)
    capture.end()
    counters = capture.summary["counters"]
    expect("rebuilt", counters["fragments_reassembled"], 64)
    assert counters["handoffs"] > 0, "no fragment came to another worker"
    expect("handoffs dropped", counters["handoffs_dropped"], 0)


# --- interfaces that come and go ---


def add_pair(name, address):
    ip("link", "add", f"{name}n", "netns", NEAR, "type", "veth", "peer", "name", name, "netns", FAR)
    for namespace, interface, last in ((NEAR, f"{name}n", 1), (FAR, name, 2)):
        ip("-n", namespace, "addr", "add", f"{address}.{last}/24", "dev", interface)
        ip("-n", namespace, "link", "set", interface, "up")
    time.sleep(SETTLE_S)


def new_interface_joins():
    for pattern in ("w*", "any"):
        for workers in ("1", "2"):
            capture = Capture("-i", pattern, "--workers", workers, "tcp port 80")
            add_pair("wx", "10.98.0")
            requests(100, server="10.98.0.2")
            ip("-n", FAR, "link", "del", "wx")
            add_pair("wx", "10.98.0")
            requests(100, server="10.98.0.2")
            ip("-n", FAR, "link", "del", "wx")
            capture.end()
            expect(f"round trips on {pattern}", capture.count(), 200)
            expect("interface", {line["interface"] for line in capture.lines}, {"wx"})


def named_interface_comes_back():
    for workers in ("1", "2"):
        add_pair("wy", "10.97.0")
        capture = Capture("-i", "wy", "--workers", workers)
        requests(100, server="10.97.0.2")
        time.sleep(LINGER_S)
        ip("-n", FAR, "link", "del", "wy")
        add_pair("wy", "10.97.0")
        requests(100, server="10.97.0.2")
        capture.end()
        ip("-n", FAR, "link", "del", "wy")
        expect("round trips", capture.count(), 200)
        assert "wy is gone" in capture.said and "wy is back" in capture.said, capture.said


# --- replayed captures ---


def records_of(lines):
    """What a capture says, without what depends on when and where it was seen."""
    kept = []
    for line in lines:
        for key in ("time", "duration", "ttfb", "frames", "interface", "file"):
            line.pop(key, None)
        line.get("tcp", {}).pop("rtt", None)
        if not line.get("tcp", True):
            del line["tcp"]
        kept.append(json.dumps(line, sort_keys=True))
    return sorted(kept)


def from_file(path):
    run = subprocess.run([PROGRAM, "log", "-r", path, "--format", "json"], capture_output=True,
                         text=True, check=True)
    return records_of([json.loads(line) for line in run.stdout.splitlines()])


def replayed_is_like_the_file():
    for name in sorted(os.listdir(f"{SOURCE}/pcaps")):
        if not name.endswith(".pcap") or "snaplen" in name:  # what was cut cannot be sent
            continue
        path = f"{SOURCE}/pcaps/{name}"
        for workers in ("1", "4"):
            capture = Capture("-i", "vb", "--workers", workers, "--promiscuous")
            helper(NEAR, "replay", path, "va")
            capture.end()
            got, wanted = records_of(capture.lines), from_file(path)
            for line in set(got) ^ set(wanted):
                print("   ", "only live:" if line in got else "only in the file:", line)
            expect(f"records of {name} with {workers} workers", got == wanted, True)


def tags():
    capture = Capture("-i", "vb", "--promiscuous")
    helper(NEAR, "replay", f"{SOURCE}/pcaps/http-keepalive.pcap", "va", "55")
    capture.end()
    assert capture.lines, "nothing was captured"
    for line in capture.lines:
        expect("tunnel", line.get("tunnel"), [{"type": "vlan", "id": 55}])
    capture = Capture("-i", "vb", "--promiscuous", "vlan 55 and tcp port 80")
    helper(NEAR, "replay", f"{SOURCE}/pcaps/http-keepalive.pcap", "va", "55")
    capture.end()
    assert capture.lines, "nothing matched a filter for tags"


# --- the user's side ---


def no_permission():
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        program = shutil.copy(PROGRAM, f"{directory}/wirespan")

        def nobody():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

        run = subprocess.run([program, "log", "-i", "lo"], capture_output=True, text=True,
                             preexec_fn=nobody)
        ifaces = subprocess.run([program, "ifaces", "--format", "json"], capture_output=True,
                                text=True, preexec_fn=nobody)
    expect("exit status", run.returncode, 1)
    expect("lines", len(run.stderr.splitlines()), 1)
    assert "CAP_NET_RAW" in run.stderr and "setcap" in run.stderr, run.stderr
    for interface in json.loads(ifaces.stdout)["interfaces"]:
        for mode in interface["capture"].values():
            expect("works", mode["works"], False)
            assert "CAP_NET_RAW" in mode["reason"], mode


def ifaces():
    run = subprocess.run(inside(FAR, PROGRAM, "ifaces", "--format", "json"), capture_output=True,
                         text=True, check=True)
    seen = {i["name"]: i for i in json.loads(run.stdout)["interfaces"]}
    expect("names", set(seen), {"lo", "vb"})
    assert f"{SERVER}/24" in seen["vb"]["addresses"], seen
    expect("driver", seen["vb"].get("driver"), "veth")
    expect("state", seen["vb"]["state"], "up")
    for mode in seen["vb"]["capture"].values():
        expect("works", mode["works"], True)


def wrong_words():
    for words, text in ((["-i", "nosuch0"], "there is no interface nosuch0"),
                        (["-i", "lo", "-r", "x"], "do not go together"),
                        (["-i", "lo", "--ring", "1"], "--ring takes a size"),
                        (["-i", "lo", "tcp prt 1"], "bad filter")):
        run = subprocess.run([PROGRAM, "log", *words], capture_output=True, text=True)
        assert run.returncode in (1, 2) and text in run.stderr, (words, run.stderr)
        expect(f"lines of {words}", len(run.stderr.splitlines()), 1)


def capabilities_are_gone():
    capture = Capture("-i", "any", "--workers", "2")
    sets = []
    for task in os.listdir(f"/proc/{capture.process.pid}/task"):
        with open(f"/proc/{capture.process.pid}/task/{task}/status", encoding="ascii") as status:
            sets += [line.split()[1] for line in status if line.startswith(("CapEff", "CapPrm"))]
    capture.end()
    version = subprocess.run(["grep", "-q", "capng_apply", PROGRAM], check=False)
    if version.returncode:
        raise Skip("built without libcap-ng")
    assert len(sets) >= 8, sets
    expect("capabilities", {int(s, 16) for s in sets}, {0})


def count_stops():
    capture = Capture("-i", "vb", "--count", "7")
    requests(100)
    expect("exit status", capture.process.wait(timeout=10), 0)
    capture.out.seek(0)
    expect("lines", len(capture.out.readlines()), 7)


def reader_goes_away():
    read, write = os.pipe()
    capture = Capture("-i", "vb", stdout=write)
    os.close(write)
    os.close(read)
    requests(100)
    expect("exit status", capture.process.wait(timeout=10), 0)
    capture.err.seek(0)
    expect("said", capture.err.read(), "")


def stuck():
    capture = Capture("-i", "vb", "--stuck", "500ms")
    helper(NEAR, "client", SERVER, 80, 1, 1, "/slow")
    capture.end()
    expect("statuses", [line["status"] for line in capture.lines], ["open", "ok"])
    assert "response" not in capture.lines[0] and "duration" not in capture.lines[0]
    assert capture.lines[1]["duration"] > 1


def numbers_of_each_second():
    for workers in ("1", "2", "4"):
        numbers = Numbers("-i", "vb", "--interval", "1s", "--workers", workers)
        requests(500, 16)
        time.sleep(2)  # nobody speaks: these seconds are reported, too
        requests(1, 1)  # which one worker alone sees
        time.sleep(1)
        numbers.end()
        expect("seconds", {r["seconds"] for r in numbers.intervals}, {1})
        begins = [r["begin"] for r in numbers.intervals]
        seconds = [int(begin[17:19]) for begin in begins]
        expect("no second is missing", [(s - seconds[0]) % 60 for s in seconds],
               list(range(len(seconds))))
        assert len(begins) >= 4, begins
        assert any(r["packets"] == 0 for r in numbers.intervals), "no quiet second"
        expect("round trips", numbers.trips(numbers.whole), 501)
        expect("those of all seconds", sum(map(numbers.trips, numbers.intervals)), 501)
        for key in ("packets", "bytes", "flows"):
            expect(key, sum(r[key] for r in numbers.intervals), numbers.whole[key])


def numbers_come_in_time():
    read, write = os.pipe()
    numbers = Numbers("-i", "vb", "--interval", "500ms", "--workers", "2", stdout=write)
    os.close(write)
    late = []
    with os.fdopen(read) as reports:
        for _ in range(4):  # quiet ones
            end = json.loads(reports.readline())["end"]
            at = calendar.timegm(time.strptime(end[:19], "%Y-%m-%dT%H:%M:%S")) + float(end[19:-1])
            late.append(time.time() - at)
        numbers.process.send_signal(signal.SIGINT)
        rest = [json.loads(line) for line in reports]
    expect("exit status", numbers.process.wait(timeout=10), 0)
    expect("last report", rest[-1]["report"], "all")
    assert min(late) > 0 and min(late) < 0.4, late


def numbers_blocked():
    """Nobody reads for seconds: intervals grow together, and nothing is missing."""
    read, write = os.pipe()
    numbers = Numbers("-i", "vb", "--interval", "10ms", stdout=write)
    os.close(write)
    requests(5000, 32)
    time.sleep(3)
    with os.fdopen(read) as reports:
        time.sleep(LINGER_S)
        numbers.process.send_signal(signal.SIGINT)
        *intervals, whole = [json.loads(line) for line in reports]
    expect("exit status", numbers.process.wait(timeout=10), 0)
    expect("round trips", numbers.trips(whole), 5000)
    expect("those of the intervals", sum(map(numbers.trips, intervals)), 5000)
    assert any(r["code"] == "intervals_joined" for r in whole["remarks"]), whole["remarks"]


def numbers_without_interval():
    numbers = Numbers("-i", "lo", "--workers", "2")
    requests(100, server="127.0.0.1", namespace=FAR)
    numbers.end()
    expect("intervals", numbers.intervals, [])
    expect("round trips", numbers.trips(numbers.whole), 100)


def blocked_for_long():
    """More than the queue of a worker holds is waiting when it is to end."""
    read, write = os.pipe()
    capture = Capture("-i", "vb", stdout=write)
    os.close(write)
    requests(20000, 1)  # one after the other: in many blocks of the ring
    capture.end()
    with os.fdopen(read, "rb") as rest:
        lines = rest.read().count(b"\n")
    expect("lines and lost ones", lines + capture.summary["lines_blocked"], 20000)


def output_blocked_then_read():
    read, write = os.pipe()
    capture = Capture("-i", "vb", stdout=write)
    os.close(write)
    requests(20000, 32)
    time.sleep(1)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(os.fdopen(read)))
    reader.start()
    time.sleep(1)
    capture.end()
    reader.join()
    expect("lines", len(lines), 20000)
    expect("lines lost", capture.summary["lines_blocked"], 0)


def output_blocked_to_the_end():
    read, write = os.pipe()
    capture = Capture("-i", "vb", stdout=write)
    os.close(write)
    requests(5000, 32)
    capture.end()
    with os.fdopen(read, "rb") as rest:
        lines = rest.read().count(b"\n")
    summary = capture.summary
    expect("lines", lines, summary["lines"])
    expect("lines and lost ones", lines + summary["lines_blocked"], 5000)
    expect("round trips", summary["round_trips"]["http"]["ok"], 5000)
    assert summary["lines_blocked"] > 0


CHECKS = (each_round_trip_once, by_libpcap_too, loopback_once, chain_once, network_loses,
          filter_in_the_kernel, snaplen, fragments_are_handed_to_their_owner, new_interface_joins,
          named_interface_comes_back, replayed_is_like_the_file, tags, no_permission, ifaces,
          wrong_words, capabilities_are_gone, count_stops, reader_goes_away, stuck,
          output_blocked_then_read, output_blocked_to_the_end, blocked_for_long,
          numbers_of_each_second, numbers_come_in_time, numbers_blocked, numbers_without_interval)


def serve(namespace):
    server = subprocess.Popen(inside(namespace, sys.executable, f"{HERE}/http.py", "server", "80"),
                              stdout=subprocess.PIPE)
    server.stdout.readline()  # it listens
    return server


def set_up():
    ip("netns", "add", NEAR)
    ip("netns", "add", FAR)
    ip("link", "add", "va", "netns", NEAR, "type", "veth", "peer", "name", "vb", "netns", FAR)
    for namespace, interface, address in ((NEAR, "va", CLIENT), (FAR, "vb", SERVER)):
        # Nobody but us speaks; frames of any capture fit.
        for knob in ("all", "default", interface):
            subprocess.run(inside(namespace, "sysctl", "-qw",
                                  f"net.ipv6.conf.{knob}.disable_ipv6=1"), check=False,
                           capture_output=True)
        ip("-n", namespace, "addr", "add", f"{address}/24", "dev", interface)
        ip("-n", namespace, "link", "set", "lo", "up")
        ip("-n", namespace, "link", "set", interface, "up", "mtu", "2000")
    return serve(FAR)


def main():
    wanted = sys.argv[1:]
    passed = failed = skipped = 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # not without cleaning up
    server = set_up()
    try:
        for check in CHECKS:
            if wanted and check.__name__ not in wanted:
                continue
            try:
                check()
                passed += 1
            except Skip as why:
                skipped += 1
                print(f"SKIPPED: {check.__name__}: {why}")
            except Exception as error:  # a check that breaks must not hide the others
                failed += 1
                print(f"FAIL: {check.__name__}: {type(error).__name__}: {error}")
    finally:
        server.kill()
        for namespace in (NEAR, FAR, INNER):
            for pid in ip("netns", "pids", namespace, check=False).stdout.split():
                os.kill(int(pid), signal.SIGKILL)
            ip("netns", "del", namespace, check=False)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
