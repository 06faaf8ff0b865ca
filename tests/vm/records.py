#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""records.py - sealed records (common/seal.h) of machines that are copies of one:
records.py ZONE COPIED MACHINE...

NAME.regions is a machine's fourth serial port; of COPIED what it was when the machine was
copied. Prints lines of a word and a number:

    copied     records in COPIED; those of the same channels and generations, in machines, are
               under the same keys, whoever wrote them
    since      different ones of these in machines, and not in COPIED
    repeated   pairs of machines' records under these keys with one number of one direction, and
               other bytes: a nonce that came twice
    renewed    machines with records under other keys
    alike      frames of those machines, of handshakes and records, that are the same in two of
               them: drawn anew is not drawn alike
"""
import base64
import collections
import gzip
import itertools
import re
import struct
import sys

CONTROL, HEADER, TAG = 576, 16, 12
HELLO, RECORD, LAST = 0xF0, 0xF1, 0xF2
word = re.compile(rb"[\xf0-\xf2]\x00")


def service(region):
    at = region.find(b"ops" + bytes(5))
    channels, n, ring = struct.unpack_from("<QII", region, at + 8)
    for i in range(n):
        for direction in range(2):
            start = channels + i * (CONTROL + 2 * ring) + CONTROL + direction * ring
            yield i, direction, region[start:start + ring]


def frames(name):
    """(channel, generation), direction, number, kind, bytes"""
    with open(name + ".regions", encoding="ascii", errors="replace", newline="") as f:
        regions = [m[1] for m in map(dump.fullmatch, f) if m]
    for region in regions:
        for channel, direction, ring in service(gzip.decompress(base64.b64decode(region))):
            yield from frames_of(channel, direction, ring)


def frames_of(channel, direction, ring):
    for m in word.finditer(ring):
        at = m.start() - 4
        if at < 0 or at % 16:
            continue
        n, kind, _, gen, number = struct.unpack_from("<IBBHQ", ring, at)
        if gen and TAG <= n <= len(ring) - at - HEADER and number < 1 << 32:
            yield (channel, gen), direction, number, kind, ring[at + HEADER:at + HEADER + n]


zone, copy, *machines = sys.argv[1:]
# The line at which a machine was copied has its end in another file.
dump = re.compile(rf"{zone} ([A-Za-z0-9+/]+=*)\.\r?\n")
old = {(keys, d, number): data
       for keys, d, number, kind, data in frames(copy) if kind != HELLO}
copied = {keys for keys, _, _ in old}
since = set()
under = collections.defaultdict(set)  # a nonce under the copied keys: bytes
fresh = {}  # machine: frames under others
for name in machines:
    fresh[name] = set()
    for keys, d, number, kind, data in frames(name):
        if keys not in copied:
            fresh[name].add((kind, data))
        elif kind != HELLO:
            under[keys, d, number].add(data)
            if old.get((keys, d, number)) != data:
                since.add((keys, d, number, data))
print("copied", len(old))
print("since", len(since))
print("repeated", sum(len(s) * (len(s) - 1) // 2 for s in under.values()))
print("renewed", sum(any(kind != HELLO for kind, _ in f) for f in fresh.values()))
print("alike", sum(len(a & b) for a, b in itertools.combinations(fresh.values(), 2)))
