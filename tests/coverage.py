#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What of src/dns and src/mux the programs that ran in a build with gcc's
--coverage have reached:

    coverage.py [-v] BUILD

A table of lines and branches for each file; with -v also each line that was
not reached, and each of which a branch was not taken. Sources that were
compiled more than once count together."""
import collections
import json
import pathlib
import subprocess
import sys


def reports(build):
    for data in sorted(build.rglob("*.gcda")):
        done = subprocess.run(
            ["gcov", "--json-format", "--branch-probabilities", "--stdout",
             data.relative_to(build)],
            cwd=build, check=True, capture_output=True, text=True)
        for text in done.stdout.splitlines():
            yield json.loads(text)


def collect(build):
    """{file: {line: [count, [count of a branch, ...]]}}"""
    files = collections.defaultdict(dict)
    for report in reports(build):
        for one in report["files"]:
            name = one["file"].split("/src/")[-1]
            if not name.startswith(("dns/", "mux/")):
                continue
            for line in one["lines"]:
                new = [branch["count"] for branch in line["branches"]]
                number = line["line_number"]
                count, old = files[name].get(number, (0, [0] * len(new)))
                assert len(old) == len(new), (name, number)
                files[name][number] = (
                    count + line["count"],
                    [a + b for a, b in zip(old, new)])
    return files


def percent(part, whole):
    return f"{100 * part / whole:6.1f} %  {part:4}/{whole:<4}" if whole \
        else " " * 19


def row(name, lines):
    taken = [count for _, branches in lines for count in branches]
    return (f"{name:24}{percent(sum(n > 0 for n, _ in lines), len(lines))}"
            f"  {percent(sum(n > 0 for n in taken), len(taken))}").rstrip()


def main():
    is_verbose = "-v" in sys.argv
    files = collect(pathlib.Path(sys.argv[-1]).resolve())
    print(f"{'file':24}{'lines':>8}{'branches':>24}")
    for name in sorted(files):
        print(row(name, files[name].values()))
    print(row("all", [line for f in files.values() for line in f.values()]))
    for name, lines in sorted(files.items()) if is_verbose else ():
        for number, (count, branches) in sorted(lines.items()):
            if count == 0:
                print(f"{name}:{number}: not reached")
            elif 0 in branches:
                print(f"{name}:{number}: branches {branches}")


if __name__ == "__main__":
    main()
