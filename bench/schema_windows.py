# SPDX-License-Identifier: Apache-2.0
"""False alarms of the schema detector's window checks on data in which nothing is broken.

    WEIR_DATA=FOLDER script/python bench/schema_windows.py [--only NAME] [--sentences]

Each table is cut in two: a profile of the first part, and a replay of the rest, in windows of 500
records and again in windows of time, once beside the profile and once without any. The data
drift, and some series have outages: that is for other detectors, and the contract holds. So every
alert counts as false, whatever the data's own labels say. The data are not part of weir; simulated
streams (stationary, seasonal, drifting) are always run.
"""

import argparse
import collections
import csv
import gzip
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", SOURCE / "build"))
START, MINUTE = 1700006400000, 60000
RULES = ["volume", "frozen", "null_rate", "new_categories", "vanished_categories", "distinct",
         "default_spike", "swapped", "gibberish"]  # fmt: skip


def read(path, skip=()):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.reader(file))
    kept = [i for i, name in enumerate(rows[0]) if name.lower() not in skip]
    return [rows[0][i] for i in kept], [[row[i] for i in kept] for row in rows[1:]]


def real(data):
    """(name, columns, training, serving) of every set that there is."""
    times = {"timestamp", "label"}
    for folder, pattern in (("nab", "data/**/*.csv"), ("ms_cloud_monitoring", "data/**/*.csv*")):
        for path in sorted((data / folder).glob(pattern)):
            if "metadata" not in path.name:
                names, rows = read(path, times)
                yield folder, names, rows[: len(rows) // 3], rows[len(rows) // 3 :]
    loans = data / "nannyml_car_loan"
    skip = {"id", "timestamp"}
    names, before = read(loans / "synthetic_car_loan_reference.csv.gz", skip | {"repaid"})
    other, after = read(loans / "synthetic_car_loan_analysis.csv.gz", skip)
    if names == other:
        yield "nannyml_car_loan", names, before, after
    single = ["elec2/electricity.csv.gz", "sea_concepts/SEA_50k.csv.gz", "data_errors/beers/clean.csv",
              "data_errors/hospital/clean.csv", "compas/compas-scores-two-years.csv",
              "leak_aer_creditcard/AER_credit_card_data.csv"]  # fmt: skip
    single += [str(p.relative_to(data)) for p in sorted((data / "synthetic_streams").glob("*.gz"))]
    for name in single:
        names, rows = read(data / name)
        if not name.startswith(("elec2", "sea", "synthetic")):
            random.Random(1).shuffle(rows)  # a table, sorted by what is in it, and no stream
        yield name.split("/")[0], names, rows[: len(rows) // 3], rows[len(rows) // 3 :]


def simulated():
    """Twenty fields; the level of some swings with the day, or wanders."""
    for kind in ("stationary", "seasonal", "drifting"):
        source = random.Random(kind)
        names = [f"x{i}" for i in range(12)] + [f"c{i}" for i in range(8)]
        rows = []
        for i in range(90000):
            swing = math.sin(i / 1440 * 2 * math.pi) if kind == "seasonal" else 0
            wander = max(0, i - 30000) / 30000 if kind == "drifting" else 0
            row = [f"{source.gauss(10 * k + swing + wander, 1 + k):.2f}" for k in range(4)]
            row += [f"{source.lognormvariate(k + (swing + wander) / 4, 1):.3f}" for k in range(4)]
            row += [str(int(source.expovariate(1 / (k + 2 + swing)))) for k in range(4)]
            tilt = [1 + (swing + wander) * 0.2, 1, 1]
            for k in range(8):
                values = [f"{chr(97 + k)}{n}" for n in range(3 + 4 * k)]
                weights = [tilt[min(n, 2)] / (n + 1) for n in range(len(values))]
                row.append("" if source.random() < 0.03 + swing / 100
                           else source.choices(values, weights)[0])  # fmt: skip
            rows.append(row)
        yield f"simulated {kind}", names, rows[:30000], rows[30000:]


def kind_of(column):
    try:
        for value in column:
            float(value or 0)
        return "double"
    except ValueError:
        return "string"


def weir(*arguments):
    done = subprocess.run([BUILD / "weir", *map(str, arguments)], capture_output=True, text=True,
                          check=False)  # fmt: skip
    if done.returncode:
        sys.exit(f"weir {arguments[0]}: {done.stderr}")


def write(path, names, rows, first):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["at", *names])
        writer.writerows([START + (first + i) * MINUTE, *row] for i, row in enumerate(rows))


def alerts_of(folder, names, kinds, detector):
    config = folder / "config.yaml"
    lines = ["version: 1", "app: bench", f"state_dir: {folder}/state", "streams:", "  s:",
             "    format: csv", "    time: at", "    fields:", "      at: {type: long}"]  # fmt: skip
    lines += [f"      {json.dumps(n)}: {{type: {k}, nullable: true}}" for n, k in zip(names, kinds)]
    lines += ["references:", f"  before: {{profile: {folder}/before.avro}}",
              "detectors:", f"  d: {{type: schema, stream: s, {detector}}}"]  # fmt: skip
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if not (folder / "before.avro").exists():
        weir("profile", "-q", "-c", config, "-s", "s", "-i", folder / "before.csv",
             "-o", folder / "before.avro")  # fmt: skip
    weir("replay", "-q", "-c", config, "-i", f"s={folder}/after.csv", "-o",
         f"alerts={folder}/alerts.jsonl")  # fmt: skip
    with open(folder / "alerts.jsonl", encoding="utf-8") as file:
        return [a for a in map(json.loads, file) if a["status"] == "open" and a["rule"] in RULES]


def measure(table, names, before, after, sentences):
    windows = [f"{reference}window: {window}"
               for reference in ("reference: before, ", "")
               for window in ("{records: 500}", "{size: 5h}")]  # fmt: skip
    names = [f"{name or 'column'}_{i}" for i, name in enumerate(names)]
    kinds = [kind_of(column) for column in zip(*(before + after))]
    found = collections.Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write(folder / "before.csv", names, before, 0)
        write(folder / "after.csv", names, after, len(before))
        for window in windows:
            for alert in alerts_of(folder, names, kinds, window):
                found[alert["rule"]] += 1
                if sentences:
                    print(f"  {table} [{window}] {alert['window']['start']}: {alert['summary']}")
    judged = len(names) * sum(len(after) // size for size in (500, 300)) * 2
    return found, judged


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only")
    parser.add_argument("--sentences", action="store_true", help="print what each alert says")
    options = parser.parse_args()
    sets = list(simulated())
    data = os.environ.get("WEIR_DATA")
    if data:
        sets += list(real(pathlib.Path(data)))
    totals, judged, tables = {}, collections.Counter(), collections.Counter()
    for table, names, before, after in sets:
        if options.only and options.only not in table:
            continue
        found, windows = measure(table, names, before, after, options.sentences)
        totals.setdefault(table, collections.Counter()).update(found)
        judged[table] += windows
        tables[table] += 1
    print("| data | tables | fields x windows | " + " | ".join(RULES) + " |")
    print("|---" * (3 + len(RULES)) + "|")
    for table, found in totals.items():
        cells = [table, tables[table], judged[table], *(found[rule] for rule in RULES)]
        print("| " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    main()
