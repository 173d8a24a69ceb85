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


def main():
    stored, cases, faults, checks, worst = json.load(open(make.OUTPUTS)), list(make.cases()), 0, 0, {}
    edges = [([], []), ([1.0], []), ([], [2.0]), ([1.0], [1.0]), ([1.0] * 30, [2.0] * 9), ([0.0] * 2000, [0.0] * 7),
             ([1e300, -1e300, 0], [1e300, 4]), (list(range(3000)), [5.0])]
    data = bytearray()
    for name, kind, a, b in cases:
        if kind == "categorical":
            values = sorted(set(a) | set(b))
            a, b = [np.sum(a == v) for v in values], [np.sum(b == v) for v in values]
        data += (b"p" if kind == "numeric" else b"k") + np.array([len(a), len(b)], np.int64).tobytes()
        data += np.asarray(a, float).tobytes() + np.asarray(b, float).tobytes()
    for a, b in edges:
        data += b"p" + np.array([len(a), len(b)], np.int64).tobytes() + np.array(a, float).tobytes() + np.array(b, float).tobytes()
    for a, b in (([], []), ([0.0], [0.0]), ([3.0, 0], [0, 4]), ([0.0, 0], [1, 4]), ([5.0], [5.0])):
        data += b"k" + np.array([len(a), len(b)], np.int64).tobytes() + np.array(a, float).tobytes() + np.array(b, float).tobytes()
    run = subprocess.run([PROGRAM], input=bytes(data), stdout=subprocess.PIPE, check=True, timeout=60)
    lines = [json.loads(line) for line in run.stdout.decode().splitlines()]
    if len(lines) != len(cases) + len(edges) + 5:
        sys.exit(f"{len(lines)} answers")
    for (case, *_), got in zip(cases, lines):
        for program, outputs in stored.items():
            for name, want in outputs[case].items():
                checks += 1
                if name == "decides":
                    chosen = [key.split(".")[1] for key, v in got.items() if key.startswith(program) and v[2]]
                    bad = chosen != [want]
                    value = chosen
                else:
                    value, drift, _, status = got.get(f"{program}.{name}", [math.nan, 0, 0, 99])
                    # Roots of what rounding leaves of one, and SciPy's own series for Cramer-von Mises.
                    slack = 3e-8 if name in ("hellinger", "jensen_shannon") and want[0] < 1e-3 else 1e-9
                    error = abs(value - want[0])
                    bad = status != 0 or not error <= 1e-6 * abs(want[0]) + slack or (want[1] is not None and drift != want[1])
                    worst[program, name] = max(worst.get((program, name), 0), error)
                if bad:
                    faults += 1
                    print("FAIL", case, program, name, value, want)
    for got in lines[len(cases):]:
        for name, (value, _, _, _) in got.items():
            checks += 1
            if not math.isfinite(value):
                faults += 1
                print("FAIL", name, value)
    for (program, name), error in sorted(worst.items()):
        print(f"{program:10} {name:18} largest difference {error:.1e}")
    print(f"{len(cases)} cases, {checks} checks, {faults} failed")
    return 1 if faults or checks < 400 or set(stored) != {"evidently", "nannyml", "tfdv"} else 0


if __name__ == "__main__":
    sys.exit(main())
