#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""nonces.py - what machines of clone-init encrypted: nonces.py ZONE SALT:MACHINE...

MACHINE.values is its first serial port, SALT its own. Prints lines of a word and a number:

    values        different ones, of all machines
    incarnations  different ones
    repeated      pairs of machines' values with equal (key, incarnation, counter), but another
                  plaintext or other bytes
    legible       those of them whose ciphertexts differ as their plaintexts do: who has both
                  and knows one plaintext reads the other
    shared        values with the machine's own salt, so made since it is a machine of its
                  own, under an incarnation that another machine has values of as well
    refused       requests that failed
"""
import base64
import collections
import itertools
import re
import sys

HEADER, TAG = 16, 12
zone, machines = sys.argv[1], [m.split(":", 1) for m in sys.argv[2:]]
nonces = collections.defaultdict(set)  # (key, incarnation, counter): (plaintext, value)
users = collections.defaultdict(set)  # incarnation: machines
own = []  # incarnations
refused = 0
# The line at which a machine was copied has its end in another file, or its beginning.
line = re.compile(rf"{zone} (\d+) ([A-Za-z0-9+/]{{43}}=|refused)\r?\n")
for salt, name in machines:
    with open(name + ".values", encoding="ascii", errors="replace", newline="") as f:
        for m in map(line.fullmatch, f):
            if not m:
                continue
            if m[2] == "refused":
                refused += 1
                continue
            plain, value = int(m[1]), base64.b64decode(m[2])
            incarnation = value[3:11]
            nonces[value[1:HEADER]].add((plain, value))
            users[incarnation].add(name)
            if plain // 1000000 == int(salt):
                own.append(incarnation)

repeated = legible = 0
for same in nonces.values():
    for (p, a), (q, b) in itertools.combinations(sorted(same), 2):
        repeated += 1
        a, b = (int.from_bytes(v[HEADER:-TAG], "little") for v in (a, b))
        legible += a ^ b == p ^ q
print("values", sum(map(len, nonces.values())))
print("incarnations", len(users))
print("repeated", repeated)
print("legible", legible)
print("shared", sum(len(users[i]) > 1 for i in own))
print("refused", refused)
