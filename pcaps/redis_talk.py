# SPDX-License-Identifier: Apache-2.0
"""Redis clients that say what redis-cli does not. usage: redis_talk.py WHAT HOST PORT"""
import socket
import sys
import time

HOST, PORT = sys.argv[2], int(sys.argv[3])


class Client:
    def __init__(self):
        self.s = socket.create_connection((HOST, PORT))
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def raw(self, data, quiet=0.05):
        """Sends, and reads until nothing came for a while."""
        self.s.sendall(data)
        self.s.settimeout(quiet)
        got = b""
        try:
            while True:
                more = self.s.recv(65536)
                if not more:
                    break
                got += more
        except (socket.timeout, ConnectionResetError):
            pass
        return got

    def do(self, *lines):
        """Sends commands at once."""
        return self.raw(b"".join(resp(*line.split()) for line in lines))


def resp(*words):
    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def types():
    c = Client()
    for line in ("set a 1", "get a", "get none", "incr a", "lpush l x y z", "lrange l 0 -1", "hset h f 1 g 2",
                 "hgetall h", "sadd s 1 2 3", "smembers s", "zadd z 1 one 2.5 two", "zrange z 0 -1 withscores",
                 "zscore z two", "mset k1 v1 k2 v2", "mget k1 k2 none", "bitop or d k1 k2", "object encoding a",
                 "memory usage a", "xadd st * f v", "xread count 1 streams st 0", "xgroup create st g 0",
                 "xreadgroup group g c count 1 streams st >", "lpush a 1", "nosuch command", "get",
                 "config get maxmemory", "command count", "type a", "scan 0", "time", "del a l h s z"):
        c.do(line)
    c.raw(resp("eval", "return {1,{2,'three',{4}},redis.status_reply('x')}", 0))
    c.raw(resp("eval", "return redis.call('set',KEYS[1],ARGV[1])", 1, "from-lua", "v"))
    c.raw(resp("eval", "return redis.error_reply('MYERR it failed')", 0))
    c.raw(resp("set", "large", b"x" * 20000))
    c.raw(resp("append", b"k" * 300, b"y"))
    c.raw(resp("get", "large"))
    c.raw(b"PING\r\nset inline 'a b'\r\n\r\nget inline\r\n*0\r\n*1\r\n$4\r\nping\r\n")
    c.raw(resp("quit"))


def pipelined():
    c = Client()
    for n in (2, 17, 64):
        c.do(*(f"set key:{i} {i}" if i % 3 else f"get key:{i}" for i in range(n)))
    c.raw(resp("set", "half", "x" * 10)[:20])
    c.raw(resp("set", "half", "x" * 10)[20:])
    c.do(*(["rpush list " + " ".join(map(str, range(200)))] + ["lrange list 0 -1"] * 10))


def transactions():
    c = Client()
    c.do("multi", "set a 1", "incr a", "get a", "exec")
    for line in ("multi", "set a x", "incr a", "exec", "multi", "nosuch", "exec", "multi", "get a", "discard",
                 "watch a"):
        c.do(line)
    other = Client()
    other.do("set a changed")
    c.do("multi", "get a", "exec")


def subscribed():
    c, d = Client(), Client()
    c.do("subscribe a b c", "psubscribe p* q*", "ping")
    d.do("publish a one", "publish p1 two", "publish nobody three")
    c.do("get x")
    c.do("unsubscribe b", "unsubscribe", "punsubscribe", "unsubscribe", "ping", "get x")
    c.do("ssubscribe shard", "sunsubscribe", "subscribe z", "reset", "get x")
    m = Client()
    m.do("monitor")
    d.do("set watched 1", "get watched")
    m.do("ping")


def resp3():
    c, d = Client(), Client()
    c.do("hello 3")
    c.do("hset h f 1", "hgetall h", "sadd s 1 2", "smembers s", "zadd z 1.5 a", "zscore z a", "get none")
    for what in ("string", "integer", "double", "null", "array", "set", "map", "attrib", "push", "verbatim", "true",
                 "false", "bignum"):
        c.do(f"debug protocol {what}")
    c.do("client tracking on", "get h2", "get tracked")
    d.do("set tracked 2")
    c.do("subscribe a b", "get tracked")
    d.do("publish a hello")
    c.do("unsubscribe", "get h2")


def silent():
    c = Client()
    c.do("client reply off", "set a 1", "get a", "client reply on", "get a")
    c.do("get a", "client reply skip", "set a 2", "get a", "client reply skip", "client reply skip", "get a", "get a")
    c.do("client reply off", "ping", "reset", "get a", "client reply maybe", "get a")


def secrets():
    c = Client()
    c.do("auth wrong", "config set requirepass secret1", "get a", "auth secret1", "auth default secret1",
         "hello 3 auth default secret1 setname me", "acl setuser ada on >secret2 ~* +@all",
         "auth ada secret2", "migrate 127.0.0.1 1 key 0 10 copy auth secret3",
         "migrate 127.0.0.1 1 nokey 0 10 auth2 ada secret3 keys none",
         "config set masterauth secret4", "auht secret5", "config set requirepass nothing masterauth nothing")
    c.raw(b"auth secret6\r\nAUTH default nothing\r\n")
    c.raw(resp("config", "set", "requirepass", ""))


def broken():
    Client().raw(resp("ping") + b"*1\r\n:4\r\n")
    Client().raw(b"*1\r\n$4\r\nping\r\n*notanumber\r\n")
    Client().raw(b"set a 'b\r\n")


def replica():
    c = Client()
    for line in ("ping", "replconf listening-port 1", "replconf capa psync2", "psync ? -1"):
        c.do(line)
    Client().do("set replicated 1", "get replicated")
    c.raw(resp("replconf", "ack", "1"))
    s = Client()
    s.raw(resp("sync"), 0.2)


globals()[sys.argv[1]]()
time.sleep(0.05)
