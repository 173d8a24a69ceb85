# SPDX-License-Identifier: Apache-2.0
"""False alarms and power of the schema detector's window checks.

    WEIR_DATA=FOLDER script/python bench/schema_windows.py [alarms] [power] [--only NAME] [--sentences]

alarms: data in which nothing is broken. Each table is cut in two: a profile of the first third, and
a replay of the rest, in windows of 100, 500 and 2,000 records and of 500 minutes (a record each),
beside the profile and without any; in the table's own order, and twice shuffled. The data drift,
and some series have outages: that is for other detectors, and the contract holds. So every alert
counts as false, whatever the data's own labels say. The data are not part of weir. Simulated
streams (stationary, with a day's rhythm, drifting) have hours of 100 to 100,000 records, and
slices, too.

power: the stationary stream with a share of the records of some fields changed from an hour on: in
how many of the runs the right rule and field are named, and in which window after that.
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
import statistics
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", SOURCE / "build"))
START, MINUTE, HOUR, DAY = 1700006400000, 60000, 3600000, 86400000
RULES = ["volume", "frozen", "null_rate", "new_categories", "vanished_categories", "distinct",
         "default_spike", "swapped", "gibberish"]  # fmt: skip
SHUFFLES = 2


# ---- tables


def read(path, skip=()):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.reader(file))
    kept = [i for i, name in enumerate(rows[0]) if name.lower() not in skip]
    return [rows[0][i] for i in kept], [[row[i] for i in kept] for row in rows[1:]]


def real(data):
    """(name, is a stream, columns, rows) of every set that there is."""
    times = {"timestamp", "label"}
    for folder, pattern in (("nab", "data/**/*.csv"), ("ms_cloud_monitoring", "data/**/*.csv*")):
        for path in sorted((data / folder).glob(pattern)):
            if "metadata" not in path.name:
                yield folder, True, *read(path, times)
    loans = data / "nannyml_car_loan"
    skip = {"id", "timestamp"}
    names, before = read(loans / "synthetic_car_loan_reference.csv.gz", skip | {"repaid"})
    other, after = read(loans / "synthetic_car_loan_analysis.csv.gz", skip)
    if names == other:
        yield "nannyml_car_loan", True, names, before + after
    yield "elec2", True, *read(data / "elec2/electricity.csv.gz")
    yield "sea_concepts", True, *read(data / "sea_concepts/SEA_50k.csv.gz")
    for path in sorted((data / "synthetic_streams").glob("*.gz")):
        yield "synthetic_streams", True, *read(path)
    # Tables, sorted by what is in them, and no streams.
    for name in ("data_errors/beers/clean.csv", "data_errors/hospital/clean.csv",
                 "compas/compas-scores-two-years.csv",
                 "leak_aer_creditcard/AER_credit_card_data.csv"):  # fmt: skip
        yield name.split("/")[0], False, *read(data / name)


NAMES = ["amount", "level", "count", "lat", "lon", "country", "device", "region", "product",
         "user", "name", "opt", "rate", "shift", "sun"]  # fmt: skip
FRESH = (8, 9, 10)  # drawn anew for each record
COUNTRIES = ["US", "DE", "JP", "FR", "GB", "ES", "IT", "BR"]
REGIONS = {"r30": 30, "r10": 10, "r3": 3, "r1": 1, "rest": 56}
CHUNKS: list[str] = []
SYLLABLES = ["ka", "to", "mi", "ra", "ne", "so", "li", "da", "ven", "shi", "mo", "ba"]


def fresh(rng):
    """Values that never cease to be new."""
    return [f"p{int(rng.paretovariate(1.2))}", f"u{int(rng.paretovariate(0.8))}",
            rng.choice(CHUNKS) + rng.choice(CHUNKS)]  # fmt: skip


def record(rng, swing=0.0, hour=0):
    return [f"{rng.lognormvariate(3 + swing / 4, 1):.2f}", f"{rng.gauss(swing, 1):.3f}",
            str(int(rng.expovariate(1 / (6 + 2 * swing)))),
            f"{rng.gauss(35, 2):.4f}", f"{rng.gauss(139, 2):.4f}",
            rng.choices(COUNTRIES, [8 + 2 * swing, 4, 3, 3, 2, 2, 1, 1])[0],
            rng.choice(["ios", "android", "web"]),
            rng.choices(list(REGIONS), list(REGIONS.values()))[0],
            *fresh(rng), "" if rng.random() < 0.03 + swing / 40 else str(rng.randint(1, 50)),
            f"{rng.betavariate(2, 5):.4f}", ("night", "early", "late")[hour // 8],
            f"{max(0.0, swing) * rng.random():.3f}"]  # fmt: skip


class Stream:
    """Hours drawn from a pool of records each: a day's rhythm has a pool an hour of the day."""

    def __init__(self, kind, pool=60000):
        self.kind, self.rng = kind, random.Random(kind)
        if not CHUNKS:
            CHUNKS.extend(a + b + c for a in SYLLABLES for b in SYLLABLES for c in ["", *SYLLABLES])
        if kind == "seasonal":
            swings = [math.sin(h / 24 * 2 * math.pi) for h in range(24)]
        elif kind == "drifting":
            swings = [h / 24 for h in range(25)]
        else:
            swings = [0]
        hours = range(24) if kind == "seasonal" else [12] * len(swings)
        self.pools = [[record(self.rng, s, h) for _ in range(pool // len(swings))]
                      for s, h in zip(swings, hours)]  # fmt: skip
        self.lines = [[(",".join(row[: FRESH[0]]), ",".join(row[FRESH[-1] + 1 :])) for row in rows]
                      for rows in self.pools]  # fmt: skip

        self.kinds = [kind_of(column) for column in zip(*self.pools[0])]

    def pool_of(self, hour, hours):
        if self.kind == "drifting":  # from the first hour to the last
            return max(0, hour) * (len(self.pools) - 1) // max(1, hours - 1)
        return hour % len(self.pools)

    def draw(self, hour, hours, n):
        parts = self.rng.choices(self.lines[self.pool_of(hour, hours)], k=n)
        return [f"{a},{','.join(fresh(self.rng))},{b}" for a, b in parts]

    def draw_rows(self, n):
        rows = self.rng.choices(self.pools[0], k=n)
        return [[*row[: FRESH[0]], *fresh(self.rng), *row[FRESH[-1] + 1 :]] for row in rows]


# ---- running weir


def weir(*arguments):
    done = subprocess.run([BUILD / "weir", *map(str, arguments)], capture_output=True, text=True,
                          check=False)  # fmt: skip
    if done.returncode:
        sys.exit(f"weir {arguments[0]}: {done.stderr}")


def kind_of(column):
    try:
        for value in column:
            float(value or 0)
        return "double"
    except ValueError:
        return "string"


def configure(folder, names, kinds, detectors, profiles=None):
    config = folder / "config.yaml"
    lines = ["version: 1", "app: bench", f"state_dir: {folder}/state", "streams:", "  s:",
             "    format: csv", "    time: at", "    fields:", "      at: {type: long}"]  # fmt: skip
    lines += [f"      {json.dumps(n)}: {{type: {k}, nullable: true}}" for n, k in zip(names, kinds)]
    lines += ["references:", f"  before: {{profile: {profiles or folder}/before.avro}}", "detectors:"]
    lines += [f"  {name}: {{type: schema, stream: s, minimum: 100, {options}}}"
              for name, options in detectors.items()]  # fmt: skip
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return config


def profile(folder, config):
    weir("profile", "-q", "-c", config, "-s", "s", "-i", folder / "before.csv",
         "-o", folder / "before.avro")  # fmt: skip


def alerts_of(folder, config):
    weir("replay", "-q", "-c", config, "-i", f"s={folder}/after.csv", "-o",
         f"alerts={folder}/alerts.jsonl")  # fmt: skip
    with open(folder / "alerts.jsonl", encoding="utf-8") as file:
        return [a for a in map(json.loads, file) if a["status"] == "open" and a["rule"] in RULES]


def write_table(path, names, rows, first):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["at", *names])
        writer.writerows([START + (first + i) * MINUTE, *row] for i, row in enumerate(rows))


def write_hours(path, hours):
    """hours: (start in ms, length in ms, lines)"""
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(["at", *NAMES]) + "\n")
        for start, length, lines in hours:
            step = length / max(1, len(lines))
            file.writelines(f"{start + int(i * step)},{line}\n" for i, line in enumerate(lines))


