#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which wrong cells of real tables are found, by a contract that nobody wrote.

    WEIR_DATA=FOLDER bench/dirty.py [--weir build/weir] [--set NAME ...] [--share S ...] [--verbose]

FOLDER/data_errors has a folder a set: clean.csv, dirty.csv with the same rows and columns, and
maybe errors.csv (row from 0, column of dirty.csv) where it differs from what the tables say. A
contract is inferred from a sample of the clean rows (`weir profile`, `weir infer`), the dirty table
is replayed with it and `semantics`, and each (record, field) of the output `faults` counts as a
cell that is said to be wrong. Rows whose clean selves the contract was learnt from are counted, and
left out once more in a figure of their own. Last, clean tables: a contract of one half, held
against the other.
"""

import argparse
import collections
import csv
import gzip
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

STREAM = "s"

# Tables without known errors: what a contract of one half says of the other is false.
CLEAN = ["compas/compas-scores-two-years.csv", "data_errors/hospital/clean.csv",
         "data_errors/beers/clean.csv", "leak_aer_creditcard/AER_credit_card_data.csv",
         "elec2/electricity.csv.gz",
         "nannyml_car_loan/synthetic_car_loan_reference.csv.gz"]  # fmt: skip


def rows_of(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def write_rows(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


class Set:
    """One table twice, and the cells in which the dirty one is wrong."""

    def __init__(self, folder, rows=None):
        self.name = folder.name
        clean, dirty = rows_of(folder / "clean.csv"), rows_of(folder / "dirty.csv")
        self.names, self.dirty = dirty[0], dirty[1:][:rows]
        self.clean = clean[1:][:rows]  # headers differ: columns match by position
        if [len(r) for r in self.clean] != [len(r) for r in self.dirty]:
            sys.exit(f"{folder}: the tables are not of the same shape")
        if (folder / "errors.csv").exists():
            self.wrong = {(int(r[0]), r[1]) for r in rows_of(folder / "errors.csv")[1:]
                          if rows is None or int(r[0]) < rows}  # fmt: skip
        else:
            self.wrong = {(i, name) for i, pair in enumerate(zip(self.clean, self.dirty))
                          for name, a, b in zip(self.names, *pair) if a != b}  # fmt: skip

    def cell(self, table, row, name):
        return table[row][self.names.index(name)]


class Weir:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def __call__(self, *arguments):
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True,
                              check=False, cwd=self.folder)  # fmt: skip
        if done.returncode:
            sys.exit(f"weir {' '.join(map(str, arguments))}: {done.stderr}")

    def learn(self, table, share, seed):
        """The contract's text, learnt from a share of the clean rows, and which these are."""
        rng = random.Random(seed)
        seen = {i for i in range(len(table.clean)) if rng.random() < share}
        sample = [row for i, row in enumerate(table.clean) if i in seen]
        write_rows(self.folder / "sample.csv", [table.names] + sample)
        bare = f"version: 1\napp: dirty\nstreams:\n  {STREAM}: {{topic: s, format: csv}}\n"
        (self.folder / "bare.yaml").write_text(bare)
        self("profile", "-q", "-c", "bare.yaml", "-s", STREAM, "-i", "sample.csv", "-o", "p.avro")
        self("infer", "p.avro", "-f", "csv", "-o", "contract.yaml")
        text = (self.folder / "contract.yaml").read_text()
        meaning = f"  meaning: {{type: semantics, stream: {STREAM}, reference: training}}\n"
        return text + meaning, seen

    def faults(self, contract, table):
        """What the contract says of the dirty table: faults, and alerts of whole windows."""
        (self.folder / "contract.yaml").write_text(contract)
        write_rows(self.folder / "dirty.csv", [table.names] + table.dirty)
        self("replay", "-q", "-c", "contract.yaml", "-i", f"{STREAM}=dirty.csv",
             "--output", "faults=faults", "--output", "alerts=alerts")  # fmt: skip
        return [[json.loads(line) for line in open(self.folder / name, encoding="utf-8")]
                for name in ("faults", "alerts")]  # fmt: skip


class Half:
    """A clean table of which the contract sees one half."""

    def __init__(self, rows, seed):
        rng = random.Random(seed)
        self.names, self.clean, self.dirty = rows[0], [], []
        for row in rows[1:]:
            (self.clean if rng.random() < 0.5 else self.dirty).append(row)


def halves(weir, data, seed):
    print("\n| clean table, a random half of it | records of the other half | said to be wrong | by |"
          "\n|---|---|---|---|")  # fmt: skip
    for name in CLEAN:
        if not (data / name).exists():
            continue
        half = Half(rows_of(data / name), seed)
        faults, _ = weir.faults(weir.learn(half, 1, seed)[0], half)
        rules = collections.Counter(fault["rule"] for fault in faults)
        print(f"| {name} | {len(half.dirty):,} | {len({f['offset'] for f in faults})} | "
              f"{', '.join(f'{rule} {n}' for rule, n in rules.most_common())} |", flush=True)  # fmt: skip


