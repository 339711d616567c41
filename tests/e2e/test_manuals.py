# SPDX-License-Identifier: ISC
"""The manuals: two programs render them alike, they call the programs as
these say themselves, and they know the same settings as the parser, the
example file and README.

What the parser knows is asked of ddns-mux -n: -v prints each setting with
its default, and complaints tell types, ranges and words."""
import collections
import dataclasses
import functools
import re
import subprocess

import pytest

import mux
from servers import find_program

DOC = mux.ROOT / "doc"
MANUALS = ["ddns-mux.8", "ddns-mux.conf.5", "ddns-muxctl.8"]
SECRET = "ZXhhbXBsZSBvbmx5LCBkbyBub3QgdXNlIHRoaXMgMSE="
each_manual = pytest.mark.parametrize("manual", MANUALS)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True,
                          timeout=30, check=False)


# How they look


@functools.cache
def rendered(manual):
    """Lines without their breaks, as one string, without header and footer."""
    done = run(find_program("mandoc"), "-Tutf8", "-Owidth=1000",
               str(DOC / manual))
    assert done.returncode == 0, done
    return body(re.sub(".\b", "", done.stdout))


def body(text):
    return "\n".join(text.strip("\n").splitlines()[1:-1])


def section(manual, title):
    """Of the rendered text, its lines."""
    found = re.search(rf"^{title}\n((?: .*\n|\n)*)", rendered(manual) + "\n",
                      re.MULTILINE)
    return [line for line in found[1].splitlines() if line]


def words(text):
    """What there is to read: hyphens, dashes and quotes look different."""
    plain = str.maketrans("‐−–—’‘", "----''")
    return collections.Counter(text.translate(plain).split())


@each_manual
def test_groff_renders_all(manual):
    done = run(find_program("groff"), "-mandoc", "-Tutf8", "-P-cbou", "-ww",
               "-rLL=1000n", "-rLT=1000n", str(DOC / manual))
    assert done.stderr == ""
    assert words(body(done.stdout)) == words(rendered(manual))


@each_manual
def test_groff_is_content(manual):
    """At the usual width."""
    done = run(find_program("groff"), "-mandoc", "-Tutf8", "-ww",
               str(DOC / manual))
    assert (done.returncode, done.stderr) == (0, "")


# How programs are called


@pytest.mark.parametrize("binary, manual", [
    (mux.BINARY, "ddns-mux.8"), (mux.CTL, "ddns-muxctl.8")])
def test_synopsis_is_usage(binary, manual):
    usage = run(binary, "-?").stderr.partition("usage: ")[2].splitlines()
    synopsis = [line.strip() for line in section(manual, "SYNOPSIS")]
    assert synopsis == [line.strip() for line in usage]
    described = set(re.findall(r"^ {5}(-*[\w-]+)", rendered(manual),
                               re.MULTILINE))
    for option in re.findall(r"(?<![\w-])-(-?[\w-]+)", " ".join(synopsis)):
        options = [option] if option[0] == "-" else option
        assert {f"-{o}" for o in options} <= described


# Settings


@dataclasses.dataclass
class Setting:
    type: str = None  # as the parser says it
    range: tuple = None  # of a number
    most: str = None  # values of a list
    words: frozenset = frozenset()
    is_required: bool = False
    default: str = None

    def of(self, **more):
        return dataclasses.replace(self, **more)


TITLES = {"the configuration": "top", "this group of incoming_tsig": "client",
          "this target": "target", "this tsig group": "tsig"}
INSIDE = {"incoming_tsig": "client", "targets": "target", "tsig": "tsig"}
LISTS = ["listen_udp", "listen_tcp", "incoming_tsig", "targets"]


def by_group(text):
    """{(group, setting): its value} of a file that is laid out as -nv
    prints it; of a group the brace."""
    found, groups = {}, ["top"]
    for line in text.splitlines():
        setting = re.fullmatch(r"\t*(\w+) = (.*?);?(?: #.*)?", line)
        if setting:
            found[groups[-1], setting[1]] = setting[2]
        if setting and setting[1] in INSIDE:
            groups.append(INSIDE[setting[1]])
        elif line.strip() in (");", "};"):
            groups.pop()
    return found


class Asked:
    """One run of ddns-mux -nv on values {(group, setting): text}."""

    def __init__(self, folder, values):
        self.places, self.lines = {}, []
        self.add("top", values)
        path = mux.write_secret(folder / "asked.conf",
                                "\n".join(self.lines) + "\n")
        done = run(mux.BINARY, "-nv", "-f", str(path))
        self.printed = by_group(done.stdout)
        self.complaints = re.findall(r"^.*?(?::(\d+))?: (.*)$", done.stderr,
                                     re.MULTILINE)
        self.is_good = done.returncode == 0 and not done.stderr

    def add(self, group, values):
        for (inside, name), text in values.items():
            if inside != group:
                continue
            self.lines.append(f"{name} = {text}")
            self.places[str(len(self.lines))] = (group, name)
            if text == "{":
                self.add(INSIDE[name], values)
                self.lines.append("}")
            self.lines.append(";")

    def say(self, pattern):
        """{(group, setting): match} of what is said at its line."""
        return {self.places[line]: found for line, text in self.complaints
                if line and (found := re.search(pattern, text))}


