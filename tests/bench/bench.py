#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make bench: how fast wirespan is next to other tools, side by side in one run.

Prints one table of ratios. Every pair of commands is run in turn on one pinned core (A B A B ...), and the median of the
pairwise ratios of CPU time (user + system of the whole process) counts; absolute times are only shown. A run that lost a
round trip is void. Nothing here decides between pass and fail: machines are noisy.

Captures are made once and kept in BENCH_DIR: recorded by ../shared/bench/make-captures when that is there (as root), else
made by make-capture.c. What is missing is skipped, loudly. Needs tcpdump; tshark if it should be in the table; gcc for the
floor in ../shared/bench.
"""
import argparse, json, os, resource, shutil, statistics, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SHARED = os.path.join(os.path.dirname(TOP), 'shared', 'bench')


# Of each prototype in the floor, what tshark is asked for.
FIELDS = {'http': 'http.response.code', 'dns': 'dns.flags.rcode', 'resp': 'resp.bulk_string.length'}


def skip(what):
    print('SKIPPED: ' + what, flush=True)


def cpu(argv, env=None, core=None, stdout=subprocess.DEVNULL):
    """CPU seconds, wall seconds and standard error of one run."""
    def pin():
        if core is not None:
            os.sched_setaffinity(0, core)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                       env=dict(os.environ, **(env or {})), preexec_fn=pin)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if p.returncode:
        sys.exit('%s: exit status %d: %s' % (' '.join(argv), p.returncode, p.stderr.decode()[-300:]))
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, p.stderr.decode())


def pairs(a, b, runs):
    """Runs two measuring functions in turn; medians of a, of b, and of a/b."""
    a(), b()
    got = [(a(), b()) for _ in range(runs)]
    return (statistics.median(x for x, _ in got), statistics.median(y for _, y in got),
            statistics.median(x / y for x, y in got))


class Bench:
    def __init__(self, args):
        self.args, self.core, self.rows = args, {0}, []
        self.dir = args.dir
        os.makedirs(self.dir, exist_ok=True)

    def wirespan(self, capture, *flags):
        return [self.args.program, 'log', '-r', capture, '--workers', '1', '--format', 'none', *flags]

    def summary(self, capture, *flags):
        _, _, err = cpu(self.wirespan(capture, '--summary', 'json', *flags))
        return json.loads(err.strip().splitlines()[-1])

    def row(self, name, against, a, b, ratio, most, aim):
        self.rows.append((name, against, a, b, ratio, most, aim))
        print('%-34s %-28s %8.3f %8.3f %7.2f %8s %6s' % self.rows[-1], flush=True)

    def capture(self, name):
        path = os.path.join(self.dir, name + '.pcap')
        maker = os.path.join(SHARED, 'make-captures')
        if not os.path.exists(path) and os.path.exists(maker) and os.geteuid() == 0:
            with open(os.path.join(self.dir, 'make.log'), 'w') as log:
                subprocess.run(['bash', maker, self.dir, name.split('_')[0]], stdout=log, stderr=log,
                               stdin=subprocess.DEVNULL)
        if not os.path.exists(path) and not name.startswith('http'):
            skip('%s: no ../shared/bench/make-captures, or not root' % name)
            return None
        if not os.path.exists(path):
            skip('%s as recorded: no ../shared/bench/make-captures, or not root; a made one is used' % name)
            path = os.path.join(self.dir, 'made_%s.pcap' % name)
            if not os.path.exists(path):
                kind = name.replace('http_', '')
                count = {'small': 300000, 'close': 100000, '10k': 35000}[kind]
                subprocess.run([self.args.maker, kind, str(count), path], check=True)
        with open(path, 'rb') as f:  # warm
            while f.read(1 << 20):
                pass
        return path

    def built(self, source):
        exe = os.path.join(self.dir, source[:-2])
        path = os.path.join(SHARED, source)
        if not os.path.exists(path):
            skip('%s is not there' % source)
            return None
        if not os.path.exists(exe):
            subprocess.run(['gcc', '-O3', '-march=native', '-w', path, '-o', exe], check=True)
        return exe

    def whole(self, capture):
        """Every request has its answer, or the run is void."""
        s = self.summary(capture)
        c = s['counters']
        lost = c['roundtrips_orphan'] + c['roundtrips_unanswered']
        pairs_ = c['roundtrips_ok'] + c['roundtrips_error']
        print('  %s: %d round trips, %d without a partner' % (os.path.basename(capture), pairs_, lost))
        return pairs_ > 1000 and lost <= 200  # the recording ends in the middle of some

    def against_peers(self, name, most, aim, command='log', mode=None):
        """The job on a whole capture next to tcpdump, which only copies it, and the floor's prototype of the job."""
        path = self.capture(name)
        if not path or not shutil.which('tcpdump'):
            return
        if not self.whole(path):
            print('%-34s VOID: round trips are missing' % name)
            return
        mine = self.wirespan(path) if command == 'log' else [self.args.program, 'stat', '-r', path, '--workers', '1']
        a = lambda: cpu(mine, core=self.core)[0]
        b = lambda: cpu(['tcpdump', '-r', path, '-w', '/dev/null'], core=self.core)[0]
        title = name + (' --format none' if command == 'log' else ' (stat)')
        self.row(title, 'tcpdump -w /dev/null', *pairs(a, b, self.args.runs), most, aim)
        floor = self.built('floor.c') if mode else None
        if floor and command == 'log':
            b = lambda: cpu([floor, mode, 'read', path], core=self.core)[0]
            self.row(title, 'floor ' + mode, *pairs(a, b, self.args.runs), '-', '-')
            self.tshark(name, FIELDS[mode])

    def json_against_none(self, name):
        path = self.capture(name)
        if not path:
            return
        a = lambda: cpu([self.args.program, 'log', '-r', path, '--workers', '1', '--format', 'json'], core=self.core)[0]
        b = lambda: cpu(self.wirespan(path), core=self.core)[0]
        self.row(name + ' --format json', '--format none', *pairs(a, b, self.args.runs), 3, 2)

    def flows(self, count):
        gen, floor = self.built('genflows.c'), self.built('floor.c')
        if not gen or not floor:
            return
        path = os.path.join(self.dir, 'flows_%d.pcap' % count)
        if not os.path.exists(path):
            subprocess.run([gen, str(count), '3000000', '10', path], check=True)

        def b():
            err = cpu([floor, 'flowb', 'read', path], env={'TB': '21'}, core=self.core)[2]
            return float(err.split(' t=')[1].split()[0])
        a = lambda: cpu(self.wirespan(path, '--only', 'none'), core=self.core)[0]
        self.row('%d flows --only none' % count, 'floor flowb t=', *pairs(a, b, self.args.runs), 3, 2)

    def made(self, kind, count):
        path = os.path.join(self.dir, 'made_%s_%d.pcap' % (kind, count))
        if not os.path.exists(path):
            subprocess.run([self.args.maker, kind, str(count), path], check=True)
        return path

    def linear(self, title, many, few):
        """CPU per packet of a long capture against that of a short one of the same kind."""
        for path, _ in (many, few):
            if not self.whole(path):
                print('%-34s VOID: round trips are missing' % title)
                return
        a, b = (lambda m=m: cpu(self.wirespan(m[0]), core=self.core)[0] * 1e6 / m[1] for m in (many, few))
        self.row(title, 'us a packet: the short one', *pairs(a, b, 3), '-', '-')

    def dns(self):
        few = self.made('dns', 500000), 1000000
        self.linear('dns, 10 million packets', (self.made('dns', 5000000), 10000000), few)
        self.linear('dns, a million open queries', (self.made('open', 2000000), 4000000), few)

    def workers(self, name):
        path = self.capture(name)
        if not path:
            return
        two = [x if x != '1' else '2' for x in self.wirespan(path)]
        a, b = lambda: cpu(two, core={0, 1})[1], lambda: cpu(self.wirespan(path), core={0, 1})[1]
        self.row(name + ' 2 workers, wall', '1 worker, wall', *pairs(a, b, self.args.runs), 0.75, 0.6)

    def tshark(self, name, field):
        path = self.capture(name)
        if not path or not shutil.which('tshark'):
            skip('tshark')
            return
        part = os.path.join(self.dir, name + '_part.pcap')
        if not os.path.exists(part):
            subprocess.run(['tcpdump', '-r', path, '-w', part, '-c', '20000'], check=True, stderr=subprocess.DEVNULL)
        a = lambda: cpu(self.wirespan(part), core=self.core)[0]
        b = lambda: cpu(['tshark', '-r', part, '-T', 'fields', '-e', field], core=self.core)[0]
        self.row(name + ' (20,000 packets)', 'tshark -T fields', *pairs(a, b, 1), '-', '-')


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--program', default=os.path.join(TOP, 'wirespan'))
    p.add_argument('--maker', default=os.path.join(TOP, 'build', 'tests', 'bench', 'make-capture'))
    p.add_argument('--dir', default=os.environ.get('BENCH_DIR', '/var/tmp/wirespan-bench'))
    p.add_argument('--runs', type=int, default=7)
    b = Bench(p.parse_args())
    print('%-34s %-28s %8s %8s %7s %8s %6s' % ('work', 'against', 'A s', 'B s', 'A/B', 'at most', 'aim'))
    b.against_peers('http_small', 1.5, 1.0, mode='http')
    b.against_peers('http_close', 1.5, 1.0, mode='http')
    b.against_peers('http_10k', 0.7, 0.4, mode='http')
    for name, most, aim in (('http_small', 1.5, 1.0), ('dns', 1.5, 1.0), ('redis', 1.5, 1.0),
                            ('redis_10k', 0.7, 0.4), ('redis_p16', 2.5, 1.5)):
        mode = {'http': None, 'dns': 'dns', 'redis': 'resp'}[name.split('_')[0]]
        b.against_peers(name, most, aim, 'stat')
        if mode:
            b.against_peers(name, '-', '-', mode=mode)
    b.json_against_none('http_small')
    b.dns()
    b.flows(10000)
    b.flows(1000000)
    b.workers('http_small')


main()
