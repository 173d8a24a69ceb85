# SPDX-License-Identifier: Apache-2.0
"""`weir replay` of 10-field records held to rules: what the rules cost, on one core.

    script/python bench/rules.py [--records 1000000] [--rounds 5] [--core 0] [--json]

Replays an Avro container without a detector, with the rules that `schema` has of itself, and with
20 rules on top of them (bench/rules.yaml); runs take turns. Rates are of records by second on the
clock and by CPU second, with the whole program held to one core.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", SOURCE.parent / "build"))
FIELDS = ["f0", "f1", "f2", "f3", "f4", "f5", "f6", "amount", "country", "device"]


def call(folder, *arguments):
    subprocess.run([str(a) for a in arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def configurations(folder):
    """The whole, one without what is declared, one without a detector."""
    text = (SOURCE / "rules.yaml").read_text()
    (folder / "rules.yaml").write_text(text)
    head, _, rest = text.partition("    fields:\n")
    bare = head + "detectors:\n" + rest.partition("detectors:\n")[2].partition("    rules:")[0]
    (folder / "own.yaml").write_text(bare.replace("reference: training, ", ""))
    (folder / "none.yaml").write_text(head + "detectors: {}\n")
    return {"no detector": "none.yaml", "the rules of itself": "own.yaml", "and 20 more": "rules.yaml"}


def to_json(folder, records):
    """The same fields as JSON lines."""
    rng = random.Random(1)
    with (folder / "one.jsonl").open("w") as out:
        for i in range(records):
            row = {f"f{k}": rng.gauss(0, 1 + k) if k < 4 else rng.random() for k in range(7)}
            row["amount"] = round(rng.lognormvariate(3, 1), 2)
            row["country"] = rng.choice(["US", "DE", "JP", "FR", "BR", "IN"])
            row["device"] = rng.choice(["iphone", "android", "web", "pos-terminal"])
            row["event_time"] = 1767225600000 + i
            out.write(json.dumps(row) + "\n")


def replay(folder, name, data, core):
    child = subprocess.Popen(
        [BUILD / "weir", "replay", "-c", name, "-i", f"records={data}", "--quiet",
         "--stats", "stats.json", "--output", "alerts=alerts.jsonl"],
        cwd=folder, preexec_fn=lambda: os.sched_setaffinity(0, {core}))  # fmt: skip
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit("weir replay failed")
    return usage.ru_utime + usage.ru_stime, json.loads((folder / "stats.json").read_text())


def measure(folder, options):
    call(folder, BUILD / "bench" / "records", "one.avro", options.records, 1)
    call(folder, BUILD / "bench" / "records", "training.avro", 200000, 7)
    names = configurations(folder)
    call(folder, BUILD / "weir", "profile", "-c", "none.yaml", "-s", "records",
         "-i", "training.avro", "-o", "profile.avro")  # fmt: skip
    data = "one.avro"
    if options.json:
        to_json(folder, options.records)
        data = "one.jsonl"
    cpu = {name: [] for name in names}
    clock = {name: [] for name in names}
    for _ in range(options.rounds):
        for name, path in names.items():
            seconds, stats = replay(folder, path, data, options.core)
            cpu[name].append(seconds)
            clock[name].append(stats["seconds"])
            if stats["alerts"] or stats["invalid_records"]:
                raise SystemExit(f"{name}: the records were to be good: {stats}")
    print(f"{options.records} records of {len(FIELDS)} fields, {data}, {options.rounds} rounds, "
          "one core")  # fmt: skip
    print("| | ns a record | M records a CPU second | M records a second by the clock |\n|---|---|---|---|")
    for name in names:
        median, wall = statistics.median(cpu[name]), statistics.median(clock[name])
        n = options.records / 1e6
        print(f"| {name} | {median / n * 1e3:.0f} | {n / median:.2f} | {n / wall:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="JSON lines and not Avro")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(pathlib.Path(folder), options)


if __name__ == "__main__":
    main()
