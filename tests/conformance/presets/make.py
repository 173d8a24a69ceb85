# SPDX-License-Identifier: Apache-2.0
"""What other programs say of some samples, stored beside this script as outputs.json.

    python make.py evidently   with evidently==0.7.23 installed
    python make.py nannyml     with nannyml==0.13.1
    python make.py tfdv        with NumPy alone: tensorflow-data-validation 1.16 does not install
                               beside them, so this is the definition of its metrics.cc
"""
import json
import os
import sys

import numpy as np

OUTPUTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "outputs.json")


def cases():
    """name, kind, reference, current; the same numbers everywhere."""
    rng = np.random.default_rng(20260301)
    shapes = {
        "normal": lambda n: rng.normal(size=n),
        "heavy": lambda n: rng.standard_t(2, size=n) * 50,
        "skewed": lambda n: rng.lognormal(0, 1, size=n),
        "few": lambda n: rng.integers(0, 12, size=n).astype(float),
        "three": lambda n: rng.integers(0, 3, size=n).astype(float),
        "large": lambda n: 1e6 + rng.normal(size=n),
    }
    for name, draw in shapes.items():
        for n, m in ((400, 150), (1000, 1000), (3000, 500)):
            for shift in (0, 0.4):
                a, b = draw(n), draw(m)
                b = b + (shift if name not in ("few", "three") else 0) * a.std()
                if shift and name in ("few", "three"):
                    b = np.minimum(b, 8 if name == "few" else 1)
                yield f"{name} {n} {m} {shift}", "numeric", np.round(a, 6), np.round(b, 6)
    for k in (2, 4, 30):
        for n, m in ((300, 80), (5000, 900)):
            for moved in (0, 1):
                p = np.arange(1, k + 1) / np.arange(1, k + 1).sum()
                q = np.roll(p, moved)
                a, b = rng.choice(k, size=n, p=p), rng.choice(k + (moved and k > 2), size=m,
                                                              p=q if not (moved and k > 2) else np.append(q * 0.97, 0.03))
                yield f"{k} categories {n} {m} {moved}", "categorical", a, b


def evidently(kind, a, b):
    import pandas as pd
    from evidently.legacy.calculations.stattests import get_stattest
    from evidently.legacy.core import ColumnType
    feature = ColumnType.Numerical if kind == "numeric" else ColumnType.Categorical
    series = [pd.Series(x if kind == "numeric" else [f"c{v}" for v in x]) for x in (a, b)]
    names = {"ks": "ks", "anderson": "anderson_darling", "wasserstein": "wasserstein", "ed": "energy",
             "jensenshannon": "jensen_shannon", "hellinger": "hellinger", "psi": "psi", "kl_div": "kl"}
    if kind == "categorical":
        names = {k: v for k, v in names.items() if v in ("jensen_shannon", "hellinger", "psi", "kl")} | {"chisquare": "chi_square"}
        if len(set(a) | set(b)) <= 2:
            names["z"] = "z"
    out = {}
    for theirs, ours in names.items():
        test = get_stattest(series[0].copy(), series[1].copy(), feature, theirs)
        result = test(series[0].copy(), series[1].copy(), feature, None)
        out[ours] = [float(result.drift_score), bool(result.drifted)]
    chosen = get_stattest(series[0], series[1], feature, None).name
    out["decides"] = {**names, "chisquare": "chi_square", "z": "z"}[chosen]
    return out


def nannyml(kind, a, b):
    import pandas as pd
    from nannyml.chunk import DefaultChunker
    from nannyml.drift.univariate.methods import FeatureType, MethodFactory
    from nannyml.thresholds import StandardDeviationThreshold
    feature = FeatureType.CONTINUOUS if kind == "numeric" else FeatureType.CATEGORICAL
    series = [pd.Series(x if kind == "numeric" else [f"c{v}" for v in x], name="x") for x in (a, b)]
    names = {"jensen_shannon": "jensen_shannon", "hellinger": "hellinger"}
    names |= {"kolmogorov_smirnov": "ks", "wasserstein": "wasserstein"} if kind == "numeric" else \
        {"chi2": "chi_square", "l_infinity": "l_infinity"}
    out = {}
    for theirs, ours in names.items():
        method = MethodFactory.create(key=theirs, feature_type=feature, chunker=DefaultChunker(),
                                      threshold=StandardDeviationThreshold())
        method.fit(series[0])
        value = float(method.calculate(series[1]))
        out[ours] = [float(method._p_value), bool(method.alert(value))] if theirs == "chi2" else [value, None]
    return out


def tfdv(kind, a, b):
    if kind == "categorical":
        keys = sorted(set(a) | set(b))
        gaps = [abs(np.mean(a == k) - np.mean(b == k)) for k in keys]
        return {"l_infinity": [float(max(gaps)), None]}
    histograms = [np.histogram(x, bins=10) for x in (a, b)]
    edges = np.unique(np.concatenate([e for _, e in histograms]))
    shares = []
    for counts, own in histograms:
        share = np.zeros(len(edges) - 1)
        for count, low, high in zip(counts, own, own[1:]):
            inside = (edges[:-1] >= low) & (edges[1:] <= high)
            share[inside] = count * (edges[1:] - edges[:-1])[inside] / (high - low)
        shares.append(share / share.sum())
    p, q = shares
    middle = (p + q) / 2
    with np.errstate(all="ignore"):
        kl = [np.where(x > 0, x * np.log2(x / middle), 0).sum() for x in (p, q)]
    return {"jensen_shannon": [float(min(sum(kl) / 2, 1)), None]}


def main():
    program = sys.argv[1]
    stored = json.load(open(OUTPUTS)) if os.path.exists(OUTPUTS) else {}
    stored[program] = {name: globals()[program](kind, a, b) for name, kind, a, b in cases()}
    with open(OUTPUTS, "w") as file:
        json.dump(stored, file, indent=0, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main()
