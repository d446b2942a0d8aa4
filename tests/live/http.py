#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What live.py runs inside of a namespace.

http.py server PORT                         answers every request; /slow after 1.2 s
http.py client HOST PORT COUNT CONNS [PATH] COUNT requests over CONNS connections
http.py datagrams HOST PORT COUNT SIZE
http.py replay FILE INTERFACE [VLAN]        a pcap file at its own pace, with a tag
"""
import asyncio
import socket
import struct
import sys
import time


async def answer(reader, writer):
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ", 2)[1]
        if path == b"/slow":
            await asyncio.sleep(1.2)
        body = b"path " + path + b"\n"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()


async def on_connection(reader, writer):
    try:
        await answer(reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve(port):
    server = await asyncio.start_server(on_connection, "0.0.0.0", port)
    print("listening", flush=True)
    await server.serve_forever()


async def ask(host, port, paths):
    reader, writer = await asyncio.open_connection(host, port)
    for path in paths:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.split(b"Content-Length: ")[1].split(b"\r")[0]))
    writer.close()
    await writer.wait_closed()


async def client(host, port, count, connections, path=None):
    paths = [path or f"/{i}" for i in range(count)]
    await asyncio.gather(*(ask(host, port, paths[i::connections]) for i in range(connections)))


def datagrams(host, port, count, size):
    for _ in range(count):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to:
            to.sendto(bytes(size), (host, port))


def frames_of(path):
    with open(path, "rb") as file:
        head = file.read(24)
        order = "<" if head[0] in (0xd4, 0x4d) else ">"
        units = 1e9 if 0x4d in head[:4] else 1e6
        while True:
            record = file.read(16)
            if len(record) < 16:
                return
            seconds, part, captured, _ = struct.unpack(order + "IIII", record)
            yield seconds + part / units, file.read(captured)


def replay(path, interface, vlan=None):
    to = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    to.bind((interface, 0))
    tag = struct.pack(">HH", 0x8100, int(vlan)) if vlan else b""
    begin = first = None
    for when, frame in frames_of(path):
        if begin is None:
            begin, first = time.monotonic(), when
        pause = when - first - (time.monotonic() - begin)
        if pause > 0:
            time.sleep(pause)
        to.send(frame[:12] + tag + frame[12:])


def main():
    what, words = sys.argv[1], sys.argv[2:]
    if what == "server":
        asyncio.run(serve(int(words[0])))
    elif what == "client":
        asyncio.run(client(words[0], int(words[1]), int(words[2]), int(words[3]), *words[4:]))
    elif what == "datagrams":
        datagrams(words[0], int(words[1]), int(words[2]), int(words[3]))
    else:
        replay(*words)


if __name__ == "__main__":
    main()
