# SPDX-License-Identifier: Apache-2.0
"""`weir compare --json` on whole files: CSV, JSON lines and Avro containers of the same rows say
the same, exact statistics are SciPy's, and there is never a NaN, whatever the files hold."""
import csv
import gzip
import json
import math
import os
import subprocess
import sys
import tempfile

import fastavro
import numpy as np
import pandas as pd
from scipy import stats
from scipy.spatial import distance
from sklearn import metrics

WEIR = os.path.join(os.environ["WEIR_BUILD"], "weir")
NUMERIC = """ks anderson_darling cramer_von_mises kuiper berk_jones psi jensen_shannon kl hellinger
total_variation wasserstein wasserstein_normalised energy mann_whitney welch_t variance_ratio
chi_square g l_infinity cramers_v quantile_shift null_rate infinite_share unseen_share
vanished_share""".split()
CATEGORICAL = """psi jensen_shannon kl hellinger total_variation chi_square g fisher l_infinity
cramers_v null_rate unseen_share vanished_share new_categories vanished_categories""".split()
faults = checks = 0


def expect(truth, what):
    global faults, checks
    checks += 1
    if not truth:
        faults += 1
        print("FAIL", what)


def near(got, want, what, tolerance=1e-9):
    expect(got is not None and abs(got - want) <= tolerance * abs(want) + 1e-14, f"{what}: {got}, not {want}")


def refuse(token):
    raise ValueError(f"{token} in JSON")


def compare(a, b, *more):
    run = subprocess.run([WEIR, "compare", a, b, *more], capture_output=True, text=True, timeout=120)
    return run


def answer(a, b):
    run = compare(a, b, "--json")
    expect(run.returncode == 0, f"compare {a} {b}: {run.returncode} {run.stderr}")
    return json.loads(run.stdout, parse_constant=refuse)


def rows(rng, n, shift):
    for i in range(n):
        yield {
            "amount": float(rng.lognormal(3 + shift, 1)),
            "count": int(rng.integers(0, 6)),
            "age": None if rng.uniform() < 0.05 + shift else float(rng.integers(18, 90)),
            "country": str(rng.choice(["US", "DE", "JP", "F,R", 'q"q'], p=[0.4, 0.3 - shift, 0.2, 0.05, 0.05 + shift])),
            "plan": "old" if rng.uniform() < 0.5 + shift else "new",
            "flag": bool(rng.uniform() < 0.3 + shift),
            "name": f"n{rng.integers(10**9)}",
        }


AVRO = {"type": "record", "name": "row", "fields": [
    {"name": "amount", "type": "double"}, {"name": "count", "type": "int"},
    {"name": "age", "type": ["null", "double"]}, {"name": "country", "type": "string"},
    {"name": "plan", "type": "string"}, {"name": "flag", "type": "boolean"},
    {"name": "name", "type": "string"}]}


