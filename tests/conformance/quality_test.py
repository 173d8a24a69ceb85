# SPDX-License-Identifier: Apache-2.0
"""A model's metrics against scikit-learn: 1,000 random pairs of labels and answers and the edges,
each counted in two parts that are merged. Within 1e-9; areas from cells within their bound. And the
intervals hold the truth about as often as they say."""
import json
import math
import os
import struct
import subprocess
import sys
import warnings

import numpy as np
from sklearn import metrics

warnings.simplefilter("ignore")
PROGRAM = os.path.join(os.environ["WEIR_BUILD"], "conformance", "quality")
faults = checks = 0


def expect(truth, what):
    global faults, checks
    checks += 1
    if not truth:
        faults += 1
        print("FAIL", what)


def ask(cases):
    """cases: (kind, labels, answers, classes)."""
    data = b"".join(
        kind.encode() + struct.pack("<qq", len(a), k) + np.asarray(a, float).tobytes() + np.asarray(b, float).tobytes()
        for kind, a, b, k in cases)
    run = subprocess.run([PROGRAM], input=data, capture_output=True, timeout=250)
    expect(run.returncode == 0, run.stderr.decode()[:300])
    return [json.loads(line) for line in run.stdout.splitlines()]


def want_classes(a, b, k):
    if not len(a):
        return {}
    binary = k == 2
    more = {"pos_label": 1, "average": "binary"} if binary else {"average": "macro"}
    want = {"accuracy": metrics.accuracy_score(a, b)}
    for name, function in (("precision", metrics.precision_score), ("recall", metrics.recall_score), ("f1", metrics.f1_score)):
        want[name] = function(a, b, zero_division=np.nan if binary else 0, **more)
    if len(set(a) | set(b)) > 1:
        want["kappa"] = metrics.cohen_kappa_score(a, b)
    if len(set(a)) > 1 and len(set(b)) > 1:
        want["matthews"] = metrics.matthews_corrcoef(a, b)
    return want


def want_scores(a, p):
    want = {}
    if len(set(a)) == 2:
        want["roc_auc"] = metrics.roc_auc_score(a, p)
    if len(a) and min(p) >= 0 and max(p) <= 1:
        want["log_loss"] = metrics.log_loss(a, p, labels=[0, 1])
        want["brier"] = metrics.brier_score_loss(a, p) if len(set(a)) == 2 else np.mean((np.array(p) - a) ** 2)
        # Its own, spelt out where every score has a bin of its own is tested below.
        want["calibration_error"] = None
    return want


def want_numbers(a, b):
    if not len(a):
        return {}
    want = {"mae": metrics.mean_absolute_error(a, b), "rmse": metrics.root_mean_squared_error(a, b),
            "bias": np.mean(np.array(b) - a)}
    if len(a) > 1 and len(set(a)) > 1:
        want["r2"] = metrics.r2_score(a, b)
    return want


def hold(case, got, want, tolerance=1e-9):
    kind = case[0]
    for name, (value, low, high, bound) in got.items():
        expected = want.get(name, math.nan)
        where = f"{kind} {name} of {len(case[1])} records"
        if expected is None:
            expect(value is not None and value >= 0 and (low is None or low <= value <= high), f"{where}: {value} in {low} to {high}")
            continue
        if math.isnan(expected):
            expect(value is None, f"{where}: {value}, not null")
            continue
        expect(value is not None, f"{where}: null, not {expected}")
        if value is None:
            continue
        slack = tolerance * max(abs(expected), abs(np.mean(case[1])) if name == "bias" else 0) + 1e-12 + bound
        if name == "r2":
            slack += tolerance * (1 - expected)
        expect(abs(value - expected) <= slack, f"{where}: {value}, not {expected}")
        expect(bound == 0 or kind == "q", f"{where}: bound {bound}")
        if low is not None:
            expect(low - 1e-12 <= value <= high + 1e-12, f"{where}: {value} outside {low} to {high}")


def cases_of(rng):
    for i in range(250):
        n = int(round(10 ** rng.uniform(0.3, 3.3)))
        k = int(rng.integers(2, 12)) if i % 2 else 2
        a = rng.integers(0, k, n)
        right = rng.uniform(size=n) < rng.uniform()
        yield "c", a, np.where(right, a, rng.integers(0, k, n)), k
        labels = (rng.uniform(size=n) < rng.choice([0.5, 0.1, 0.01])).astype(int)
        odds = rng.normal(size=n) * rng.choice([0.5, 2, 10]) + labels * rng.choice([0, 1, 4])
        p = 1 / (1 + np.exp(-odds))
        p = [p, np.round(p, 1), odds, np.round(p, 3)][i % 4]
        yield "s", labels, p, 2
        yield "q", labels, p, 2
        y = [rng.normal(size=n), rng.lognormal(0, 1, n) * 1e6, rng.integers(0, 5, n).astype(float), 1e4 + rng.normal(size=n)][i % 4]
        yield "n", y, y + rng.normal(size=n) * rng.choice([0.01, 1, 3]) * (np.std(y) or 1) + rng.choice([0, 1]), 0


