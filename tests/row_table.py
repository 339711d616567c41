# SPDX-License-Identifier: ISC
"""The conformance matrix and the lists of known faults as one table: row,
test, result.

    /usr/bin/python3 tests/row_table.py FILE ...

FILE: logs of unit tests (*.log), and results of pytest: what --junitxml
writes, or what -rA prints. rows.txt and the other tables beside this
script say where each row is tested, with one or more of

    unit:PROGRAM         tests/unit/PROGRAM.c names the row, in a string or a
                         comment; all of the program's tests have to pass
    e2e:FILE::FUNCTION   the function, or the cases of it whose ids name the
                         row; one of them has to run, and none to fail
    row:ROW              the tests of that row are this one's too
    decided:WHERE        why it is as it is: item 15.N of the matrix, or
                         section N of a document here, as doc/NAME-N; needs
                         no test beside it
    skips:no-root        its tests may all be skipped, but not where root
                         runs them
    open: REASON         not covered

They begin with the rows that they must hold: "rows: H14 M17" is H1 to H14
and M1 to M17.

Exit status 1 if a row is missing or unknown, if a test or a section that
they name does not exist, if a test does not name the row, if one failed,
or if none of a row's tests ran but some were skipped.
"""
import collections
import dataclasses
import os
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
TABLES = [HERE / name for name in ("rows.txt", "checklist.txt", "floods.txt",
                                   "faults.txt")]
