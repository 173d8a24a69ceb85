# SPDX-License-Identifier: Apache-2.0
"""Detectors on labelled data of others and on simulated quiet streams, through `weir replay`.

    WEIR_DATA=FOLDER script/python bench/detectors.py [--only outage|labels|quiet]

One table: what was to be found and was, what was not to be and was, and recall less the share of
false alarms, which is 1 at best and 0 for a detector that always or never fires. The data
are not part of weir; without them only `quiet`, which is simulated, is run. Nothing here is tuned:
detectors run with their defaults. Drift on labelled data is measured by real_drift.py.
"""

import argparse
import csv
import datetime
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy

SOURCE = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", SOURCE / "build"))
START = 1700006400000  # a Wednesday, 00:00 UTC
HOUR, DAY = 3600000, 86400000


# ---- what the measurements share


def rows_of(path, **options):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, **options)


def write_rows(path, names, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)


def weir(*arguments):
    done = subprocess.run(
        [BUILD / "weir", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"weir {arguments[0]}: {done.stderr}")


def replay(folder, fields, detector, path, reference=None, key=None, more=()):
    """Alerts but resolutions, one for each window that found something. `more`: lines of YAML."""
    lines = ["version: 1", "app: bench", f"state_dir: {folder}/state", "streams:", "  s:"]
    lines += ["    format: csv", "    time: at"] + ([f"    key: {key}"] if key else [])
    lines += ["    fields:", "      at: {type: long}"]
    lines += [f"      {name}: {{{kind}}}" for name, kind in fields.items()]
    if reference:
        lines += ["references:", f"  before: {{profile: {folder}/before.avro}}"]
        detector = f"reference: before, {detector}"
    lines += [*more, "detectors:", f"  d: {{stream: s, repeat: 1s, {detector}}}"]
    config = folder / "config.yaml"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    alerts = folder / "alerts.jsonl"
    if reference:
        weir("profile", "-q", "-c", config, "-s", "s", "-i", reference, "-o", f"{folder}/before.avro")
    weir("replay", "-q", "-c", config, "-i", f"s={path}", "-o", f"alerts={alerts}")
    with open(alerts, encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    return [alert for alert in found if alert["status"] != "resolved"]


class Table:
    """Counts of found and wanted, false and possible."""

    def __init__(self):
        self.rows = []

    def add(self, detector, what, hits, wanted, false, possible, note=""):
        recall = hits / wanted if wanted else float("nan")
        share = false / possible if possible else float("nan")
        self.rows.append(
            (
                detector,
                what,
                f"{hits} of {wanted}" if wanted else "-",
                f"{false} of {possible}" if possible else "-",
                f"{recall - share:.2f}" if wanted and possible else "-",
                note,
            )
        )
        print(" | ".join(str(cell) for cell in self.rows[-1]), file=sys.stderr, flush=True)

    def show(self):
        print(f"Measured {datetime.date.today().isoformat()}.\n")
        print("| detector | data | found | false | recall - false share | |")
        print("|---|---|---|---|---|---|")
        for row in self.rows:
            print("| " + " | ".join(row) + " |")


def score(pairs, wanted, possible):
    return len(pairs & wanted), len(wanted), len(pairs & possible), len(possible)


# ---- outage


def segments_of(labels):
    edges = numpy.flatnonzero(numpy.diff(numpy.concatenate([[0], labels, [0]])))
    return list(zip(edges[::2], edges[1::2]))


def play(path, folder, step, per, mean):
    """A series of rates as records: one for so many units that a window has `mean` of them."""
    values, labels = [], []
    for row in rows_of(path):
        values.append(float(row["Value"]))
        labels.append(int(float(row["Label"])))
    n = len(values) // per
    values = numpy.array(values[: n * per]).reshape(n, per).sum(1)
    labels = numpy.array(labels[: n * per]).reshape(n, per).max(1)
    unit = max(values.mean() / mean, 1)
    ends = numpy.floor(numpy.cumsum(values) / unit).astype(int)
    counts = numpy.diff(ends, prepend=0)
    rows = (
        (START + int(w) * step + k * step // int(count), 1)
        for w, count in enumerate(counts)
        for k in range(int(count))
    )
    write_rows(folder / "records.csv", ["at", "one"], rows)
    return counts, labels


def outages(data, folder, table):
    base = data / "ms_cloud_monitoring" / "data"
    for what, paths, step, per, mean, note in (
        ("data-ingress-rate", sorted((base / "data-ingress-rate").glob("*.csv.gz")), 300000, 5, 60,
         "rates, played as records"),
        ("consumer-purchase-rate 3 and 4",
         [base / "consumer-purchase-rate" / f"purchase-0{i}.csv" for i in (3, 4)], HOUR, 1, 300,
         "hourly counts, thinned; the other four are under 10 an hour"),
    ):  # fmt: skip
        hits = wanted = false = 0
        days = fired = windows = 0
        others = delays = 0
        for path in paths:
            counts, labels = play(path, folder, step, per, mean)
            alerts = replay(
                folder, {"one": "type: long"}, f"type: outage, window: {{size: {step}ms}}",
                folder / "records.csv",
            )  # fmt: skip
            at = numpy.zeros(len(counts), bool)
            incidents = {}
            for alert in alerts:
                w = (alert["window"]["start"] - START) // step
                at[w] = True
                incidents.setdefault(alert["fingerprint"], []).append(
                    (w, alert["status"] == "open")
                )
            day = DAY // step
            near = numpy.zeros(len(counts), bool)
            for begin, end in segments_of(labels):
                near[max(begin - 1, 0) : end + HOUR // step + 1] = True
                # A dip: less than four fifths of the same windows a week, or a day, before.
                back = 7 * day if begin >= 7 * day else day
                usual = counts[max(begin - back, 0) : max(end - back, 1)].mean()
                if begin < 2 * day or counts[begin:end].mean() > 0.8 * usual:
                    others += 1
                    continue
                wanted += 1
                inside = numpy.flatnonzero(at[begin : end + HOUR // step])
                hits += len(inside) > 0
                delays += int(inside[0]) + 1 if len(inside) else 0
            false += sum(
                opened and not near[w] for found in incidents.values() for w, opened in found
            )
            fired += int((at & ~near).sum())
            windows += int((~near).sum())
            days += len(counts) // day
        table.add(
            "outage", f"ms_cloud_monitoring, {what}: labelled dips, windows elsewhere", hits,
            wanted, fired, windows,
            f"{false} false incidents in {days} days; "
            + (f"found after {delays / hits:.1f} windows of {step // 60000} min; " if hits else "")
            + f"{others} labelled stretches are no dips or in the "
            f"first two days; {note}",
        )  # fmt: skip


# ---- labels


def label_sets(data):
    """(name, rows of item, annotator, label, {annotator: (labels on gold, accuracy)})"""
    accuracy = {}
    for row in rows_of(data / "crowd_labels" / "REFERENCE_worker_accuracy.csv"):
        if int(row["n_on_gold"]):
            accuracy.setdefault(row["dataset"], {})[row["worker"]] = (
                int(row["n_on_gold"]),
                float(row["accuracy_on_gold"]),
            )
    for folder in sorted((data / "crowd_labels").iterdir()):
        if folder.is_dir() and folder.name in accuracy:
            path = next(folder.glob("label.csv*"))
            rows = [(r["item"], r["worker"], r["label"]) for r in rows_of(path)]
            yield folder.name.split("__")[1], rows, accuracy[folder.name]
    for task in ("rte", "temp", "wsd"):
        rows, right = [], {}
        path = data / "snow2008" / f"{task}.standardized.tsv"
        for r in rows_of(path, delimiter="\t"):
            rows.append((r["orig_id"], r["!amt_worker_ids"], r["response"]))
            right.setdefault(rows[-1][1], []).append(r["response"] == r["gold"])
        yield (
            "snow2008 " + task,
            rows,
            {worker: (len(r), sum(r) / len(r)) for worker, r in right.items()},
        )


def label_noise(data, folder, table):
    """Wanted: 15 points under the median annotator by the gold; not: at most 5 points under it."""
    for name, rows, accuracy in label_sets(data):
        rows.sort(key=lambda row: row[0])  # an item's labels together, as a queue of work has them
        path = folder / "labels.csv"
        write_rows(
            path,
            ["at", "item", "annotator", "label"],
            ([START + i, *("x" + cell for cell in row)] for i, row in enumerate(rows)),
        )
        alerts = replay(
            folder,
            {
                "item": "type: string",
                "annotator": "type: string, role: annotator",
                "label": "type: string, role: label",
            },
            "type: label_noise, window: {size: 1d}",
            path,
            key="item",
        )
        named = {
            a["slice"]["annotator"][1:]: a["statistic"]["value"]
            for a in alerts
            if a["kind"] == "label.annotator"
        }
        judged = {worker: right for worker, (n, right) in accuracy.items() if n >= 30}
        if len(judged) < 3:
            continue
        median = float(numpy.median(list(judged.values())))
        wanted = {w for w, right in judged.items() if right < median - 0.15}
        good = {w for w, right in judged.items() if right >= median - 0.05}
        both = sorted(named.keys() & judged.keys())
        note = f"{len(named)} named of all {len({row[1] for row in rows})}"
        if len(both) > 2:
            pairs = numpy.array([(named[w], judged[w]) for w in both])
            if (pairs.std(0) > 0).all():
                note += f"; agreement against accuracy r = {numpy.corrcoef(pairs.T)[0, 1]:.2f}"
        table.add(
            "label_noise", f"{name}: annotators with 30 labels on gold",
            *score(named.keys(), wanted, good), note,
        )  # fmt: skip


# ---- drift where nothing happens


def sway(path, hours, per_hour, size, generator, state):
    """Hours of 30 features: sd of the sway is half a rhythm of the day and half an AR(1) of .9."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(["at", *(f"f{i:02d}" for i in range(30))]) + "\n")
        for hour in hours:
            state["level"] = 0.9 * state["level"] + generator.normal(0, size * 0.095**0.5, 30)
            rhythm = numpy.sin((hour + state["phase"]) / 24 * 2 * numpy.pi)
            rows = generator.normal(state["level"] + size * rhythm, 1, (per_hour, 30)) * 100
            first = START + hour * HOUR
            file.writelines(
                f"{first + k * HOUR // per_hour},{','.join(map(str, row))}\n"
                for k, row in enumerate(rows.astype(int).tolist())
            )


def quiet(folder, table):
    """8 weeks of hours after a month to calibrate on; the profile is of the 2 weeks before."""
    generator = numpy.random.default_rng(1)
    names = [f"f{i:02d}" for i in range(30)]
    known, month, weeks = 14 * 24, 30 * 24, 8
    for kind, size in (("independent", 0.0), ("swaying: autocorrelated, daily", 0.15)):
        for per_hour in (250, 1000):
            state = {"level": numpy.zeros(30), "phase": generator.uniform(0, 24, 30)}
            sway(folder / "before.csv", range(known), per_hour, size, generator, state)
            hours = range(known, known + month + weeks * 168)
            sway(folder / "after.csv", hours, per_hour, size, generator, state)
            for calibration in ([], ["calibration: {last: 30d}"]):
                alerts = replay(
                    folder, {n: "type: double" for n in names}, "type: drift, window: {size: 1h}",
                    folder / "after.csv", reference=folder / "before.csv", more=calibration,
                )  # fmt: skip
                late = START + (known + month) * HOUR
                counted = [a for a in alerts if a["window"]["start"] >= late]
                opened = sum(a["status"] == "open" for a in counted)
                windows = {a["window"]["start"] for a in counted}
                slow = sum(a["status"] == "open" and a["kind"] == "drift.slow" for a in counted)
                table.add(
                    "drift, calibrated on the month before" if calibration else "drift",
                    f"simulated, nothing happens, {kind}, {per_hour:,} records an hour",
                    0, 0, len(windows), weeks * 168,
                    f"{opened / weeks / 7 * 30:.1f} incidents in 30 days where 1 is allowed"
                    + (f", of these slow {slow / weeks / 7 * 30:.1f}" if slow else ""),
                )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", choices=["outage", "labels", "quiet"])
    only = parser.parse_args().only
    table = Table()
    place = os.environ.get("WEIR_DATA", "")
    data = pathlib.Path(place)
    parts = {
        "outage": (outages,),
        "labels": (label_noise,),
    }
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as name:
        folder = pathlib.Path(name)
        for part, measures in parts.items():
            if only not in (None, part):
                continue
            if not place or not (data / "nannyml_car_loan").is_dir():
                print(f"{part}: not measured, WEIR_DATA names no folder with the labelled data")
                continue
            for measure in measures:
                measure(data, folder, table)
        if only in (None, "quiet"):
            quiet(folder, table)
    if table.rows:
        table.show()


if __name__ == "__main__":
    main()
