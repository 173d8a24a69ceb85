# SPDX-License-Identifier: Apache-2.0
"""What `schema` finds in single records from a profile alone: sentinels, misspelled words, empties.

    script/python bench/found.py DATA

DATA is a folder with CSV tables (.csv, .csv.gz), looked through. Of each, shuffled and as it is, the
first half is profiled and the second replayed: whatever the rules say of it is false. Then each
column in turn gets a placeholder in one of a hundred records of the second half. Prints, for each
placeholder, in how many of the columns it is reported, and what was said of the clean halves.
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
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent
WEIR = pathlib.Path(os.environ.get("WEIR_BUILD", SOURCE.parent / "build")) / "weir"
RULES = ("sentinel", "misspelled", "empty")
STREAM = "version: 1\napp: found\nstreams:\n  s: {topic: s, format: json}\n"
DETECTOR = """references: {training: {profile: p.avro}}
alerts: {topic: alerts, redact: false}
detectors:
  found: {type: schema, stream: s, reference: training, windows: false}
"""
EVERY, LEAST = 100, 2000  # records


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def misspell(text):
    """A letter in the middle is another, where there are letters enough."""
    at = len(text) // 2
    return text[:at] + ("q" if text[at] != "q" else "k") + text[at + 1 :] if len(text) > 3 else None


PLACEHOLDERS = {  # what stands in the place of a value, None: nothing fits
    "-1": lambda text: "-1" if is_number(text) else None,
    "-999": lambda text: "-999" if is_number(text) else None,
    "0": lambda text: "0" if is_number(text) else None,
    "9999": lambda text: "9999" if is_number(text) else None,
    "2147483647": lambda text: "2147483647" if is_number(text) else None,
    "N/A": lambda text: None if is_number(text) else "N/A",
    "unknown": lambda text: None if is_number(text) else "unknown",
    "empty": lambda text: None if is_number(text) else "",
    "a letter changed": lambda text: None if is_number(text) else misspell(text),
}


def read(path):
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
        return list(csv.reader(file))


def write(path, header, rows):
    with path.open("w") as file:
        for row in rows:
            cells = [float(cell) if cell and is_number(cell) else cell for cell in row]
            file.write(json.dumps(dict(zip(header, cells))) + "\n")


def weir(folder, *arguments):
    return subprocess.run([WEIR, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def opened(folder):
    done = weir(folder, "replay", "-q", "-c", "weir.yaml", "-i", "s=now.jsonl",
                "--output", "alerts=alerts.jsonl")  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    alerts = [json.loads(line) for line in (folder / "alerts.jsonl").open()]
    return [a for a in alerts if a["status"] == "open" and a["rule"].partition(":")[0] in RULES]


def table(folder, header, rows, tally, false):
    half = len(rows) // 2
    write(folder / "then.jsonl", header, rows[:half])
    done = weir(folder, "profile", "-q", "-c", "bare.yaml", "-s", "s", "-i", "then.jsonl", "-o", "p.avro")
    if done.returncode:
        raise SystemExit(done.stderr)
    now = rows[half : half + 5000]
    write(folder / "now.jsonl", header, rows[half:])
    false.extend(alert["summary"] for alert in opened(folder))
    for column in range(len(header)):
        for name, put in PLACEHOLDERS.items():
            spoiled = [list(row) for row in now]
            wanted = 0
            for row in spoiled[::EVERY]:
                value = put(row[column]) if row[column] else None
                if value is not None and value != row[column]:
                    row[column] = value
                    wanted += 1
            if not wanted:
                continue
            write(folder / "now.jsonl", header, spoiled)
            tally[name][1] += 1
            tally[name][0] += any(a["fields"] == [header[column]] for a in opened(folder))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=pathlib.Path)
    options = parser.parse_args()
    tally, false, n = collections.defaultdict(lambda: [0, 0]), [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "bare.yaml").write_text(STREAM)
        (folder / "weir.yaml").write_text(STREAM + DETECTOR)
        for path in sorted([*options.data.rglob("*.csv"), *options.data.rglob("*.csv.gz")]):
            header, *rows = read(path)
            rows = [[cell or None for cell in row] for row in rows if len(row) == len(header)]
            if len(rows) < LEAST or len(set(header)) < len(header):
                continue
            for shuffled in (False, True):
                if shuffled:
                    random.Random(1).shuffle(rows)
                table(folder, header, rows, tally, false)
                n += 1
    print(f"{n} halves, {len(false)} false alarms", *false, sep="\n")
    print("| placeholder | columns | reported |\n|---|---|---|")
    for name, (found, all_) in tally.items():
        print(f"| {name} | {all_} | {found} |")


if __name__ == "__main__":
    main()
