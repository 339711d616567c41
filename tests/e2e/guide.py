# SPDX-License-Identifier: ISC
"""Reads the guides in doc/: what is indented by four blanks is a block, and
the paragraph before it says what it is.

host# command   commands, with what they print below them; a line that is
                indented further belongs to the command above it
"On HOST, /file:", "On HOST and HOST, in /file:"
                a whole file, or something to be put into one
"... logs:"     lines of a log
Anything else is a figure.  "..." in what is printed or logged is anything.
"""
import pathlib
import re
from typing import NamedTuple

from mux import ROOT

NAMES = ("KEA", "POWERDNS", "BIND", "KNOT", "MIGRATION", "KEYS", "MONITORING",
         "TROUBLESHOOTING")
PROMPT = re.compile(r"([a-z][\w-]*)# (.*)")
HEADING = re.compile(r"(\d+)\. \S")
FILE = re.compile(r"\b[Oo]n ([\w-]+)(?: and ([\w-]+))?, (in )?(/\S+):$")
SECRET = re.compile(r"SECRET== stands the content of (\S+\.key)")
KINDS = ("figure", "log", "commands", "whole", "part")
FIGURE, LOG, COMMANDS, WHOLE, PART = KINDS


class Command(NamedTuple):
    host: str
    script: str
    printed: list


class Block(NamedTuple):
    kind: str
    section: str  # "KEA 2"
    text: str
    hosts: tuple = ()
    path: str = ""
    secret: str = ""  # the file whose content SECRET== stands for
    commands: tuple = ()


def pattern(line):
    """What a line of a log or of output has to match."""
    return ".*".join(map(re.escape, line.split("...")))


def commands(lines):
    found = []
    for line in lines:
        if match := PROMPT.fullmatch(line):
            found.append(Command(match[1], match[2], []))
        elif line.startswith("     ") and not found[-1].printed:
            last = found.pop()
            found.append(last._replace(script=f"{last.script}\n{line}"))
        else:
            found[-1].printed.append(line)
    return tuple(found)


def block(section, paragraph, lines):
    text = "\n".join(lines) + "\n"
    said = " ".join(paragraph)
    if PROMPT.fullmatch(lines[0]):
        return Block(COMMANDS, section, text, commands=commands(lines))
    if match := FILE.search(said):
        hosts = tuple(filter(None, match.group(1, 2)))
        secret = SECRET.search(said)
        return Block(PART if match[3] else WHOLE, section, text, hosts,
                     match[4], secret[1] if secret else "")
    is_log = re.search(r"\blogs\b[^.]*:$", said)
    return Block(LOG if is_log else FIGURE, section, text)


def path(name):
    return pathlib.Path(ROOT, "doc", name)


def split(lines):
    """Commands begin a block of their own."""
    parts = [[]]
    for line in lines:
        if PROMPT.fullmatch(line) and parts[-1] and not parts[-1][-1]:
            if not PROMPT.fullmatch(parts[-1][0]):
                parts.append([])
        parts[-1].append(line)
    for part in parts:
        while not part[-1]:
            part.pop()
    return parts


def read(name):
    """Its blocks, in their order."""
    where, paragraph, lines, found = f"{name} 0", [], [], []
    before = ""
    for line in path(name).read_text().split("\n") + ["end"]:
        if lines or (line.startswith("    ") and not before):
            if line.startswith("    ") or not line:
                lines.append(line[4:])
                continue
            found += [block(where, paragraph, part) for part in split(lines)]
            lines = []
        if match := HEADING.match(line):
            where = f"{name} {match[1]}"
        if line:
            paragraph = [*(paragraph if before else []), line.strip()]
        before = line
    return found


GUIDES = {name: read(name) for name in NAMES}


def section(name):
    """The blocks of "KEA 2"."""
    found = [b for b in GUIDES[name.split()[0]] if b.section == name]
    assert found, f"there is no {name}"
    return found


def sections():
    """Those that have blocks."""
    return {b.section for blocks in GUIDES.values() for b in blocks}
