# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 clients that do what curl does not. usage: talk.py WHAT HOST PORT"""
import socket
import sys
import time

HOST, PORT = sys.argv[2], int(sys.argv[3])


def dial():
    s = socket.create_connection((HOST, PORT))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.settimeout(2)
    return s


def get(path, more="", method="GET"):
    return f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\n{more}\r\n".encode()


def drain(s, quiet=0.1):
    """Reads until nothing came for a while, or the end."""
    s.settimeout(quiet)
    try:
        while s.recv(65536):
            pass
    except socket.timeout:
        pass


def pipelined():
    s = dial()
    for size in (2, 17, 5):
        batch = [get(f"/small.txt?n={i}", method="HEAD" if i % 5 == 4 else "GET") for i in range(size)]
        batch[size // 2] = get("/missing")
        s.sendall(b"".join(batch))
        drain(s)
    s.sendall(get("/small.txt") + get("/empty")[:20])
    time.sleep(0.02)
    s.sendall(get("/empty")[20:])
    drain(s)


def close():
    for path in ("/until-close", "/until-close"):
        s = dial()
        s.sendall(get(path, "Connection: close\r\n"))
        drain(s)


def chunked():
    s = dial()
    for n in range(3):
        s.sendall(get(f"/trailers?n={n}"))
        drain(s)
    s.sendall(get("/upload", "Transfer-Encoding: chunked\r\n", "POST"))
    for part in (b"5\r\nhello\r\n", b"7;why=not\r\n, world\r\n", b"0\r\nX-Count: 2\r\n\r\n"):
        s.sendall(part)
        time.sleep(0.003)
    drain(s)


def cont():
    for path in ("/accepted", "/refused"):
        s = dial()
        s.sendall(get(path, "Expect: 100-continue\r\nContent-Length: 11\r\n", "PUT"))
        if s.recv(4096).startswith(b"HTTP/1.1 100"):
            s.sendall(b"hello world")
        drain(s)
    s = dial()
    s.sendall(get("/hints"))
    drain(s)


def websocket():
    s = dial()
    s.sendall(get("/chat", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"))
    s.recv(4096)
    for _ in range(4):
        s.sendall(b"\x89\x84\x00\x00\x00\x00ping")
        s.recv(4096)


{"pipelined": pipelined, "close": close, "chunked": chunked, "continue": cont, "websocket": websocket}[sys.argv[1]]()