def write(folder, name, data):
    paths = [os.path.join(folder, name + end) for end in (".csv", ".jsonl", ".avro", ".csv.gz")]
    for path in (paths[0], paths[3]):
        opener = gzip.open if path.endswith("gz") else open
        with opener(path, "wt", newline="") as file:
            writer = csv.DictWriter(file, list(data[0]))
            writer.writeheader()
            for row in data:
                row = {k: "" if v is None else str(v).lower() if isinstance(v, bool) else v for k, v in row.items()}
                writer.writerow(row)
    with open(paths[1], "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in data)
    with open(paths[2], "wb") as file:
        fastavro.writer(file, AVRO, data, codec="deflate")
    return paths


def check_numeric(name, got, a, b):
    s = got["fields"][name]["statistics"]
    expect(got["fields"][name]["type"] == "numeric", f"{name} is {got['fields'][name]['type']}")
    expect(sorted(s) == sorted(NUMERIC), f"{name}: {sorted(set(NUMERIC) ^ set(s))}")
    a, b = np.array([x for x in a if x is not None], float), np.array([x for x in b if x is not None], float)
    for key, result in {
        "ks": stats.ks_2samp(a, b, method="asymp"),
        "cramer_von_mises": stats.cramervonmises_2samp(a, b, method="asymptotic"),
        "mann_whitney": stats.mannwhitneyu(a, b, method="asymptotic"),
        "welch_t": stats.ttest_ind(a, b, equal_var=False),
    }.items():
        near(s[key]["value"], result.statistic, f"{name} {key}", 1e-8)
        expect(abs(s[key]["p_value"] - result.pvalue) <= 1e-6 * result.pvalue + 2e-6, f"{name} {key} p")
    near(s["wasserstein"]["value"], stats.wasserstein_distance(a, b), f"{name} wasserstein")
    q = np.arange(1, 20) / 20
    for key, want in zip(q, np.quantile(b, q) - np.quantile(a, q)):
        near(s["quantile_shift"]["shifts"][f"{key:.2f}"], want, f"{name} shift {key}", 1e-8)
    near(s["energy"]["value"], stats.energy_distance(a, b), f"{name} energy")
    near(s["wasserstein_normalised"]["value"], stats.wasserstein_distance(a, b) / a.std(ddof=1), f"{name} w1/sd")


def check_categorical(name, got, a, b, kind):
    s = got["fields"][name]["statistics"]
    expect(got["fields"][name]["type"] == kind, f"{name} is {got['fields'][name]['type']}")
    wanted = CATEGORICAL + ([] if kind == "boolean" else ["empty_share"])
    expect(sorted(s) == sorted(wanted), f"{name}: {sorted(set(wanted) ^ set(s))}")
    expect(s["new_categories"]["value"] == len(set(b) - set(a)), f"{name} new_categories")
    expect(s["vanished_categories"]["value"] == len(set(a) - set(b)), f"{name} vanished_categories")
    table = pd.crosstab(np.array(["a"] * len(a) + ["b"] * len(b)), np.array(a + b)).to_numpy()
    chi = stats.chi2_contingency(table, correction=False)
    near(s["chi_square"]["value"], chi.statistic, f"{name} chi_square")
    near(s["chi_square"]["p_value"], chi.pvalue, f"{name} chi_square p", 1e-6)
    p, q = table[0] / table[0].sum(), table[1] / table[1].sum()
    near(s["jensen_shannon"]["value"], distance.jensenshannon(p, q, base=2), f"{name} js")
    near(s["psi"]["value"], np.sum((q - p) * np.log(q / p)), f"{name} psi")
    if table.shape[1] == 2:
        fisher = stats.fisher_exact(table)
        near(s["fisher"]["value"], fisher.statistic, f"{name} fisher")
        near(s["fisher"]["p_value"], fisher.pvalue, f"{name} fisher p", 1e-6)
    else:
        expect(s["fisher"]["value"] is None and s["fisher"]["reason"], f"{name} fisher")


def check_formats(folder, rng):
    a, b = list(rows(rng, 1500, 0)), list(rows(rng, 700, 0.05))
    paths_a, paths_b = write(folder, "a", a), write(folder, "b", b)
    first = answer(paths_a[0], paths_b[0])
    for x in paths_a:
        for y in paths_b:
            expect(answer(x, y) == first, f"{x} {y} differ from CSV")
    for name in ("amount", "count", "age"):
        check_numeric(name, first, [r[name] for r in a], [r[name] for r in b])
    for name, kind in (("country", "categorical"), ("plan", "categorical"), ("flag", "boolean")):
        check_categorical(name, first, [r[name] for r in a], [r[name] for r in b], kind)
    expect(first["fields"]["name"]["type"] == "text", "name is text")
    nulls = sum(r["age"] is None for r in b) / len(b)
    near(first["fields"]["age"]["statistics"]["null_rate"]["value"], nulls, "null_rate")
    expect(sorted(first["multivariate"]) == ["correlation_change", "domain_auc", "mmd", "pca_error"], "multivariate")
    same = answer(paths_a[0], paths_a[1])
    expect(same["fields"]["amount"]["statistics"]["ks"]["p_value"] == 1, "a file against itself")
    expect(same["multivariate"]["mmd"]["value"] < 1e-6, "mmd of a file against itself")
    run = compare(paths_a[0], paths_b[0])
    expect(run.returncode == 0 and "amount" in run.stdout and "nan" not in run.stdout, "the table")


def check_found(folder, rng):
    """What only several fields together show: a correlation that turns round."""
    paths = []
    for name, sign in (("r", 1), ("s", 1), ("t", -1)):
        x = rng.normal(size=1500)
        frame = pd.DataFrame({"x": x, "y": sign * x + 0.5 * rng.normal(size=1500), "z": rng.normal(size=1500)})
        paths.append(os.path.join(folder, name + ".csv"))
        frame.to_csv(paths[-1], index=False)
    quiet, moved = answer(paths[0], paths[1])["multivariate"], answer(paths[0], paths[2])["multivariate"]
    expect(quiet["mmd"]["p_value"] > 0.01 and moved["mmd"]["p_value"] <= 0.01, f"mmd {quiet} {moved}")
    expect(moved["correlation_change"]["value"] > 1.5 and moved["correlation_change"]["p_value"] < 1e-9, "correlation")
    expect(moved["pca_error"]["value"] > 2 and quiet["pca_error"]["value"] < 1.5, "pca_error")
    shifted = pd.read_csv(paths[1]) + 0.7
    shifted.to_csv(paths[1], index=False)
    expect(answer(paths[0], paths[1])["multivariate"]["domain_auc"]["value"] > 0.7, "domain_auc")


def check_texts(folder, rng):
    words = ["alpha", "beta", "Gamma", "delta", "epsilon"]
    def texts(n, vocabulary, ends):
        return [" ".join(rng.choice(vocabulary, size=rng.integers(2, 9))) + f" #{ends}" for _ in range(n)]
    sides = [texts(3000, words, ""), texts(2500, words, ""), texts(2500, words + ["\u00e9t\u00e9", "NEW"], "!!")]
    paths = []
    for i, side in enumerate(sides):
        paths.append(os.path.join(folder, f"text{i}.jsonl"))
        with open(paths[-1], "w") as file:
            file.writelines(json.dumps({"note": text}) + "\n" for text in side)
    for a, b in ((0, 1), (0, 2)):
        entry = answer(paths[a], paths[b])["fields"]["note"]
        expect(entry["type"] == "text", f"note is {entry['type']}")
        s, lengths = entry["statistics"], [np.array([len(t.encode()) for t in sides[k]], float) for k in (a, b)]
        near(s["text_length"]["value"], stats.wasserstein_distance(*lengths) / lengths[0].std(ddof=1), "text_length")
        kinds = []
        for k in (a, b):
            text = "".join(sides[k])
            kinds.append(np.array([sum(c.isascii() and c.islower() for c in text), sum(c.isascii() and c.isupper() for c in text),
                                   sum(c.isdigit() for c in text), text.count(" "), sum(c in "#!" for c in text),
                                   sum(not c.isascii() for c in text)], float))
        near(s["character_classes"]["value"], distance.jensenshannon(*kinds, base=2), "character_classes", 1e-7)
        spelt = [[w.lower() for t in sides[k] for w in t.split() if w[0] != "#"] for k in (a, b)]
        known = set(spelt[0])
        near(s["out_of_vocabulary"]["value"], np.mean([w not in known for w in spelt[1]]), "out_of_vocabulary")
        expect((s["token_distribution"]["value"] < 0.03) if b == 1 else (s["token_distribution"]["value"] > 0.3), "token_distribution")


VECTORS = {"type": "record", "name": "row", "fields": [
    {"name": "v", "type": ["null", {"type": "array", "items": "double"}]}]}


def check_vectors(folder, rng):
    paths, sides = [], []
    for i, shift in enumerate((0, 0, 0.5)):
        sides.append(rng.normal(size=(400, 8)) * np.arange(1, 9) + shift * (np.arange(8) == 3) * 4)
        paths.append(os.path.join(folder, f"vectors{i}.avro"))
        odd = [{"v": [1.0, 2.0]}, {"v": []}, {"v": None}, {"v": [math.nan] * 8}]
        with open(paths[-1], "wb") as file:
            fastavro.writer(file, VECTORS, [{"v": row.tolist()} for row in sides[-1]] + odd)
    for b in (1, 2):
        entry = answer(paths[0], paths[b])["fields"]["v[]"]
        expect(entry["type"] == "vector", f"v is {entry['type']}")
        s, x, y = entry["statistics"], sides[0], sides[b]
        shift = np.linalg.norm(y.mean(0) - x.mean(0)) / math.sqrt(x.var(0, ddof=1).sum())
        near(s["mean_shift"]["value"], shift, "mean_shift")
        least = stats.ttest_ind(x, y, axis=0, equal_var=False).pvalue.min()
        near(s["mean_shift"]["p_value"], min(1, 8 * least), "mean_shift p", 1e-6)
        nx, ny = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
        near(s["norm_shift"]["value"], (ny.mean() - nx.mean()) / nx.std(ddof=1), "norm_shift", 1e-8)
        near(s["norm_shift"]["p_value"], stats.ttest_ind(nx, ny, equal_var=False).pvalue, "norm_shift p", 1e-6)
        expect((s["vector_mmd"]["p_value"] > 0.01) == (b == 1), f"vector_mmd {s['vector_mmd']}")


def answers(rng, n, off):
    for _ in range(n):
        odds = rng.normal() * 2
        truth = "fraud" if rng.uniform() < 1 / (1 + math.exp(-odds)) else "good"
        score = round(1 / (1 + math.exp(-odds - off)), 3)
        price = float(rng.lognormal())
        yield {"truth": truth, "said": "fraud" if score > 0.5 else "good", "score": score, "price": price,
               "guess": price + off + float(rng.normal()), "id": f"n{rng.integers(10**9)}"}


def check_quality(folder, rng):
    """A model's metrics of two files are scikit-learn's, and stand beside each other."""
    a, b = list(answers(rng, 1500, 0)), list(answers(rng, 900, 1))
    paths = [os.path.join(folder, name) for name in ("qa.csv", "qb.jsonl")]
    pd.DataFrame(a).to_csv(paths[0], index=False)
    with open(paths[1], "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in b)
    run = compare(*paths, "--json", "--label", "truth", "--prediction", "said", "--score", "score", "--positive", "fraud")
    got = json.loads(run.stdout, parse_constant=refuse)["quality"]
    for side, data in (("reference", a), ("current", b)):
        y, p = [r["truth"] == "fraud" for r in data], [r["score"] for r in data]
        said = [r["said"] == "fraud" for r in data]
        expect(got["records"][side] == len(data), f"{side} records")
        for name, want in {"accuracy": metrics.accuracy_score(y, said), "precision": metrics.precision_score(y, said),
                           "recall": metrics.recall_score(y, said), "f1": metrics.f1_score(y, said),
                           "kappa": metrics.cohen_kappa_score(y, said), "matthews": metrics.matthews_corrcoef(y, said),
                           "roc_auc": metrics.roc_auc_score(y, p), "log_loss": metrics.log_loss(y, p),
                           "brier": metrics.brier_score_loss(y, p)}.items():
            near(got["metrics"][name][side]["value"], want, f"{side} {name}")
    worse = got["metrics"]["brier"]
    expect(0 < worse["low"] < worse["change"] < worse["high"], f"brier {worse}")
    run = compare(*paths, "--json", "--label", "price", "--prediction", "guess")
    got = json.loads(run.stdout, parse_constant=refuse)["quality"]["metrics"]
    for side, data in (("reference", a), ("current", b)):
        y, p = [r["price"] for r in data], [r["guess"] for r in data]
        for name, want in {"mae": metrics.mean_absolute_error(y, p), "rmse": metrics.root_mean_squared_error(y, p),
                           "bias": float(np.mean(np.array(p) - y)), "r2": metrics.r2_score(y, p)}.items():
            near(got[name][side]["value"], want, f"{side} {name}")
    for wrong in (["--label", "truth"], ["--score", "score"], ["--label", "truth", "--score", "none"],
                  ["--label", "id", "--prediction", "said"]):
        expect(compare(*paths, *wrong).returncode in (1, 2), f"{wrong} is taken")


CONFIG = """
version: 1
app: together
streams: {rows: {format: csv}}
detectors: {contract: {type: schema, stream: rows}}
"""


def numbers(rng, n, turn):
    """A pair that goes together, one with nulls, one with a heavy tail that goes along with it."""
    x = rng.normal(size=n)
    y = turn * x + rng.normal(size=n)
    z = np.where(rng.uniform(size=n) < 0.2, np.nan, rng.integers(0, 9, n) + y)
    return pd.DataFrame({"x": x, "y": y, "z": z, "w": np.exp(2 * rng.normal(size=n) + 0.5 * x)}).round(6)


def cut(data, reference):
    return ((data - reference.mean()) / reference.std()).clip(-10, 10)


def check_together(folder, rng):
    """What all rows of a profile say together is what all rows of its file say."""
    a, b = numbers(rng, 6000, 0.3), numbers(rng, 4000, 0.5)
    b.y += 0.2
    names = {k: os.path.join(folder, f"t{k}") for k in ("a.csv", "b.csv", "a.avro", "b.avro", "like.avro", "c.yaml")}
    a.to_csv(names["a.csv"], index=False)
    b.to_csv(names["b.csv"], index=False)
    with open(names["c.yaml"], "w") as file:
        file.write(CONFIG)
    for data, profile, more in (("a", "a", []), ("b", "b", []), ("b", "like", ["--like", names["a.avro"]])):
        run = subprocess.run([WEIR, "profile", "-q", "-c", names["c.yaml"], "-s", "rows", "-i", names[f"{data}.csv"],
                              "-o", names[f"{profile}.avro"], *more], capture_output=True, text=True, timeout=120)
        expect(run.returncode == 0, f"profile {data}: {run.stderr}")
    want_a, want_b = cut(a, a).corr(), cut(b, a).corr()
    want = np.abs(want_a - want_b).to_numpy().max()
    run = subprocess.run([WEIR, "show", "--json", names["a.avro"]], capture_output=True, text=True, timeout=60)
    shown = json.loads(run.stdout, parse_constant=refuse)["correlations"]
    expect(len(shown) == 6, f"{len(shown)} correlations")
    for pair in shown:
        left, right = pair["fields"]
        near(pair["r"], want_a[left][right], f"{left} {right}", 1e-5)
        expect(pair["records"] == int((a[left].notna() & a[right].notna()).sum()), f"{left} {right} records")
    files = answer(names["a.csv"], names["b.csv"])["multivariate"]
    near(files["correlation_change"]["value"], want, "correlation_change of files", 1e-5)
    for other in ("like.avro", "b.csv"):
        got = answer(names["a.avro"], names[other])["multivariate"]
        near(got["correlation_change"]["value"], want, f"correlation_change of {other}", 1e-5)
        near(got["mmd"]["value"], files["mmd"]["value"], f"mmd of {other}", 1e-4)
        expect(got["mmd"]["bound"] < 1e-5 and got["mmd"]["p_value"] < 1e-6, f"mmd of {other}: {got['mmd']}")
        expect(got["correlation_change"]["p_value"] < 1e-6, f"p of {other}")
    own = answer(names["a.avro"], names["b.avro"])["multivariate"]
    plain = np.abs(a.corr() - b.corr()).to_numpy().max()
    for truth in (want, plain):
        expect(abs(own["correlation_change"]["value"] - truth) <= own["correlation_change"]["bound"], f"bound {own}, {truth}")
    expect(own["mmd"]["bound"] > 0.01, f"features that are not the same: {own['mmd']}")


def check_quiet_correlations(folder, rng):
    """Of samples of one distribution with heavy tails p is hardly ever small."""
    paths = [os.path.join(folder, f"quiet{i}.csv") for i in range(2)]
    small = {"correlation_change": 0, "mmd": 0}
    for _ in range(40):
        for path in paths:
            numbers(rng, 400, 0.6).to_csv(path, index=False)
        got = answer(*paths)["multivariate"]
        for name in small:
            small[name] += got[name]["p_value"] < 0.02
    expect(max(small.values()) <= 4, f"p below .02 in {small} of 40")


def check_edges(folder):
    texts = ["", "x\n", "x\n1\n", "x,y\n1,\n1,\n1,\n", "x,y\n5,a\n5,a\n5,a\n", "x,y\nNaN,\ninf,b\n-inf,\n", "x,y\n1e308,a\n-1e308,b\n0,c\n",
             "x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(50)), "y,q\n1,2\n", "x,y\ntrue,1\nfalse,2\n", "x,y\n1\n2,3,4\n\n"]
    paths, tables = [], 0
    for i, text in enumerate(texts):
        paths.append(os.path.join(folder, f"edge{i}.csv"))
        with open(paths[-1], "w") as file:
            file.write(text)
    for a in paths:
        for b in paths:
            run = compare(a, b, "--json")
            if run.returncode == 1 and not run.stdout and (
                    "not even a CSV header" in run.stderr or "not one of its 2 records can be read" in run.stderr):
                continue
            expect(run.returncode == 0, f"{a} {b}: {run.returncode} {run.stderr}")
            got = json.loads(run.stdout, parse_constant=refuse) if run.returncode == 0 else {"fields": {}}
            for field, entry in got["fields"].items():
                for name, s in entry["statistics"].items():
                    expect(s["value"] is not None or s.get("reason"), f"{a} {b} {field} {name}: no reason")
            expect(compare(a, b).returncode == 0, f"{a} {b}: the table")
            tables += 1
    expect(tables == 81, f"{tables} tables")
    expect(compare(paths[2], os.path.join(folder, "none.csv")).returncode == 1, "a file that is not there")
    expect(subprocess.run([WEIR, "compare", paths[2]], capture_output=True).returncode == 2, "one operand")


def check_bounds(folder, rng):
    """Of profiles no value is further from the exact one than its bound, whatever the size of the numbers."""
    normal = rng.normal(size=(2, 800))
    frames = [pd.DataFrame({"plain": x, "far": x + 1e15, "whole": np.round(30 * x), "huge": x * 1e300, "tiny": x * 1e-300,
                            "tails": np.exp(2 * x), "grown": x * (1 + 1e9 * k)}) for k, x in enumerate(normal + [[0], [0.3]])]
    names = {k: os.path.join(folder, f"bounds{k}") for k in ("0.csv", "1.csv", "0.avro", "1.avro", ".yaml")}
    with open(names[".yaml"], "w") as file:
        file.write(CONFIG)
    for k, frame in enumerate(frames):
        frame.to_csv(names[f"{k}.csv"], index=False)
        run = subprocess.run([WEIR, "profile", "-q", "-c", names[".yaml"], "-s", "rows", "-i", names[f"{k}.csv"], "-o", names[f"{k}.avro"]],
                             capture_output=True, text=True, timeout=120)
        expect(run.returncode == 0, f"profile {k}: {run.stderr}")
    exact = answer(names["0.csv"], names["1.csv"])["fields"]
    for other in ("1.csv", "1.avro"):
        got = answer(names["0.avro"], names[other])
        for field, entry in got["fields"].items():
            for name, s in entry["statistics"].items():
                want = exact[field]["statistics"][name]["value"]
                if s["value"] is None or want is None or "bound" not in s:
                    continue
                expect(abs(s["value"] - want) <= s["bound"] * (1 + 1e-9) + 1e-12 * abs(want), f"{other} {field} {name}: {s}, exactly {want}")
                expect(s["bound"] > 0 or name not in ("welch_t", "variance_ratio"), f"{other} {field} {name}: bound {s['bound']}")
            for name in ("welch_t", "variance_ratio"):
                expect(entry["statistics"][name]["value"] is not None or field == "grown", f"{other} {field} {name}: {entry['statistics'][name]}")


def check_notes(folder):
    """What no statistic tells is told all the same, whatever the two sides are read from."""
    names = {}

    def write_lines(name, lines):
        names[name] = os.path.join(folder, name)
        with open(names[name], "w") as file:
            file.write("\n".join(lines) + "\n")
        return names[name]

    whole = write_lines("whole.csv", ["x,y,word"] + [f"{i},{i % 7},{'ab'[i % 2]}" for i in range(100)])
    half = write_lines("half.csv", ["x,y,word"] + [f"{i}.5,{i % 7},{'ab'[i % 2]}" for i in range(100)])
    s = answer(whole, half)["fields"]["x"]["statistics"]
    expect(s["null_rate"]["value"] == 0 and s["wasserstein"]["value"] == 0.5, f"whole numbers, then fractions: {s}")
    late = write_lines("late.csv", ["x,y,word"] + [f"{i},1,a" for i in range(3000)] + ["0.5,1,a"] * 500)
    expect(answer(late, whole)["fields"]["x"]["statistics"]["null_rate"]["reference"] == 0, "fractions that come late")
    other = write_lines("other.csv", ["x,z"] + [f"{i if i % 4 else 'n/a'},{i}" for i in range(100)])
    nulls = write_lines("nulls.csv", ["x,y,word"] + [",1,a"] * 50)
    ragged = write_lines("ragged.csv", ["x,y,word"] + ["1,2,a", "1,2,a,4", "3"] * 20)
    header = write_lines("header.csv", ["x,y,word"])
    with open(os.path.join(folder, "notes.yaml"), "w") as file:
        file.write(CONFIG)
    profile = os.path.join(folder, "whole.avro")
    run = subprocess.run([WEIR, "profile", "-q", "-c", os.path.join(folder, "notes.yaml"), "-s", "rows", "-i", whole, "-o", profile],
                         capture_output=True, text=True, timeout=60)
    expect(run.returncode == 0, f"profile: {run.stderr}")
    for reference in (whole, profile):
        notes = {(n["kind"], n["field"], n["side"]): n.get("records") for n in answer(reference, other)["notes"]}
        expect(notes == {("only_in_reference", "y", "reference"): None, ("only_in_reference", "word", "reference"): None,
                         ("other_type", "x", "current"): 25, ("only_in_current", "z", "current"): None}, f"{reference}: {notes}")
        notes = answer(reference, ragged)["notes"]
        expect([(n["kind"], n["side"], n["records"]) for n in notes] == [("unreadable", "current", 40)], f"ragged: {notes}")
        expect("record 2: CSV: 4 cells where 3 are wanted" in notes[0]["text"], f"ragged: {notes}")
        expect(answer(reference, half if reference == whole else whole)["notes"] == [], "nothing to note")
        run = compare(reference, other)
        expect("z: only current has it" in run.stdout and "x: 25 of the 100 values of current" in run.stdout, run.stdout)
    got = answer(nulls, whole)
    expect(got["fields"]["x"]["type"] == "numeric" and got["notes"][0]["kind"] == "no_values", f"nulls: {got['notes']}")
    for a, b in ((header, whole), (whole, header), (header, header)):
        s = answer(a, b)["fields"]["x"]["statistics"]
        expect(s["psi"]["value"] is None and s["psi"]["reason"], f"no rows: {s['psi']}")
    words = write_lines("words.jsonl", ["no", "JSON"])
    for a, b in ((words, whole), (whole, words), (profile, words)):
        run = compare(a, b, "--json")
        expect(run.returncode == 1 and "not one of its 2 records can be read" in run.stderr, f"{a} {b}: {run.stderr}")
    steering = os.path.join(folder, "steering.jsonl")
    with open(steering, "w") as file:
        file.writelines(json.dumps({"\x1b[31mred": i, "two\nlines": i, "caf\u00e9": i}) + "\n" for i in range(30))
    run = compare(steering, steering)
    table = [line for line in run.stdout.splitlines() if "numeric  " in line]
    expect("\x1b" not in run.stdout and len(table) == 3, run.stdout)
    expect(len({line.index("numeric") for line in table}) == 1, f"columns: {table}")


def main():
    rng = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as folder:
        check_formats(folder, rng)
        check_found(folder, rng)
        check_texts(folder, rng)
        check_vectors(folder, rng)
        check_quality(folder, rng)
        check_together(folder, rng)
        check_quiet_correlations(folder, rng)
        check_edges(folder)
        check_bounds(folder, rng)
        check_notes(folder)
    print(f"{checks} checks, {faults} failed")
    return 1 if faults or checks < 300 else 0


if __name__ == "__main__":
    sys.exit(main())
