# SPDX-License-Identifier: Apache-2.0
"""What `skew` says where there is none: halves of others' data, and simulated weeks.

    WEIR_DATA=FOLDER script/python bench/skew.py [--only halves|weeks]

A profile is made of one half of a table's rows, the other half is served to it, at default options.
Whatever is said is false: elec2's halves are other weeks of a year, which differ, but so do those
of training among each other.
"""

import argparse
import csv
import os
import pathlib
import random
import sys
import tempfile

import detectors
import numpy

DAYS = 15  # that a table without times is spread over


def numbers(values):
    try:
        return [float(v) for v in values if v != ""]
    except ValueError:
        return None


def types_of(rows, names):
    types = {}
    for name in names:
        found = numbers(row[name] for row in rows)
        whole = found and all(v == int(v) for v in found) and all("." not in row[name] for row in rows)
        kind = "string" if found is None else "long" if whole else "double"
        types[name] = f"type: {kind}, nullable: true"
    return types


def half(folder, name, rows, times):
    with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
        write = csv.writer(file)
        write.writerow(["at", *rows[0]])
        for row, at in zip(rows, times, strict=True):
            write.writerow([at, *(value for value in row.values())])
    return folder / f"{name}.csv"


def spread(rows, start):
    step = DAYS * detectors.DAY / max(len(rows), 1)
    return [start + int(i * step) for i in range(len(rows))]


def judge(table, folder, what, training, serving, times=None, drop=(), note=""):
    names = [name for name in training[0] if name not in drop and name != ""]
    training = [{name: row[name] for name in names} for row in training]
    serving = [{name: row[name] for name in names} for row in serving]
    types = types_of(training + serving, names)
    then, now = times or (spread(training, detectors.START),
                          spread(serving, detectors.START + 30 * detectors.DAY))  # fmt: skip
    alerts = detectors.replay(
        folder, types, "type: skew, window: {size: 6h}",
        half(folder, "served", serving, now), reference=half(folder, "trained", training, then),
    )  # fmt: skip
    alerts = [alert for alert in alerts if alert["kind"].startswith("skew.")]
    opened = [alert for alert in alerts if alert["status"] == "open"]
    windows = {alert["window"]["start"] for alert in alerts}
    possible = len({at // (6 * detectors.HOUR) for at in now})
    table.add("skew", f"{what}, {len(names)} fields, {len(serving):,} rows", 0, 0, len(windows),
              possible, note or f"{len(opened)} incidents")  # fmt: skip
    for alert in opened:
        print("   ", alert["summary"], file=sys.stderr)


def shuffled(rows, seed=1):
    rows = list(rows)
    random.Random(seed).shuffle(rows)
    return rows[: len(rows) // 2], rows[len(rows) // 2 :]


def halves(data, folder, table):
    loans = list(detectors.rows_of(data / "nannyml_car_loan" / "synthetic_car_loan_reference.csv.gz"))
    judge(table, folder, "nannyml_car_loan, reference, first half against second",
          loans[:25000], loans[25000:], drop=("id", "timestamp"))  # fmt: skip
    for path in sorted((data / "synthetic_streams").glob("*.csv.gz")):
        rows = list(detectors.rows_of(path))[:10000]
        judge(table, folder, f"{path.name.partition('.')[0]}, first concept", rows[:5000], rows[5000:])
    rows = list(detectors.rows_of(data / "sea_concepts" / "SEA_50k.csv.gz"))[:12500]
    judge(table, folder, "sea_concepts, first concept", rows[:6250], rows[6250:])
    rows = list(detectors.rows_of(data / "compas" / "compas-scores-two-years.csv"))
    judge(table, folder, "compas, at random", *shuffled(rows), drop=("compas_screening_date",))
    rows = list(detectors.rows_of(data / "leak_aer_creditcard" / "AER_credit_card_data.csv"))
    judge(table, folder, "credit cards, at random", *shuffled(rows))
    for name in ("beers", "hospital"):
        rows = list(detectors.rows_of(data / "data_errors" / name / "clean.csv"))
        rows = [{key.replace("-", "_"): value for key, value in row.items()} for row in rows]
        judge(table, folder, f"{name}, clean, at random", *shuffled(rows), drop=("index", "id"))
    rows = list(detectors.rows_of(data / "elec2" / "electricity.csv.gz"))[:17424]
    sides = ([], [])
    for i in range(len(rows)):
        sides[i // 336 % 2].append(i)
    times = [[detectors.START + i * detectors.HOUR // 2 for i in side] for side in sides]
    judge(table, folder, "elec2 before row 17,424, every second week",
          [rows[i] for i in sides[0]], [rows[i] for i in sides[1]], times,
          drop=("date", "day", "period"))  # fmt: skip


def weeks(folder, table):
    """Features that sway, against a profile of two weeks: a month of hours."""
    generator = numpy.random.default_rng(1)
    names = [f"f{i:02d}" for i in range(30)]
    per_hour, known, served = 200, 2, 6
    for kind, sway in (("independent", 0.0), ("swaying: autocorrelated, daily", 0.15)):
        level, phase, files = numpy.zeros(30), generator.uniform(0, 24, 30), {}
        for part, hours in (("before", known * 168), ("after", served * 168)):
            files[part] = folder / f"{part}.csv"
            with open(files[part], "w", encoding="utf-8") as file:
                file.write(",".join(["at", *names]) + "\n")
                for hour in range(hours):
                    # sd of the sway: half of it a rhythm of the day, half an AR(1) of .9
                    level = 0.9 * level + generator.normal(0, sway * (0.19 / 2) ** 0.5, 30)
                    mean = level + sway * numpy.sin((hour + phase) / 24 * 2 * numpy.pi)
                    rows = generator.normal(mean, 1, (per_hour, 30)) * 100
                    first = detectors.START + hour * detectors.HOUR
                    file.writelines(
                        f"{first + k * detectors.HOUR // per_hour},{','.join(map(str, row))}\n"
                        for k, row in enumerate(rows.astype(int).tolist())
                    )
        alerts = detectors.replay(
            folder, {n: "type: double" for n in names}, "type: skew, window: {size: 1h}",
            files["after"], reference=files["before"],
        )  # fmt: skip
        opened = sum(alert["status"] == "open" for alert in alerts)
        windows = {alert["window"]["start"] for alert in alerts}
        table.add("skew", f"simulated, nothing happens, {kind}, {per_hour} records an hour",
                  0, 0, len(windows), served * 168,
                  f"{opened / served / 7 * 30:.1f} incidents in 30 days")  # fmt: skip


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", choices=("halves", "weeks"))
    only = arguments.parse_args().only
    table, data = detectors.Table(), os.environ.get("WEIR_DATA")
    with tempfile.TemporaryDirectory() as folder:
        if data and only in (None, "halves"):
            halves(pathlib.Path(data), pathlib.Path(folder), table)
        if only in (None, "weeks"):
            weeks(pathlib.Path(folder), table)
    table.show()


if __name__ == "__main__":
    main()
