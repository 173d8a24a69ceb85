# SPDX-License-Identifier: Apache-2.0
"""Skew's parts against what their definitions say, spelt out here: bounds of shares against SciPy's,
verdicts and causes on random pairs, another span's ratio, kinds of records against brute force."""
import collections
import decimal
import itertools
import math
import os
import subprocess
import unittest

import numpy as np
from scipy import stats

PROGRAM = os.path.join(os.environ["WEIR_BUILD"], "conformance", "skew")
EQUAL, DIFFERS, ROUNDED, NOT_SERVED, NOT_OFFLINE = "equal", "differs", "rounded", "served", "offline"


def ask(lines):
    text = "\n".join(" ".join(map(str, line)) for line in lines)
    done = subprocess.run([PROGRAM], input=text, capture_output=True, text=True, check=True)
    answers = done.stdout.splitlines()
    assert len(answers) == len(lines), (len(answers), len(lines))
    return answers


def written(x):
    return "-" if x is None else repr(float(x))


# ---- two values


def decimals(x):
    """Decimals that a number is written with; 7: more than six."""
    exponent = decimal.Decimal(repr(x)).normalize().as_tuple().exponent
    return min(max(-exponent, 0), 7)


def is_rounded(x, y):
    """Equal but for a hundred-thousandth, or at the fewer decimals of one of them, a digit left."""
    largest = max(abs(x), abs(y))
    if abs(x - y) <= 1e-5 * largest:
        return True
    if largest >= 1e15 or abs(x - y) > 0.1 * largest:
        return False
    few, many = sorted((x, y), key=decimals)
    if decimals(few) == decimals(many):
        return False
    exact, unit = decimal.Decimal(repr(many)), decimal.Decimal(1).scaleb(-decimals(few))
    ways = decimal.ROUND_HALF_UP, decimal.ROUND_HALF_DOWN, decimal.ROUND_DOWN
    return any(exact.quantize(unit, way) == decimal.Decimal(repr(few)) for way in ways)


def verdict(x, y, absolute=0.0, relative=0.0):
    if x is None or y is None:
        return EQUAL if x is y else NOT_SERVED if x is None else NOT_OFFLINE
    if x == y or abs(x - y) <= absolute + relative * max(abs(x), abs(y)):
        return EQUAL
    return ROUNDED if is_rounded(x, y) else DIFFERS


# ---- what many pairs have in common


def shares(pairs):
    """Each cause, and the share of the pairs that differ which it explains."""
    judged = [(x, y, verdict(x, y)) for x, y in pairs]
    differ = [(x, y, v) for x, y, v in judged if v != EQUAL]
    rest = [(x, y) for x, y, v in differ if v == DIFFERS]
    said = {
        "missing": max(sum(v == side for _, _, v in differ) for side in (NOT_SERVED, NOT_OFFLINE)),
        "rounding": sum(v == ROUNDED for _, _, v in differ),
    }

    def best(values, fits):
        """Of the values that points suggest, the one that explains most."""
        common = collections.Counter(f"{v:.7g}" for v in values if math.isfinite(v)).most_common(3)
        return max((fits(float(v)) for v, _ in common), default=0)

    def near(y, wanted, size):
        return abs(y - wanted) <= 2e-6 * size

    said["scale"] = best((x / y for x, y in rest if x and y),
                         lambda a: sum(near(x, a * y, abs(a * y)) for x, y in rest if x))  # fmt: skip
    said["offset"] = best((x - y for x, y in rest),
                          lambda b: sum(near(x - y, b, abs(b) + abs(y)) for x, y in rest))  # fmt: skip
    logs = (math.log, math.log1p, math.log10, math.log2)
    said["logarithm"] = max(
        sum(y > 0 and abs(log(y) - x) <= 1e-6 * (1 + abs(x)) for x, y in rest) for log in logs
    )
    sides = collections.Counter(x for x, y, v in differ if v != NOT_SERVED)
    value, count = sides.most_common(1)[0] if sides else (None, 0)
    varied = {y for x, y, _ in differ if x == value and y is not None}
    said["default"] = count if len(varied) >= 3 else 0
    return {kind: count / len(differ) for kind, count in said.items()}, differ


def plant(rng, kind, n, share):
    """Pairs (served, offline) of which `share` differ by that cause, the rest by nothing known."""
    pairs = []
    a, b = float(rng.choice([7.5, 100, 0.001, -1, 60])), float(rng.choice([3.25, -41.5, 1000.0]))
    log = [math.log, math.log1p, math.log10, math.log2][rng.integers(4)]
    for _ in range(n):
        y = float(rng.lognormal(2, 1))
        if rng.random() >= share:
            pairs.append((float(rng.lognormal(2, 1)), y))
            continue
        x = {
            "missing": None, "rounding": round(y, 2), "scale": a * y, "offset": y + b,
            "logarithm": log(y), "default": 0.0, "unexplained": y + float(rng.normal(0, 3)),
        }[kind]  # fmt: skip
        pairs.append((x, y))
    return pairs


