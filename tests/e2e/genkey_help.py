# SPDX-License-Identifier: ISC
"""ddns-muxctl genkey, and what it has printed."""
import base64
import re
import shlex
import subprocess

import mux
import wire
from servers import find_program

COMMENT = re.compile(r"^# (.*):\n", re.MULTILINE)


def genkey(*words, status=0, **how):
    """What it says: on standard output, or else on standard error."""
    done = subprocess.run([mux.CTL, "genkey", *words], capture_output=True,
                          text=True, check=False, **how)
    assert done.returncode == status, done
    assert bool(done.stderr) == bool(status) == (not done.stdout)
    return done.stdout or done.stderr


class Printed:
    """The parts of one run's output, as an administrator cuts them out."""

    def __init__(self, folder, *words):
        self.folder = folder
        self.text = genkey(*words)
        self.file = mux.write_secret(folder / f"{words[0][:30]}.key",
                                     self.text)
        self.name, self.algorithm, self.base64 = re.search(
            r'^key "(\S+)" {\n\talgorithm (\S+);\n\tsecret "(\S+)";\n};\n',
            self.text, re.MULTILINE).groups()
        self.key = wire.Key(self.name + ".", base64.b64decode(self.base64),
                            self.algorithm)
        pieces = COMMENT.split(self.text.partition("/*")[2])[1:]
        bodies = (body.partition("\n\n")[0] for body in pieces[1::2])
        self.parts = dict(zip(pieces[::2], bodies))

    def part(self, word):
        """The one whose comment has this word."""
        [found] = [body for comment, body in self.parts.items()
                   if word in comment]
        return found

    def write(self, name, text):
        return str(mux.write_secret(self.folder / name, text))


def run(*command, **how):
    """A program that has nothing to complain of."""
    done = subprocess.run(command, capture_output=True, text=True,
                          timeout=30, check=False, **how)
    assert done.returncode == 0, f"{done.args}\n{done.stdout}{done.stderr}"
    return done


def run_pdnsutil(printed, folder, zone):
    """The printed commands as they stand there, in a shell, for the server
    that has its configuration in that folder."""
    commands = printed.part("PowerDNS").replace(" ZONE ", f" {zone} ")
    real = shlex.join(["command", find_program("pdnsutil"),
                       f"--config-dir={folder}"])
    script = f'set -e\npdnsutil() {{ {real} "$@"; }}\n{commands}\n'
    run("/bin/sh", "-c", script)
