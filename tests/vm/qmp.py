#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""qmp.py - one command to a QEMU: qmp.py SOCKET COMMAND [NAME=VALUE]...

Prints what it returns; an error goes to standard error, and the exit status is 1. `migrate`
comes back when it has ended, and fails when it has failed.
"""
import json
import socket
import sys
import time


class Qmp:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r")
        self.lines.readline()  # its greeting
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        words = {"execute": command, "arguments": arguments}
        self.socket.sendall(json.dumps(words).encode() + b"\n")
        while True:
            line = self.lines.readline()
            if not line:
                sys.exit("QEMU has hung up")
            answer = json.loads(line)
            if "error" in answer:
                sys.exit(answer["error"]["desc"])
            if "return" in answer:  # the rest are events
                return answer["return"]


def main():
    path, command = sys.argv[1:3]
    qmp = Qmp(path)
    answer = qmp.ask(command, **dict(a.split("=", 1) for a in sys.argv[3:]))
    if command == "migrate":
        until = time.monotonic() + 60
        while answer.get("status") not in ("completed", "failed", "cancelled"):
            if time.monotonic() > until:
                sys.exit(f"migrate: after 60 s: {answer}")
            time.sleep(0.1)
            answer = qmp.ask("query-migrate")
        if answer["status"] != "completed":
            sys.exit(f"migrate: {answer}")
        answer = answer["status"]
    print(answer if isinstance(answer, str) else json.dumps(answer))


main()
