# SPDX-License-Identifier: Apache-2.0
"""The presets against what the programs themselves said of the same samples (presets/make.py)."""
import json
import math
import os
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "presets"))
import make  # noqa: E402

PROGRAM = os.path.join(os.environ["WEIR_BUILD"], "conformance", "statistics")


# TFDV's histograms come from its approximate quantiles; from the values themselves they are other
# ones by so much.
SKETCH = 0.005


def question(kind, a, b):
    return kind + np.array([len(a), len(b)], np.int64).tobytes() + np.asarray(a, float).tobytes() + np.asarray(b, float).tobytes()


def check(program, name, want, got, worst):
    """Whether what weir has of one statistic is what was stored."""
    value, drift, _, status, threshold, low = got.get(f"{program}.{name}", [math.nan, 0, 0, 99, None, None])
    # Roots of what rounding leaves of one, and SciPy's own series for Cramer-von Mises.
    slack = 3e-8 if name in ("hellinger", "jensen_shannon") and want[0] < 1e-3 else 1e-9
    error = abs(value - want[0])
    if program == "tfdv" and name == "jensen_shannon":
        worst[program, "own histograms"] = max(worst.get((program, "own histograms"), 0), abs(make.divergence(want[2:]) - want[0]))
        if not worst[program, "own histograms"] < 1e-9 or want[1] != (want[0] > 0.01):
            return False
        slack, drift = SKETCH, want[1]
    worst[program, name] = max(worst.get((program, name), 0), error)
    if status != 0 or not error <= 1e-6 * abs(want[0]) + slack or (want[1] is not None and bool(drift) != want[1]):
        return False
    if program == "nannyml" and len(want) == 4:
        for ours, theirs in ((low, want[2]), (threshold, want[3])):
            error = abs(ours - theirs) if ours is not None else math.inf
            worst[program, name + " thresholds"] = max(worst.get((program, name + " thresholds"), 0), error)
            if not error <= 1e-6 * abs(theirs) + 3e-8:
                return False
    return True


def check_river(stored):
    """Page-Hinkley's alarms, one by one."""
    series = list(make.series())
    data = b"".join(question(b"r", parameters, values) for _, parameters, values in series)
    run = subprocess.run([PROGRAM], input=data, stdout=subprocess.PIPE, check=True, timeout=60)
    faults = alarms = 0
    for (name, _, _), line in zip(series, run.stdout.decode().splitlines(), strict=True):
        got = [int(value) for value, _, _ in json.loads(line).values()]
        alarms += len(got)
        if got != stored[name]:
            faults += 1
            print("FAIL", name, got[:5], stored[name][:5])
    print(f"river      page_hinkley       {len(series)} series, {alarms} alarms, {faults} differ")
    return faults + (alarms < 100)


def main():
    stored, cases, faults, checks, worst = json.load(open(make.OUTPUTS)), list(make.cases()), 0, 0, {}
    faults += check_river(stored.pop("river"))
    edges = [([], []), ([1.0], []), ([], [2.0]), ([1.0], [1.0]), ([1.0] * 30, [2.0] * 9), ([0.0] * 2000, [0.0] * 7),
             ([1e300, -1e300, 0], [1e300, 4]), (list(range(3000)), [5.0]), ([math.nan] * 40, [1.0]), ([math.inf] * 40 + [1.0], [1.0])]
    counts = [([], []), ([0.0], [0.0]), ([3.0, 0], [0, 4]), ([0.0, 0], [1, 4]), ([5.0], [5.0])]
    data = b"".join(question(b"p" if kind == "numeric" else b"h", a, b) for _, kind, a, b in cases)
    data += b"".join(question(b"p", *[[x for x in side if math.isfinite(x)] for side in pair]) for pair in edges)
    data += b"".join(question(b"k", *pair) for pair in counts) + question(b"h", [0.0] * 9, [1.0]) + question(b"h", [0.0] * 40, [1.0])
    run = subprocess.run([PROGRAM], input=data, stdout=subprocess.PIPE, check=True, timeout=60)
    lines = [json.loads(line) for line in run.stdout.decode().splitlines()]
    if len(lines) != len(cases) + len(edges) + len(counts) + 2:
        sys.exit(f"{len(lines)} answers")
    for (case, *_), got in zip(cases, lines):
        for program, outputs in stored.items():
            for name, want in outputs[case].items():
                checks += 1
                if name == "decides":
                    good = [key.split(".")[1] for key, v in got.items() if key.startswith(program) and v[2]] == [want]
                else:
                    good = check(program, name, want, got, worst)
                if not good:
                    faults += 1
                    print("FAIL", case, program, name, got.get(f"{program}.{name}"), want)
    for got in lines[len(cases):]:
        for name, (value, _, _, _, threshold, low) in got.items():
            checks += 1
            if not all(math.isfinite(x) for x in (value, threshold, low) if x is not None):
                faults += 1
                print("FAIL", name, value, threshold, low)
    for (program, name), error in sorted(worst.items()):
        print(f"{program:10} {name:26} largest difference {error:.1e}")
    print(f"{len(cases)} cases, {checks} checks, {faults} failed")
    return 1 if faults or checks < 400 or set(stored) != {"evidently", "nannyml", "tfdv"} else 0


if __name__ == "__main__":
    sys.exit(main())