class Score:
    def __init__(self, wrong, said):
        self.hits, self.said, self.wrong = len(wrong & said), len(said), len(wrong)

    def f1(self):
        both = self.said + self.wrong
        return f"{2 * self.hits / both if both else 1:.3f}"

    def __str__(self):
        p = self.hits / self.said if self.said else 1
        r = self.hits / self.wrong if self.wrong else 1
        return f"{p:.3f} | {r:.3f} | {self.f1()}"


def published(folder, name):
    path = folder / "REFERENCE_precision_recall.csv"
    figures = []
    for row in rows_of(path)[1:] if path.exists() else []:
        if row[0] == name:
            p, r, f = (x or "-" for x in row[2:5])
            figures.append(f"{row[1]} {p} / {r} / {f}")
    return "; ".join(figures) or "-"


def details(table, faults, verbose):
    """Who says what, and what is missed."""
    rules = collections.defaultdict(lambda: [set(), set()])
    for fault in faults:
        for name in fault["fields"]:
            cell = (fault["offset"], name)
            rules[fault["rule"]][cell not in table.wrong].add(cell)
    said = set().union(*(cells for pair in rules.values() for cells in pair))
    for rule, (right, false) in sorted(rules.items(), key=lambda r: -len(r[1][1])):
        if verbose or false:
            print(f"  {table.name} {rule}: {len(right)} right, {len(false)} false", end="")
            print("", *[repr(table.cell(table.dirty, *c)) for c in sorted(false)[:3]])
    missed = collections.Counter(name for _, name in table.wrong - said)
    for name, n in missed.most_common():
        some = [c for c in sorted(table.wrong - said) if c[1] == name]
        wrong = sum(c[1] == name for c in table.wrong)
        examples = [f"{table.cell(table.dirty, *c)!r} for {table.cell(table.clean, *c)!r}"
                    for c in random.Random(0).sample(some, min(len(some), 3))]  # fmt: skip
        print(f"  {table.name} {name}: {n} of {wrong} missed:", "; ".join(examples))


def measure(weir, table, share, seed, args):
    contract, seen = weir.learn(table, share, seed)
    if args.verbose:
        print(contract)
    faults, alerts = weir.faults(contract, table)
    said = {(f["offset"], name) for f in faults for name in f["fields"]}
    if args.details or args.verbose:
        details(table, faults, args.verbose)
    meanings = sorted({(a["kind"], *a["fields"]) for a in alerts
                       if a["status"] == "open" and not a["rule"].partition(":")[2]})  # fmt: skip
    rest = Score({c for c in table.wrong if c[0] not in seen}, {c for c in said if c[0] not in seen})
    return Score(table.wrong, said), rest, meanings


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weir", type=pathlib.Path, default="build/weir")
    parser.add_argument("--data", default=os.environ.get("WEIR_DATA"))
    parser.add_argument("--set", action="append", help="these sets alone")
    parser.add_argument("--share", type=float, action="append", help="of clean rows (0.2, 0.5, 1)")
    parser.add_argument("--seeds", type=int, default=1, help="samples of each share")
    parser.add_argument("--rows", type=int, help="the first rows alone")
    parser.add_argument("--details", action="store_true", help="false alarms by rule, and misses")
    parser.add_argument("--verbose", action="store_true", help="contracts and all rules, too")
    args = parser.parse_args()
    folder = pathlib.Path(args.data or "", "data_errors")
    if not args.data or not folder.is_dir():
        sys.exit("WEIR_DATA names no folder with data_errors in it")
    print("| set | clean rows seen | precision | recall | F1 | F1, other rows alone | published: "
          "precision / recall / F1 |\n|---|---|---|---|---|---|---|")  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        weir = Weir(args.weir.resolve(), pathlib.Path(name))
        for path in sorted(p.parent for p in folder.glob("*/dirty.csv")):
            if args.set and path.name not in args.set:
                continue
            table = Set(path, args.rows)
            whole = set()
            for share in args.share or [0.2, 0.5, 1]:
                for seed in range(args.seeds):
                    score, rest, alerts = measure(weir, table, share, seed, args)
                    whole.update(alerts)
                    print(f"| {table.name} | {share:.0%} | {score} | "
                          f"{rest.f1() if share < 1 else '-'} | {published(folder, table.name)} |",
                          flush=True)  # fmt: skip
            for kind, *fields in sorted(whole):
                print(f"  {table.name}: whole column, {kind}: {', '.join(fields)}")
        if not args.set:
            halves(weir, pathlib.Path(args.data), 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