def write_reference(path, stream, hours, rows):
    """Ten days, so that a week's rhythm is known."""
    each = rows // 240
    write_hours(path, ((START - (240 - h) * HOUR, HOUR,
                        stream.draw(h if stream.kind == "seasonal" else 0, hours, each))
                       for h in range(240)))  # fmt: skip


# ---- false alarms


class Tally:
    def __init__(self):
        self.found = collections.defaultdict(collections.Counter)
        self.judged, self.tables = collections.Counter(), collections.Counter()

    def add(self, table, judged, alerts, sentences):
        self.tables[table] += 1
        self.judged[table] += judged
        for alert in alerts:
            self.found[table][alert["rule"]] += 1
            if sentences:
                print(f"  {table} {alert['detector']} {alert['window']['start']}: "
                      f"{alert['summary']}", flush=True)  # fmt: skip

    def show(self):
        print("| data | tables | fields x windows | " + " | ".join(RULES) + " |")
        print("|---" * (3 + len(RULES)) + "|")
        for table, judged in self.judged.items():
            cells = [table, self.tables[table], f"{judged:,}"]
            cells += [self.found[table][rule] for rule in RULES]
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def measure_table(tally, table, names, rows, sentences):
    sizes = [size for size in (100, 500, 2000) if size * 4 <= len(rows)]
    windows = {f"r{size}": f"{{records: {size}}}" for size in sizes} | {"minutes": "{size: 500m}"}
    detectors = {f"{name}{'_alone' if alone else ''}":
                 ("" if alone else "reference: before, ") + f"window: {window}"
                 for name, window in windows.items() for alone in (0, 1)}  # fmt: skip
    names = [f"{name or 'column'}_{i}" for i, name in enumerate(names)]
    kinds = [kind_of(column) for column in zip(*rows)]
    before, after = rows[: len(rows) // 3], rows[len(rows) // 3 :]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_table(folder / "before.csv", names, before, 0)
        write_table(folder / "after.csv", names, after, len(before))
        config = configure(folder, names, kinds, detectors)
        profile(folder, config)
        judged = 2 * len(names) * sum(len(after) // size for size in (*sizes, 500))
        tally.add(table, judged, alerts_of(folder, config), sentences)


def measure_stream(tally, kind, sentences):
    stream = Stream(kind)
    slices = ["device", "region"]
    for each, hours in ((100, 960), (1000, 480), (10000, 120), (100000, 36)):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write_reference(folder / "before.csv", stream, hours, 96000)
            write_hours(folder / "after.csv", ((START + h * HOUR, HOUR, stream.draw(h, hours, each))
                                               for h in range(hours)))  # fmt: skip
            config = configure(folder, NAMES, stream.kinds, {
                "beside": f"reference: before, window: {{size: 1h}}, by: {json.dumps(slices)}",
                "alone": "window: {size: 1h}",
                "short": "reference: before, window: {size: 5m}"})  # fmt: skip
            profile(folder, config)
            short = 12 if each >= 1200 else 0
            judged = 2 + 3 * len(REGIONS) + short
            tally.add(f"{kind}, hours of {each:,}", len(NAMES) * hours * judged,
                      alerts_of(folder, config), sentences)  # fmt: skip


def alarms(options):
    tally = Tally()
    for kind in ("stationary", "seasonal", "drifting"):
        if not options.only or options.only in kind:
            measure_stream(tally, kind, options.sentences)
    data = os.environ.get("WEIR_DATA")
    for table, ordered, names, rows in real(pathlib.Path(data)) if data else ():
        if options.only and options.only not in table:
            continue
        if ordered:
            measure_table(tally, f"{table}, in order", names, rows, options.sentences)
        for shuffle in range(SHUFFLES):
            mixed = rows[:]
            random.Random(shuffle).shuffle(mixed)
            measure_table(tally, f"{table}, shuffled", names, mixed, options.sentences)
    tally.show()


# ---- power


def gibberish(rng, row):
    row[10] = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in row[10])


def swap(row, a, b):
    row[a], row[b] = row[b], row[a]


# What is done to a record, and what should be named: one of the rules, and the field. Each has fields of its own.
FAULTS = {
    "null_rate (opt, 3% before)": ("null_rate", "opt", lambda rng, r: r.__setitem__(11, "")),
    "new_categories (country)": ("new_categories", "country",
                                 lambda rng, r: r.__setitem__(5, "Japan")),
    "default_spike (amount = 0)": ("default_spike frozen", "amount", lambda rng, r: r.__setitem__(0, "0")),
    "default_spike (rate = its mean)": ("default_spike frozen", "rate",
                                        lambda rng, r: r.__setitem__(12, "0.2857")),
    "swapped (lat, lon)": ("swapped", "lat", lambda rng, r: swap(r, 3, 4)),
    "gibberish (name)": ("gibberish", "name", gibberish),
    "distinct (product: an id of its own)": ("distinct new_categories", "product",
                                             lambda rng, r: r.__setitem__(8, f"q{rng.random()}")),
    "frozen (level)": ("frozen default_spike", "level", lambda rng, r: r.__setitem__(1, "0.5")),
    "distinct (user: one of ten)": ("distinct", "user",
                                    lambda rng, r: r.__setitem__(9, f"u{rng.randint(1, 10)}")),
}  # fmt: skip
SHARES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
CLEAN, FAULTY = 30, 6  # hours
POWER = {"d": "reference: before, window: {size: 1h}"}


def fault_hours(stream, rng, each, share, pick):
    for h in range(CLEAN + FAULTY):
        start = START + h * HOUR
        if h < CLEAN:
            yield start, HOUR, stream.draw(h, 0, each)
            continue
        rows = stream.draw_rows(each)
        pick(rng, rows, share)
        yield start, HOUR, [",".join(row) for row in rows]


def change_fields(rng, rows, share):
    for _, _, change in FAULTS.values():
        for row in rows:
            if rng.random() < share:
                change(rng, row)


def vanish(rng, rows, share):
    for row in rows:
        row[7] = "rest" if row[7] == f"r{round(100 * share)}" else row[7]


def lose(rng, rows, share):
    rows[:] = [row for row in rows if rng.random() >= share]


def repeat(rng, rows, share):
    rows += rows * round(share * 10)


def run_power(stream, learnt, each, share, seed, pick):
    """Rule and field to the first window, counted from 1, in which they were named."""
    rng = random.Random(f"{each} {share} {seed} {pick.__name__}")
    stream.rng = rng
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_hours(folder / "after.csv", fault_hours(stream, rng, each, share, pick))
        config = configure(folder, NAMES, stream.kinds, POWER, learnt)
        named = {}
        for alert in alerts_of(folder, config):
            window = (alert["window"]["start"] - START) // HOUR - CLEAN + 1
            for field in alert["fields"] or [""]:
                named.setdefault((alert["rule"], field), window)
        return named


def power_of(stream, learnt, each, seeds, pick, wanted, shares):
    """A row of cells to each wanted rule and field."""
    cells = {fault: [] for fault in wanted}
    false = 0
    for share in shares:
        runs = [run_power(stream, learnt, each, share, seed, pick) for seed in range(seeds)]
        false += sum(window < 1 for run in runs for window in run.values())
        for fault, key in wanted.items():
            rules, field = key
            windows = [min(found) for run in runs if (found := [
                run[rule, field] for rule in rules.split() if run.get((rule, field), 0) >= 1])]
            delay = f" in {statistics.median(windows):g}" if windows else ""
            cells[fault].append(f"{len(windows)}/{seeds}{delay}")
    return cells, false


def power(_options):
    stream = Stream("stationary")
    with tempfile.TemporaryDirectory() as name:
        learnt = pathlib.Path(name)
        write_reference(learnt / "before.csv", stream, 0, 96000)
        profile(learnt, configure(learnt, NAMES, stream.kinds, POWER))
        show_power(stream, learnt)


def show_power(stream, learnt):
    fields = {fault: rule[:2] for fault, rule in FAULTS.items()}
    for each, seeds in ((100, 6), (1000, 6), (10000, 3)):
        print(f"\nHours of {each:,} records; found / runs, in the n-th window of the fault:\n")
        print("| fault | " + " | ".join(f"{100 * s:g}%" for s in SHARES) + " |")
        print("|---" * (len(SHARES) + 1) + "|")
        cells, false = power_of(stream, learnt, each, seeds, change_fields, fields, SHARES)
        gone, more = power_of(stream, learnt, each, seeds, vanish,
                              {"vanished_categories (region)": ("vanished_categories", "region")},
                              SHARES[1:5])  # fmt: skip
        gone = {fault: ["", *row, ""] for fault, row in gone.items()}
        for fault, row in (cells | gone).items():
            print(f"| {fault} | " + " | ".join(row) + " |", flush=True)
        for pick, what, shares in ((lose, "lost", (0.5, 0.8, 0.9, 0.99)),
                                   (repeat, "sent again, times ten", (0.2, 0.3, 0.5, 0.9))):
            rows, least = power_of(stream, learnt, each, seeds, pick,
                                   {"volume": ("volume", "")}, shares)  # fmt: skip
            more += least
            print(f"\nvolume, records {what}: " + ", ".join(
                f"{100 * s:g}%: {cell}" for s, cell in zip(shares, rows["volume"])))  # fmt: skip
        print(f"\nalerts before the fault: {false + more}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", help="alarms, power; both unless said")
    parser.add_argument("--only", help="data whose name has this")
    parser.add_argument("--sentences", action="store_true", help="print what each alert says")
    options = parser.parse_args()
    for what in options.what or ("alarms", "power"):
        {"alarms": alarms, "power": power}[what](options)


if __name__ == "__main__":
    main()