GROUPS = {("top", "incoming_tsig"): "{", ("top", "targets"): "{",
          ("target", "tsig"): "{"}


def least(key, value, listen):
    """The smallest configuration."""
    return GROUPS | {
        ("top", listen): '"127.0.0.1:5353"',
        ("client", "name"): '"a"', ("client", key): f'"{value}"',
        ("target", "name"): '"a"', ("target", "address"): '"192.0.2.1"',
        ("tsig", "name"): '"b"', ("tsig", key): f'"{value}"'}


@pytest.fixture(scope="module", name="parser")
def ask_parser(tmp_path_factory):
    """{(group, setting): Setting} as the parser has them."""
    folder = tmp_path_factory.mktemp("asked")
    mux.write_secret(folder / "a.key", SECRET)
    found = defaults(folder)
    same = functools.partial(dict.fromkeys, found)

    def ask(values, pattern):
        for at, match in Asked(folder, values).say(pattern).items():
            yield at, found[at], match
    wrong_type = '"(.*)" must be (.*)'
    for values in (same("{ }") | GROUPS,
                   same("{ }") | {("top", "incoming_tsig"): "true",
                                  ("top", "targets"): "true"},
                   same("{ }") | GROUPS | {("target", "tsig"): "true"}):
        for at, setting, match in ask(values, wrong_type):
            found[at] = setting.of(type=match[2])
    for at, setting, match in ask(same("4294967295L") | GROUPS,
                                  r"must be (\d+) to (\d+), not"):
        found[at] = setting.of(range=match.groups())
    for at, setting, match in ask(same('"?"') | GROUPS,
                                  r'must be (".*), not "\?"'):
        found[at] = setting.of(words=frozenset(
            re.findall('"(.*?)"', match[1])))
    many = {("top", name): "(" + ", ".join(["{ }"] * 100) + ")"
            for name in LISTS}
    for at, setting, match in ask(same("1") | many, r"more than (\d+)$"):
        found[at] = setting.of(most=match[1])
    missing = re.compile(r'"(\w+)" is missing in (.*)')
    for values in ({}, {("top", "incoming_tsig"): "{",
                        ("top", "targets"): "{"}, GROUPS):
        for _, text in Asked(folder, values).complaints:
            if match := missing.fullmatch(text):
                at = TITLES[match[2]], match[1]
                found[at] = found[at].of(is_required=True)
    return found


def defaults(folder):
    """Both keys, since one that is not there is not printed."""
    found = collections.defaultdict(Setting)
    for values in (least("key", SECRET, "listen_udp"),
                   least("key_file", "a.key", "listen_tcp")):
        asked = Asked(folder, values)
        assert asked.is_good, asked.complaints
        for at, value in asked.printed.items():
            given = at in values
            found[at] = found[at] if given else Setting(default=value)
    return dict(found)


# The manual's side

HEADS = {"Global settings": ["top"], "Settings of a key": ["client", "tsig"],
         "More settings of a client's key": ["client"],
         "Settings of a target": ["target"]}
FIRST = re.compile(
    r"(?P<type>One of .*?|true or false|[A-Z][a-z]+)"
    r"(?P<number>, or a number of targets)?"
    r"(?:, (?P<min>\d+) to (?P<max>\d+))?(?:, at most (?P<most>\d+))?"
    r"(?:, default (?P<default>.+)|, (?P<required>required)"
    r"|; this or \w+ is required)")
TYPES = {"String": "a string", "Strings": "a string or a list of strings",
         "Group": "a group", "Groups": "a group or a list of groups",
         "true or false": "true or false",
         **dict.fromkeys(["Number", "Milliseconds", "Seconds", "Octets",
                          "Bits"], "an integer")}
UNITS = {"_ms": "Milliseconds", "_s": "Seconds", "_bits": "Bits",
         "_size": "Octets"}


def unit_of(name):
    return next((unit for end, unit in UNITS.items() if name.endswith(end)),
                None)


@dataclasses.dataclass
class Item:
    groups: list
    name: str
    text: list
    example: list

    def setting(self):
        first = re.match(r"(.*?)\.(?:  |$)", self.text[0])
        match = first and FIRST.fullmatch(first[1])
        assert match, f"{self.name}: {self.text[0]}"
        kind, default = match["type"], match["default"]
        if kind in UNITS.values() or unit_of(self.name):
            assert kind == unit_of(self.name), self.name
        one_of = re.findall('"(.*?)"', kind)
        said = TYPES["String" if one_of else kind]
        if kind == "Strings" and default:
            default = "[ ]" if default == "none" else f"[ {default} ]"
        return Setting(
            type=said + " or an integer" * bool(match["number"]),
            range=(match["min"], match["max"]) if match["min"] else None,
            most=match["most"], words=frozenset(one_of), default=default,
            is_required=bool(match["required"]))


