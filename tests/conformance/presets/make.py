# SPDX-License-Identifier: Apache-2.0
"""What other programs say of some samples, stored beside this script as outputs.json.

    python make.py evidently   with evidently==0.7.23 installed
    python make.py nannyml     with nannyml==0.13.1 and statsmodels
    python make.py tfdv        with tensorflow-data-validation==1.16.1 (Python 3.11) and dill
    python make.py river       with river==0.26.1
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
        out[ours] = [float(method._p_value), bool(method.alert(value))] if theirs == "chi2" else \
            [value, bool(method.alert(value)), float(method.lower_threshold_value), float(method.upper_threshold_value)]
    return out


def tfdv(kind, a, b):
    """Its value, whether there is an anomaly, and of numbers the histograms that it is of: those come
    from its approximate quantiles."""
    import pandas as pd
    import tensorflow_data_validation as validation
    from tensorflow_metadata.proto.v0 import statistics_pb2
    frames = [pd.DataFrame({"x": np.asarray(x, float) if kind == "numeric" else [f"c{v}" for v in x]}) for x in (a, b)]
    reference, current = [validation.generate_statistics_from_dataframe(frame) for frame in frames]
    schema = validation.infer_schema(reference)
    comparator = validation.get_feature(schema, "x").drift_comparator
    part = comparator.jensen_shannon_divergence if kind == "numeric" else comparator.infinity_norm
    part.threshold = 0.01
    anomalies = validation.validate_statistics(current, schema, previous_statistics=reference)
    (value,) = [m.value for info in anomalies.drift_skew_info for m in info.drift_measurements]
    told = [value, "comparator" in str(anomalies.anomaly_info.get("x", "")).lower()]
    if kind != "numeric":
        return {"l_infinity": told}
    standard = statistics_pb2.Histogram.STANDARD
    histograms = [[[bucket.low_value, bucket.high_value, bucket.sample_count] for bucket in h.buckets]
                  for side in (reference, current) for h in side.datasets[0].features[0].num_stats.histograms
                  if h.type == standard]
    return {"jensen_shannon": told + histograms}


def divergence(histograms):
    """TFDV's (metrics.cc): both histograms brought to the edges of both, values of a bucket taken as
    evenly spread."""
    edges = np.unique([x for h in histograms for low, high, _ in h for x in (low, high)])
    shares = []
    for histogram in histograms:
        share = np.zeros(len(edges) - 1)
        for low, high, count in histogram:
            inside = (edges[:-1] >= low) & (edges[1:] <= high)
            share[inside] = count * (edges[1:] - edges[:-1])[inside] / (high - low)
        shares.append(share / share.sum())
    middle = (shares[0] + shares[1]) / 2
    with np.errstate(all="ignore"):
        kl = [np.where(x > 0, x * np.log2(x / middle), 0).sum() for x in shares]
    return min(sum(kl) / 2, 1)


def series():
    """name, parameters (minimum, delta, threshold, alpha), values; for Page-Hinkley."""
    rng = np.random.default_rng(20260302)
    for k, parameters in enumerate([(30, 0.005, 50.0, 0.9999), (30, 0.25, 8.0, 0.9999), (1, 0.1, 3.0, 1.0), (100, 0.5, 20.0, 0.99)]):
        for slope in (0, 0.003, -0.01):
            yield f"normal {k} {slope}", parameters, np.round(rng.normal(3, 2, size=1500) + np.arange(1500) * slope, 6)
        yield f"steps {k}", parameters, np.round(rng.normal(size=1500) + np.repeat([0, 3, -2, 5, 5], 300), 6)
        yield f"heavy {k}", parameters, np.round(rng.standard_t(2, size=1500), 6)
        yield f"constant {k}", parameters, np.full(500, 7.0)
        yield f"zeros and ones {k}", parameters, (rng.uniform(size=1500) < 0.1).astype(float)
        yield f"large {k}", parameters, np.round(1e6 + rng.normal(size=1500), 6)
        yield f"one {k}", parameters, np.array([5.0])


def river(parameters, values):
    from river import drift
    minimum, delta, threshold, alpha = parameters
    detector = drift.PageHinkley(min_instances=minimum, delta=delta, threshold=threshold, alpha=alpha)
    alarms = []
    for i, x in enumerate(values):
        detector.update(float(x))
        if detector.drift_detected:
            alarms.append(i)
    return alarms


def main():
    program = sys.argv[1]
    stored = json.load(open(OUTPUTS)) if os.path.exists(OUTPUTS) else {}
    if program == "river":
        stored[program] = {name: river(parameters, values) for name, parameters, values in series()}
    else:
        stored[program] = {name: globals()[program](kind, a, b) for name, kind, a, b in cases()}
    with open(OUTPUTS, "w") as file:
        file.write("{" + ",\n".join(
            json.dumps(name) + ": {" + ",\n".join(json.dumps(case) + ": " + json.dumps(of[case]) for case in sorted(of)) + "}"
            for name, of in sorted(stored.items())) + "}\n")


if __name__ == "__main__":
    main()
