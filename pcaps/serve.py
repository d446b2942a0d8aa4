# SPDX-License-Identifier: Apache-2.0
"""A small HTTP/1.1 server for the answers nginx does not give: trailers, interim answers, an upgrade, a
CONNECT proxy, bodies that end with the connection. usage: serve.py PORT"""
import base64
import hashlib
import selectors
import socket
import sys
import threading
import time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def head_of(f):
    line = f.readline().split()
    headers = {}
    while True:
        h = f.readline().strip()
        if not h:
            return line, headers
        name, _, value = h.partition(b":")
        headers[name.strip().lower()] = value.strip()


def body_of(f, headers):
    if headers.get(b"transfer-encoding") == b"chunked":
        body = b""
        while True:
            size = int(f.readline().split(b";")[0], 16)
            if size == 0:
                while f.readline().strip():
                    pass
                return body
            body += f.read(size)
            f.readline()
    return f.read(int(headers.get(b"content-length", 0)))


def relay(a, b):
    sel = selectors.DefaultSelector()
    sel.register(a, selectors.EVENT_READ, b)
    sel.register(b, selectors.EVENT_READ, a)
    while True:
        for key, _ in sel.select():
            data = key.fileobj.recv(65536)
            if not data:
                return
            key.data.sendall(data)


def answer(s, f):
    line, headers = head_of(f)
    if len(line) < 3:
        return False
    method, path = line[0], line[1]
    if method == b"CONNECT":
        host, _, port = path.rpartition(b":")
        try:
            to = socket.create_connection((host.decode(), int(port)), 1)
        except OSError:
            s.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return True
        s.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        relay(s, to)
        return False
    if b"upgrade" in headers:
        accept = base64.b64encode(hashlib.sha1(headers[b"sec-websocket-key"] + GUID).digest())
        s.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n\x81\x05hello")
        while s.recv(4096):
            s.sendall(b"\x81\x04pong")
        return False
    if headers.get(b"expect") == b"100-continue":
        if path == b"/refused":
            s.sendall(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return False
        s.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = body_of(f, headers)
    if path == b"/hints":
        s.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        time.sleep(0.005)
    if path.startswith(b"/trailers"):
        s.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Digest\r\n\r\n")
        for i in range(3):
            s.sendall(b"10;n=%d\r\n0123456789abcdef\r\n" % i)
            time.sleep(0.003)
        s.sendall(b"0\r\nDigest: none\r\n\r\n")
        return True
    if path == b"/until-close":
        s.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        for _ in range(3):
            s.sendall(b"this body ends with the connection\n" * 20)
        return False
    s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    return True


def serve(s):
    with s, s.makefile("rb") as f:
        try:
            while answer(s, f):
                pass
        except OSError:
            pass


def main():
    listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))
    while True:
        s, _ = listener.accept()
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(s,), daemon=True).start()


main()