EDGES = [
    ("c", [], [], 2), ("c", [1], [1], 2), ("c", [0], [1], 2), ("c", [0] * 9, [0] * 9, 2), ("c", [1] * 5, [0] * 5, 2),
    ("c", [0, 1, 2], [2, 0, 1], 3), ("c", [3], [3], 4), ("c", list(range(64)), list(range(64)), 64),
    ("s", [], [], 2), ("s", [1], [0.5], 2), ("s", [0, 1], [0.0, 1.0], 2), ("s", [1, 0], [0.0, 1.0], 2),
    ("s", [0, 1, 1], [0.5, 0.5, 0.5], 2), ("q", [0, 1] * 50, [0.25] * 100, 2), ("s", [0, 1], [-1e300, 1e300], 2),
    ("n", [], [], 0), ("n", [1.0], [2.0], 0), ("n", [1.0, 1.0], [1.0, 2.0], 0), ("n", [0.0, 1.0], [0.0, 1.0], 0),
    ("n", [1e-300, 2e-300, 5e-300], [1e-300, 1e-300, 1e-300], 0), ("n", [1e300, -1e300, 0], [1e299, 0, 0], 0),
]


def want(kind, a, b, k):
    return want_classes(a, b, k) if kind == "c" else want_numbers(a, b) if kind == "n" else want_scores(a, b)


def check_against_scikit():
    cases = list(cases_of(np.random.default_rng(11))) + EDGES
    answers = ask(cases)
    expect(len(answers) == len(cases), "answers")
    for case, got in zip(cases, answers):
        # Squares of 1e300 are no numbers to scikit-learn.
        if case[0] == "n" and len(case[1]) and (np.max(np.abs(case[1])) > 1e150 or np.max(np.abs(case[1])) < 1e-150):
            expect(got["mae"][0] is not None and got["rmse"][0] is not None, f"extremes {got}")
            continue
        hold(case, got, want(*case))


def check_cells():
    """An area from cells: the bound is small where there are many scores, and no error is beyond it."""
    rng = np.random.default_rng(5)
    labels = (rng.uniform(size=100000) < 0.2).astype(int)
    scores = 1 / (1 + np.exp(-(rng.normal(size=100000) + labels)))
    value, _, _, bound = ask([("q", labels, scores, 2)])[0]["roc_auc"]
    error = abs(value - metrics.roc_auc_score(labels, scores))
    expect(error <= bound < 0.004 and error < 2e-4, f"area from cells: {error}, bound {bound}")


def check_calibration():
    """Of a calibrated model nothing is left over; of one that is off by .1 that is what is said."""
    rng = np.random.default_rng(6)
    p = rng.uniform(0.2, 0.8, 20000)
    good = ask([("q", (rng.uniform(size=p.size) < p).astype(int), p, 2)])[0]["calibration_error"]
    bad = ask([("q", (rng.uniform(size=p.size) < p - 0.1).astype(int), p, 2)])[0]["calibration_error"]
    expect(good[0] < 0.02 and good[1] == 0, f"calibrated: {good}")
    expect(abs(bad[0] - 0.1) < 0.015 and bad[1] <= 0.1 <= bad[2], f"off by .1: {bad}")


def draw(rng, n):
    labels = (rng.uniform(size=n) < 0.3).astype(int)
    p = 1 / (1 + np.exp(-(rng.normal(size=n) - 1 + 1.5 * labels)))
    many = rng.integers(0, 4, n)
    y = rng.exponential(size=n)
    return [("c", labels, (p > 0.5).astype(int), 2), ("s", labels, p, 2),
            ("c", many, np.where(rng.uniform(size=n) < 0.6, many, rng.integers(0, 4, n)), 4),
            ("n", y, y + 0.5 * rng.standard_t(8, n), 0)]


def check_intervals():
    """95% intervals at 400 records hold what 400,000 say in 92 to 98% of 400 draws."""
    rng = np.random.default_rng(7)
    truth = [{name: v[0] for name, v in got.items()} for got in ask(draw(rng, 400_000))]
    rounds = 400
    answers = ask([case for _ in range(rounds) for case in draw(rng, 400)])
    for which, true in enumerate(truth):
        for name in true:
            if name == "calibration_error":
                continue
            held = sum(a[name][1] <= true[name] <= a[name][2] for a in answers[which::4]) / rounds
            expect(0.915 <= held <= 0.985, f"interval {which} {name}: holds in {held:.3f}")


check_against_scikit()
check_cells()
check_calibration()
check_intervals()
print(f"{checks} checks, {faults} faults")
sys.exit(faults > 0)