# ---- spans


def span_part(x, y):
    """(ln of the ratio of means, half of its interval, whether it is larger all over)."""
    if min(x.min(), y.min()) < 0:
        return None
    means, sds = (x.mean(), y.mean()), (x.std(ddof=1), y.std(ddof=1))
    se = math.sqrt(sum((s / m) ** 2 / len(v) for s, m, v in zip(sds, means, (x, y), strict=True)))
    ln, error = math.log(means[1] / means[0]), 3.5 * se + 0.03
    if error > 0.5 or abs(ln) < 0.2 or abs(ln) < 6 * se:
        return ln, error, False
    spread = math.log(sds[1] / sds[0]) / ln
    less, more = (x, y) if ln > 0 else (y, x)
    slack = 1.95 * math.sqrt(1 / len(x) + 1 / len(y)) + 0.03
    at = np.quantile(less, np.arange(1, 20) / 20)
    below = [np.searchsorted(np.sort(v), at, "right") / len(v) for v in (less, more)]
    return ln, error, 0.35 < spread < 1.15 and bool(np.all(below[1] <= below[0] + slack))


def deepest(parts):
    """Where most intervals of scaled fields overlap."""
    scaled = [p for p in parts if p and p[2]]
    ends = sorted([(p[0] - p[1], 0) for p in scaled] + [(p[0] + p[1], 1) for p in scaled])
    open_, most, low, high = 0, 0, 0.0, 0.0
    for i, (at, closes) in enumerate(ends):
        open_ += -1 if closes else 1
        if open_ > most:
            most, low, high = open_, at, ends[i + 1][0]
    return most, low, high


# ---- kinds of records


def brute_force(then, now, share, alpha, conditions):
    """Rows of the largest conjunction that `then` has none of, by trying all; and how many have so many."""
    columns, n = then.shape[0], (then.shape[1], now.shape[1])
    items = columns * 15
    looked = items * items * (1 + 1024 / items) / 2
    least = max((math.log(looked) - math.log(alpha)) / math.log((n[0] + n[1]) / n[1]), share * n[1], 1)
    single = []
    for c in range(columns):
        for value in np.unique(now[c]):
            rows = [side[c] == value for side in (then, now)]
            if rows[0].any() and least <= rows[1].sum() <= 0.95 * n[1]:
                single.append((c, value, rows))
    best, which = 0, []
    for group in itertools.combinations(single, conditions):
        if len({c for c, _, _ in group}) < conditions:
            continue
        both = [np.logical_and.reduce([rows[side] for _, _, rows in group]) for side in (0, 1)]
        count = int(both[1].sum())
        if both[0].any() or count < least or count < best:
            continue
        which = which if count == best else []
        which.append({(c, int(v)) for c, v, _ in group})
        best = count
    return best, which