@pytest.fixture(scope="module", name="items")
def read_items():
    """Those of ddns-mux.conf(5) in their order."""
    found, groups = [], []
    for line in section("ddns-mux.conf.5", "DESCRIPTION"):
        if re.match(r" {3}\S", line):
            groups = HEADS[line.strip()]
        elif tag := re.fullmatch(r" {5}(\w+)(?: {2,}(\S.*))?", line):
            found.append(Item(groups, tag[1], [tag[2]] if tag[2] else [], []))
        elif re.match(r" {13}\S", line):
            found[-1].text.append(line.strip())
        elif re.match(r" {19}", line):
            found[-1].example.append(line.strip())
    return found


def test_manual_is_parser(parser, items):
    """Names, types, ranges, words, what is required, and defaults."""
    said = {(group, item.name): item.setting()
            for item in items for group in item.groups}
    assert len(said) == sum(len(item.groups) for item in items), "twice"
    assert sorted(said) == sorted(parser)
    for at, setting in parser.items():
        assert said[at] == setting, at


def test_all_kinds_were_seen(parser):
    """That the parser could not answer with less than it knows."""
    assert len(parser) > 40
    assert {s.type for s in parser.values()} == {
        *TYPES.values(), "a string or an integer"}
    for at, s in parser.items():
        assert ("integer" in s.type) == bool(s.range), at
        has_default = s.default is not None
        assert has_default != (s.is_required or at[1].startswith("key")), at
    assert sum(bool(s.words) for s in parser.values()) == 4
    assert {at[1] for at, s in parser.items() if s.most} == {
        "listen_udp", "listen_tcp", "targets"}


def test_algorithms(tmp_path, items):
    values = least("key", SECRET, "listen_udp")
    values["client", "algorithm"] = '"?"'
    [[_, text]] = Asked(tmp_path, values).complaints
    [item] = [item for item in items if item.name == "algorithm"]
    known = text.partition("there are ")[2].split(", ")
    assert set(known) == set(re.findall(r"hmac-[\w-]+\w", item.text[0]))


def test_examples_in_the_manual(tmp_path, items, parser):
    """Each is taken, and none says what holds anyhow."""
    for name in ("pdns1.key", "pdns2.key", "kea.key", "kea-ddns-key.key"):
        mux.write_secret(tmp_path / name, SECRET)
    for item in items:
        assert item.example[0].startswith(f"{item.name} = "), item.name
    top = "\n".join(line for item in items if item.groups == ["top"]
                    for line in item.example)
    assert_taken(tmp_path, top, parser)
    for left_out in ("key", "key_file"):
        groups = {group: "\n".join(
            line for item in items if group in item.groups
            and item.name != left_out for line in item.example)
            for group in ("client", "target")}
        assert_taken(
            tmp_path, 'listen_udp = "127.0.0.1:5353";\n'
            f"incoming_tsig = {{ {groups['client']} }};\n"
            f"targets = {{ {groups['target']} }};\n", parser)
    assert_taken(tmp_path, "\n".join(
        section("ddns-mux.conf.5", "EXAMPLES")[1:]), parser)


def assert_taken(folder, text, parser):
    path = mux.write_secret(folder / "example.conf", text)
    done = run(mux.BINARY, "-nv", "-f", str(path))
    assert done.returncode == 0, done.stderr + text
    given = re.findall(r"^ *(\w+) = ", text, re.MULTILINE)
    for (group, name), value in by_group(done.stdout).items():
        if group != "tsig" and name in given:
            assert value != parser[group, name].default, name


# The files beside it


def test_example_file(tmp_path, parser):
    """It has all settings, and what is commented out is the default."""
    file = mux.ROOT / "conf" / "ddns-mux.conf.example"
    as_it_is = file.read_text(encoding="ascii")
    whole = re.sub(r"^(\t*)#(\w+ = .*;)$", r"\1\2", as_it_is,
                   flags=re.MULTILINE)
    assert set(parser) - set(by_group(whole)) == {("tsig", "key_file")}
    both = []
    for text in (as_it_is, re.sub(r"\n\t*key_file = .*", "", whole)):
        path = mux.write_secret(tmp_path / "example.conf", text)
        both.append(run(mux.BINARY, "-nv", "-f", str(path)))
        assert (both[-1].returncode, both[-1].stderr) == (0, "")
    assert both[0].stdout == both[1].stdout


def test_readme(parser):
    """Its list has all settings, and their defaults."""
    text = (mux.ROOT / "README").read_text(encoding="ascii")
    listed = text.partition("\nSettings\n---")[2].partition("\n\n\n")[0]
    one_line = " ".join(listed.split())
    for (group, name), setting in parser.items():
        if group == "top" and name not in LISTS:
            [line] = re.findall(rf"^ {{4}}{name} +(.*)$", listed,
                                re.MULTILINE)
            assert re.match(re.escape(setting.default) + r"(?!\w)", line)
        elif group == "target" and setting.range:
            assert f"{name} {setting.default}" in one_line
        else:
            assert re.search(rf"\b{name}\b", listed), name