# Tokens of a row, and whether they hold here.
MAY_SKIP = {"skips:no-root": lambda: os.geteuid() != 0}
# What may be quoted: strings and comments of C.
QUOTED = re.compile(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/', re.DOTALL)


class Problem(Exception):
    """What is wrong with a line of a table or with its test."""


@dataclasses.dataclass
class Row:
    ident: str
    rule: str
    where: list  # tokens; of an open one the whole text


@dataclasses.dataclass
class Results:
    units: dict  # program: "passed" or "failed"
    cases: dict  # (file, function): {id: "passed", "failed" or "skipped"}


def names(ident, text):
    """H1 is in "H1 ID 0000" and in test_h1_x, and not in H14."""
    return re.search(rf"(?<![A-Za-z0-9]){ident}(?![0-9A-Za-z])", text,
                     re.IGNORECASE)


# The tables


def all_of(line):
    """H1 .. H14, flood_A01 .. flood_A11 of "rows: H14 flood_A11"."""
    return [f"{letters}{number:0{2 if '_' in letters else 1}}"
            for letters, count in re.findall(r"(\w*[A-Z])(\d+)", line)
            for number in range(1, int(count) + 1)]


def read_rows(path, rows, wanted):
    """Lines that begin with a blank continue the one before."""
    row = None
    for line in path.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("rows: "):
            wanted += all_of(line)
            continue
        if line[0].isspace():
            row.where += line.split()
            continue
        ident, rule, where = re.split(r"\s{2,}", line, maxsplit=2)
        if ident in rows:
            raise SystemExit(f"{path.name}: {ident} is there already")
        is_open = where.startswith("open:")
        row = rows[ident] = Row(ident, rule,
                                [where] if is_open else where.split())


# Results


def read_unit_log(path, results):
    """A program that ends early has started more tests than it counts."""
    text = path.read_text(errors="replace")
    started = re.findall(r"^\[=+\] Running (\d+) test", text, re.MULTILINE)
    passed = re.findall(r"^\[  PASSED  \] (\d+) test", text, re.MULTILINE)
    is_good = started and started == passed and "[  FAILED  ]" not in text
    results.units[path.stem] = "passed" if is_good else "failed"


def add_case(results, file, case, outcome):
    key = file, case.partition("[")[0]
    results.cases[key][case] = outcome


def read_junit(path, results):
    for case in ElementTree.parse(path).iter("testcase"):
        file = case.get("classname").rpartition(".")[2] + ".py"
        tags = {child.tag for child in case}
        outcome = ("failed" if tags & {"failure", "error"} else
                   "skipped" if "skipped" in tags else "passed")
        add_case(results, file, case.get("name"), outcome)


def read_summary(text, results):
    """The lines of pytest -rA. Those of skips name no case."""
    outcomes = {"PASSED": "passed", "FAILED": "failed", "ERROR": "failed"}
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        file, mark, case = rest.partition("::")
        if word in outcomes and mark:
            add_case(results, file.rpartition("/")[2],
                     case.partition(" - ")[0], outcomes[word])


def read_results(paths):
    results = Results({}, collections.defaultdict(dict))
    for path in map(pathlib.Path, paths):
        if path.suffix == ".log":
            read_unit_log(path, results)
        elif path.suffix == ".xml":
            read_junit(path, results)
        else:
            read_summary(path.read_text(errors="replace"), results)
    return results


# Judging


def unit_result(row, program, results):
    source = HERE / "unit" / f"{program}.c"
    if not source.exists() or program not in results.units:
        raise Problem(f"there is no result of {program}")
    quoted = " ".join(QUOTED.findall(source.read_text()))
    if not names(row.ident, quoted):
        raise Problem(f"{source.name} does not name {row.ident}")
    return results.units[program]


def case_result(row, pattern, results):
    file, _, function = pattern.partition("::")
    cases = results.cases.get((file, function))
    if not cases:
        raise Problem(f"there is no result of {pattern}")
    found = [outcome for case, outcome in cases.items()
             if names(row.ident, case)]
    if not found:
        raise Problem(f"no case of {pattern} names {row.ident}")
    if "failed" in found:
        return "failed"
    if "passed" not in found:
        return "skipped"
    count = found.count("passed")
    return "passed" if count == 1 else f"passed, {count} cases"


def decided_result(where):
    """The title of the section, or nothing for the matrix."""
    if re.fullmatch(r"15\.\d+", where):
        return ""
    document, _, number = where.rpartition("-")
    path = HERE.parent / document
    if not document.startswith("doc/") or not path.is_file():
        raise Problem(f"there is no {where}")
    title = re.search(rf"^{number}\. (.+)$", path.read_text(), re.MULTILINE)
    if not title:
        raise Problem(f"{document} has no section {number}")
    return title[1]


def result_of(row, token, results, rows):
    kind, _, rest = token.partition(":")
    if kind == "unit":
        return unit_result(row, rest, results)
    if kind == "e2e":
        return case_result(row, rest, results)
    if kind == "row" and rest in rows:
        return "see there"  # a failure shows in that row
    if kind == "decided":
        return decided_result(rest)
    if token in MAY_SKIP or (kind == "open" and rest):
        return ""
    raise Problem(f"what is {token}?")


def may_skip(row):
    return any(MAY_SKIP[token]() for token in row.where if token in MAY_SKIP)


def did_not_run(outcomes):
    return "skipped" in outcomes and not any(
        outcome.startswith("passed") for outcome in outcomes)


def print_row(row, results, rows):
    """Prints its lines; what is wrong with it."""
    problems, outcomes = [], []
    ident, rule = row.ident, row.rule
    for token in row.where:
        try:
            outcome = result_of(row, token, results, rows)
        except Problem as cause:
            outcome = f"NONE: {cause}"
        outcomes.append(outcome)
        if outcome.startswith(("NONE", "failed")):
            problems.append(f"{row.ident}: {token}: {outcome}")
        print(f"{ident:<4} {rule:<40} {token:<76} {outcome}".rstrip())
        ident = rule = ""
    if did_not_run(outcomes) and not may_skip(row):
        problems.append(f"{row.ident}: all of its tests were skipped")
    return problems


def main(paths):
    if not paths:
        print(__doc__, file=sys.stderr)
        return 1
    rows, wanted, results = {}, [], read_results(paths)
    for table in TABLES:
        read_rows(table, rows, wanted)
    problems = [f"{ident}: is in no table" for ident in wanted
                if ident not in rows]
    problems += [f"{ident}: there is no such row" for ident in rows
                 if ident not in wanted]
    for row in rows.values():
        problems += print_row(row, results, rows)
    opened = [row.ident for row in rows.values()
              if row.where[0].startswith("open:")]
    print(f"{len(rows)} rows, open: {' '.join(opened) or 'none'}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