class Skew(unittest.TestCase):
    def test_bounds(self):
        rng, lines, wanted = np.random.default_rng(1), [], []
        while len(lines) < 3000:
            pairs = int(10 ** rng.uniform(1, 6))
            allowed = float(rng.choice([0.001, 0.01, 0.05, 0.3]))
            differ = min(int(pairs * allowed * rng.uniform(0.8, 2)) + int(rng.integers(4)), pairs)
            tests, chance = int(rng.integers(1, 200)), float(10 ** rng.uniform(-7, -1))
            low = stats.beta.ppf(chance / tests, differ, pairs - differ + 1) if differ else 0.0
            if abs(low / allowed - 1) < 1e-9:
                continue
            lines.append(("bound", differ, pairs, allowed, tests, chance))
            wanted.append(int(low > allowed))
        self.assertTrue(0.2 < np.mean(wanted) < 0.8)
        self.assertEqual([int(a) for a in ask(lines)], wanted)

    def test_verdicts(self):
        rng, lines, wanted = np.random.default_rng(2), [], []
        for _ in range(4000):
            y = float(np.round(rng.lognormal(1, 2), rng.integers(0, 8)))
            x = [y, float(np.round(y, rng.integers(0, 4))), y * (1 + rng.normal() * 10.0 ** -rng.integers(1, 8)),
                 float(rng.lognormal(1, 2)), None, y][rng.integers(6)]  # fmt: skip
            x, y = None if x is None else float(x), None if rng.random() < 0.05 else y
            absolute, relative = ((0.0, 0.0), (0.01, 0.0), (0.0, 0.001))[rng.integers(3)]
            lines.append(("compare", absolute, relative, written(x), written(y)))
            wanted.append(verdict(x, y, absolute, relative))
        said = [int(a) for a in ask(lines)]
        ids = {}
        for got, want in zip(said, wanted, strict=True):
            ids.setdefault(want, got)
        wrong = [(lines[i], want) for i, want in enumerate(wanted) if said[i] != ids[want]]
        self.assertEqual(len(set(ids.values())), 5)
        self.assertEqual(wrong, [])

    def test_causes(self):
        rng, cases = np.random.default_rng(3), []
        kinds = ("missing", "rounding", "scale", "offset", "logarithm", "default", "unexplained")
        for i in range(1400):
            pairs = plant(rng, kinds[i % 7], int(rng.integers(60, 128)), rng.choice([0.65, 0.8, 1.0]))
            cases.append((kinds[i % 7], pairs))
        answers = ask([("cause", len(p), *(written(v) for pair in p for v in pair)) for _, p in cases])
        told = collections.Counter()
        for (kind, pairs), answer in zip(cases, answers, strict=True):
            name, share = answer.split()[0], float(answer.split()[1])
            by_definition, differ = shares(pairs)
            best = max(by_definition, key=by_definition.get)
            if by_definition[best] >= 0.6:
                self.assertEqual((name, best), (kind, kind), (by_definition, answer))
                self.assertAlmostEqual(share, by_definition[best], delta=2.5 / len(differ))
                told[kind] += 1
            elif by_definition[best] < 0.4:
                self.assertEqual(name, "unexplained", (by_definition, answer))
                told["unexplained"] += 1
        self.assertTrue(all(told[kind] > 120 for kind in kinds), told)

    def test_spans(self):
        rng, cases, lines = np.random.default_rng(4), [], []
        for i in range(60):
            ratio = float(rng.choice([1.0, 2.0, 3.0, 1 / 3, 7.0]))
            fields = []
            for f in range(5):
                rate = [rng.lognormal(1, 0.6, size=700) for _ in range(2)]
                if f < 3:
                    means = 10 * rate[0], 10 * rate[1] * ratio
                    fields.append(tuple(rng.poisson(mean).astype(float) for mean in means))
                else:
                    fields.append((rate[0], rate[1] * (1.5 if i % 10 == 9 else 1)))
            cases.append((ratio, fields))
            values = (v for x, y in fields for v in (len(x), len(y), *x.tolist(), *y.tolist()))
            lines.append(("span", 5, *values))
        found = 0
        for (ratio, fields), answer in zip(cases, ask(lines), strict=True):
            words = answer.split()
            said, kinds = float(words[0]), [int(w) for w in words[3:]]
            parts = [span_part(x, y) for x, y in fields]
            most, low, high = deepest(parts)
            scaled = [p for p in parts if most > 1 and p[2] and p[0] - p[1] <= high and p[0] + p[1] >= low]
            if ratio == 1.0:
                self.assertEqual(said, 0)
                continue
            if not said:
                continue
            found += 1
            weights = [1 / p[1] ** 2 for p in scaled]
            wanted = math.exp(sum(w * p[0] for w, p in zip(weights, scaled, strict=True)) / sum(weights))
            self.assertAlmostEqual(said / wanted, 1, delta=1e-4)
            self.assertEqual(sum(k == 1 for k in kinds), len(scaled))
            self.assertAlmostEqual(float(words[1]) / math.exp(low), 1, delta=1e-4)
            self.assertAlmostEqual(float(words[2]) / math.exp(high), 1, delta=1e-4)
            self.assertLess(abs(math.log(said / ratio)), 0.15)
        self.assertGreater(found, 30)

    def test_segments(self):
        rng, lines, cases = np.random.default_rng(5), [], []
        for i in range(200):
            n = int(rng.integers(400, 1500)), int(rng.integers(400, 1200))
            then, now = (rng.choice(4, p=[0.4, 0.3, 0.2, 0.1], size=(4, k)) for k in n)
            if i % 4:
                conditions = 2 + i % 2
                gone = np.logical_and.reduce([then[c] == i // 4 % 3 for c in range(conditions)])
                then = then[:, ~gone]
            cases.append((then, now))
            sizes = then.shape[1], now.shape[1]
            lines.append(("segments", *sizes, 4, 0.02, 0.001, *then.ravel(), *now.ravel()))
        found = collections.Counter()
        for (then, now), answer in zip(cases, ask(lines), strict=True):
            words = [int(w) for w in answer.split()]
            conditions = 2
            best, which = brute_force(then, now, 0.02, 0.001, 2)
            if not best:
                conditions = 3
                best, which = brute_force(then, now, 0.02, 0.001, 3)
            if not best:
                self.assertEqual(words[0], 0, answer)
                found[0] += 1
                continue
            self.assertGreater(words[0], 0, (best, which))
            self.assertEqual((words[1], words[2]), (best, conditions))
            clauses = {(words[3 + 3 * k], words[5 + 3 * k]) for k in range(conditions)}
            self.assertIn(clauses, which)
            found[conditions] += 1
        self.assertTrue(found[0] > 30 and found[2] > 30 and found[3] > 10, found)


if __name__ == "__main__":
    unittest.main()
