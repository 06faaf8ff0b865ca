#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""scan.py - where in files and in the memory of processes do certain secrets lie?

    scan.py CANARIES TARGET...

CANARIES has a line for each: NAME KIND VALUE, and each is looked for in the forms in which it
could lie about:

    text     as it is, hexadecimal, base64 (in all three phases)
    int8     eight bytes in both orders, decimal
    numeric  as it is, and the digits of four that PostgreSQL and hedb store
    hex      bytes: as they are, hexadecimal, base64
    pem      a file with a P-384 key: its 48 bytes, and its lines

TARGET is a file, a directory with all that is in it, or a process's number: all memory that can
be read, what several processes share once. Prints "NAME FORM WHERE" for each that was found.
Status 1 when a target could not be read or was empty: then nothing is said.
"""
import base64
import os
import re
import stat
import struct
import sys

CHUNK = 16 << 20


def phases(raw):
    """The part of the base64 that does not depend on what stands around it."""
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + raw)
        yield whole[(before * 8 + 5) // 6:len(whole) - (0, 3, 2)[(before + len(raw)) % 3] or None]


def of_bytes(raw):
    yield "raw", raw
    yield "hex", raw.hex().encode()
    yield "HEX", raw.hex().upper().encode()
    for i, part in enumerate(phases(raw)):
        yield f"base64/{i}", part


def of_pem(path):
    with open(path, encoding="ascii") as f:
        lines = [line.strip().encode() for line in f if not line.startswith("-")]
    der = base64.b64decode(b"".join(lines))
    at = der.index(b"\x02\x01\x01\x04\x30") + 5  # SEC1: version 1, then OCTET STRING of 48
    yield "raw", der[at:at + 48]
    for i, line in enumerate(lines[:2]):
        yield f"line {i}", line


def forms(kind, value):
    if kind == "text":
        yield from of_bytes(value.encode())
    elif kind == "int8":
        yield "decimal", value.encode()
        yield "little", struct.pack("<q", int(value))
        yield "big", struct.pack(">q", int(value))
    elif kind == "numeric":
        yield "decimal", value.encode()
        whole, part = value.split(".")
        digits = whole + part
        if len(whole) % 4 or len(part) % 4:
            sys.exit("scan.py: a numeric has whole groups of four digits")
        groups = [int(digits[i:i + 4]) for i in range(0, len(digits), 4)]
        yield "digits", struct.pack(f"<{len(groups)}H", *groups)
    elif kind == "hex":
        yield from of_bytes(bytes.fromhex(value))
    elif kind == "pem":
        yield from of_pem(value)
    else:
        sys.exit(f"scan.py: no kind {kind}")


def patterns(path):
    found = []
    with open(path, encoding="ascii") as f:
        for line in f:
            name, kind, value = line.split(None, 2)
            for form, raw in forms(kind, value.strip()):
                if len(raw) < 8:
                    sys.exit(f"scan.py: {name} {form} is so short that it comes by chance")
                found.append((name, form, raw))
    return found


class Scan:
    def __init__(self, wanted):
        self.wanted = wanted
        self.longest = max(len(raw) for _, _, raw in wanted)
        self.seen = set()  # shared mappings
        self.hits = {}

    def look(self, block, where):
        for name, form, raw in self.wanted:
            if block.find(raw) >= 0:
                self.hits.setdefault((name, form, where), None)

    def pieces(self, read, where):
        """read(n) until it gives nothing; a canary may lie across two pieces."""
        rest, total = b"", 0
        while piece := read(CHUNK):
            total += len(piece)
            self.look(rest + piece, where)
            rest = piece[-self.longest:]
        return total

    def file(self, path):
        with open(path, "rb", buffering=0) as f:
            return self.pieces(f.read, path)

    def tree(self, path):
        total = 0
        for folder, _, names in os.walk(path):
            for name in names:
                one = os.path.join(folder, name)
                try:
                    if stat.S_ISREG(os.lstat(one).st_mode):
                        total += self.file(one)
                except FileNotFoundError:
                    pass  # a server is at work there
        return total

    def process(self, pid):
        total = 0
        with open(f"/proc/{pid}/maps", encoding="utf-8") as f:
            maps = f.read().splitlines()
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
            for line in maps:
                m = re.match(r"(\w+)-(\w+) (\S+) (\w+) (\S+) (\d+) *(.*)", line)
                first, last = int(m[1], 16), int(m[2], 16)
                if "r" not in m[3] or m[7] in ("[vvar]", "[vvar_vclock]", "[vsyscall]"):
                    continue
                if "s" in m[3]:
                    if (m[4], m[5], m[6], last - first) in self.seen:
                        continue
                    self.seen.add((m[4], m[5], m[6], last - first))
                total += self.mapping(mem, first, last, f"pid {pid} {m[7] or 'anonymous'}")
        return total

    def mapping(self, mem, first, last, where):
        at = first

        def read(n):
            nonlocal at
            try:
                piece = os.pread(mem.fileno(), min(n, last - at), at)
            except OSError:
                piece = b""  # beyond a file's end, or gone
            at += len(piece)
            return piece

        return self.pieces(read, where)

    def target(self, what):
        if what.isdigit():
            return self.process(what)
        return self.tree(what) if os.path.isdir(what) else self.file(what)


def main():
    scan = Scan(patterns(sys.argv[1]))
    for what in sys.argv[2:]:
        try:
            if not scan.target(what):
                sys.exit(f"scan.py: {what}: nothing to be read there")
        except OSError as e:
            sys.exit(f"scan.py: {what}: {e.strerror}")
    for name, form, where in scan.hits:
        print(name, form, where)


if __name__ == "__main__":
    main()
