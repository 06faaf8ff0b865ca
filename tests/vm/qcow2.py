#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""qcow2.py - an empty disk of 1 MiB, where `savevm` puts a machine's memory: qcow2.py FILE.
As `qemu-img create`, which is in another package than QEMU."""
import struct
import sys

CLUSTER = 1 << 16
# What lies in clusters 0 to 3: header, table of refcount blocks, the first of these, L1.
header = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, 1 << 20, 0, 1, 3 * CLUSTER,
                     CLUSTER, 1, 0, 0)
with open(sys.argv[1], "wb") as f:
    for part in header, struct.pack(">Q", 2 * CLUSTER), struct.pack(">4H", 1, 1, 1, 1), b"":
        f.write(part.ljust(CLUSTER, b"\0"))
