#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Odd samples in training and serving, through drift, skew and compare: never a number that is not
one in what is printed, never a division by zero, and what cannot be tested says why."""

import json
import math
import random
import unittest

from program import START, Program

HOUR = 3_600_000
EVERY = """ks, kuiper > 0.5, cramer_von_mises, anderson_darling, berk_jones, psi, jensen_shannon, kl, hellinger,
      total_variation, chi_square, g, l_infinity > 0.5, cramers_v, wasserstein > 100, wasserstein_normalised,
      energy > 100, mann_whitney, welch_t, variance_ratio, quantile_shift, fisher, vanished_categories, null_rate,
      infinite_share, empty_share, unseen_share, vanished_share > 0.5"""
CHARTS = """cusum(psi learn=10), ewma(wasserstein_normalised learn=10), page_hinkley(g learn=10), cusum(l_infinity
      learn=10) > 3, ewma(null_rate learn=10), cusum(variance_ratio learn=10), page_hinkley(welch_t learn=10)"""
CONFIG = f"""
version: 1
app: odd
streams:
  s:
    format: json
    time: at
    fields:
      at: {{type: long}}
      x: {{type: double, nullable: true}}
      n: {{type: long, nullable: true}}
      c: {{type: string, nullable: true}}
references:
  training: {{profile: training.avro}}
  prev: {{previous: 3}}
detectors:
  moved: {{type: drift, stream: s, reference: training, window: {{size: 1h, lateness: 0s}}}}
  named: {{type: drift, stream: s, reference: training, window: {{size: 1h, lateness: 0s}}, tests: [auto, {EVERY}]}}
  slow: {{type: drift, stream: s, reference: [training, prev], window: {{size: 1h, lateness: 0s}}, tests: [{CHARTS}]}}
  skew: {{type: skew, stream: s, reference: training, over: 4h, window: {{size: 1h, lateness: 0s}}}}
"""


def refuse(token):
    raise ValueError(f"{token} is no JSON")


def numbers(value, path=""):
    """All numbers in what JSON said, with where they are."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from numbers(inner, f"{path}[{i}]")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path, value


def rows(n, hours, *, x=0.0, c="a", seed=1):
    """So many rows an hour; x and c are values, or called with a random source and the row's number."""
    draw = random.Random(seed)
    lines = []
    for i in range(n * hours):
        value = x(draw, i) if callable(x) else x
        text = c(draw, i) if callable(c) else c
        whole = int(value) if isinstance(value, float) and abs(value) < 1e15 else None
        lines.append(json.dumps({"at": START + i * HOUR // n, "x": value, "n": whole, "c": text}))
    return "\n".join(lines) + "\n" if lines else ""


def normal(draw, _):
    return draw.gauss(10, 2)


def common(draw, _):
    return draw.choice("abc")


class OddSamples(Program):
    def check_text(self, text, where):
        words = text.replace(",", " ").replace(";", " ").replace(":", " ").replace("(", " ").split()
        for word in words:
            self.assertNotIn(word.strip(".%)"), ("nan", "-nan", "inf", "-inf"), f"{where}: {text}")

    def check_alert(self, alert):
        statistic = alert["statistic"]
        if alert["detector_type"] in ("drift", "skew"):
            self.assertIsNotNone(statistic["value"], alert["summary"])
            self.assertTrue(math.isfinite(statistic["value"]), alert)
        self.check_text(alert["summary"], alert["kind"])
        for line in alert["evidence"]:
            for side in ("before", "after"):
                self.check_text(line[side] or "", alert["kind"])

    def check_numbers(self, text, where):
        for line in text.splitlines():
            for path, value in numbers(json.loads(line, parse_constant=refuse)):
                self.assertTrue(math.isfinite(value), f"{where} {path}")

    def profile(self, training):
        path = self.file("training.jsonl", training)
        return self.weir("profile", "-c", "weir.yaml", "-s", "s", "-i", path, "-o", "training.avro")

    def compare(self, *sides):
        """All statistics of two files or profiles: finite, or null with a reason."""
        rows = not any(str(side).endswith(".avro") for side in sides)
        if rows:
            plain = self.weir("compare", *sides)
            self.assertEqual(plain.returncode, 0, plain.stderr)
            self.check_text(plain.stdout, "compare")
        for options in [["--preset", name] for name in ("nannyml", "evidently", "tfdv")] if rows else [[]]:
            done = self.weir("compare", "--json", *sides, *options)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.check_numbers(done.stdout, "compare")
            told = json.loads(done.stdout)
            for name, field in [*told["fields"].items(), ("all", {"statistics": told["multivariate"]})]:
                for statistic, result in field["statistics"].items():
                    if result["value"] is None:
                        self.assertTrue(result.get("reason"), f"{name} {statistic}: {result}")
        return told

    def judge(self, training, serving, compared=True):
        """What each detector opens, by detector."""
        self.file("weir.yaml", CONFIG)
        done = self.profile(training)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_text(self.weir("show", "training.avro").stdout, "show")
        served = self.file("served.jsonl", serving)
        done = self.replay(CONFIG, s=served)
        self.assertEqual(done.code, 0, done.err)
        for name in ("alerts", "windows", "stats"):
            self.check_numbers(done.text[name], name)
        for alert in done.alerts:
            self.check_alert(alert)
        if serving and training and compared:
            self.compare("training.jsonl", "served.jsonl")
            self.weir("profile", "-c", "weir.yaml", "-s", "s", "-i", served, "-o", "served.avro")
            self.compare("training.avro", "served.avro")
            self.compare("training.avro", "served.jsonl")
        opened = {}
        for alert in done.alerts:
            if alert["status"] == "open":
                opened.setdefault(alert["detector"], []).append(alert)
        return opened

    def test_constant_fields(self):
        self.assertEqual(self.judge(rows(500, 4, x=3.0), rows(500, 16, x=3.0)), {})

    def test_another_constant(self):
        opened = self.judge(rows(500, 4, x=3.0), rows(500, 16, x=4.0, c="b"))
        self.assertIn("moved", opened)
        self.assertIn("skew", opened)

    def test_constant_only_in_training(self):
        self.assertIn("moved", self.judge(rows(500, 4, x=3.0), rows(500, 16, x=normal, c=common)))

    def test_constant_only_in_serving(self):
        self.assertIn("moved", self.judge(rows(500, 4, x=normal, c=common), rows(500, 16, x=10.0)))

    def test_two_values(self):
        def coin(draw, _):
            return float(draw.random() < 0.5)

        self.assertEqual(self.judge(rows(500, 8, x=coin, c=common), rows(500, 16, x=coin, c=common, seed=2)).get("moved"), None)

    def test_all_null(self):
        opened = self.judge(rows(500, 4, x=None, c=common), rows(500, 16, x=None, c=common, seed=2))
        self.assertEqual([name for name in opened if name != "named"], [])
        self.assertEqual(self.profile(rows(500, 4, x=None, c=None)).returncode, 0)
        done = self.replay(CONFIG, s=self.file("served.jsonl", rows(500, 4, x=None, c=None)))
        self.assertEqual(done.code, 1)
        self.assertIn("the profile training knows none of its fields", done.err)

    def test_null_in_serving_only(self):
        opened = self.judge(rows(500, 4, x=normal, c=common), rows(500, 16, x=None, c=None))
        self.assertIn("100% of 500 records are null", opened["moved"][0]["summary"])

    def test_null_in_training_only(self):
        self.judge(rows(500, 4, x=None, c="a"), rows(500, 16, x=normal, c=common))

    def test_one_record(self):
        self.judge(rows(1, 1), rows(1, 1))
        self.judge(rows(1, 1), rows(500, 12, x=normal, c=common))
        self.judge(rows(500, 4, x=normal, c=common), rows(1, 1))

    def test_windows_of_five(self):
        opened = self.judge(rows(500, 4, x=normal, c=common), rows(5, 40, x=lambda d, i: d.gauss(30, 2), c="z"))
        self.assertNotIn("moved", opened)  # too few to say anything
        self.assertNotIn("named", opened)
        self.assertNotIn("slow", opened)

    def test_other_scales(self):
        for factor in (1e6, 1e-6, -1, 1e300, 1e-300):
            opened = self.judge(rows(500, 4, x=normal, c=common),
                                rows(500, 14, x=lambda d, i, f=factor: d.gauss(10, 2) * f, c=common, seed=2),
                                compared=abs(factor) > 1e200)  # fmt: skip
            self.assertIn("moved", opened, factor)

    def test_far_from_zero(self):
        def far(draw, _):
            return 1e15 + round(draw.gauss(0, 50))

        self.assertNotIn("moved", self.judge(rows(500, 8, x=far), rows(500, 14, x=far, seed=2)))

    def test_heavy_ties(self):
        def tied(draw, _):
            return draw.expovariate(1) if draw.random() < 0.01 else 0.0

        opened = self.judge(rows(1000, 8, x=tied, c=common), rows(1000, 14, x=tied, c=common, seed=2))
        self.assertNotIn("moved", opened)

    def test_infinities(self):
        def some(draw, _):
            return draw.choice([math.inf, -math.inf]) if draw.random() < 0.1 else draw.gauss(10, 2)

        self.judge(rows(500, 4, x=normal, c=common), rows(500, 14, x=some, c=common, seed=2))
        self.judge(rows(500, 4, x=some, c=common), rows(500, 14, x=normal, c=common, seed=2))
        self.judge(rows(500, 4, x=some, c=common), rows(500, 14, x=some, c=common, seed=2))
        self.judge(rows(500, 4, x=math.inf), rows(500, 14, x=-math.inf))
        self.judge(rows(500, 4, x=math.nan), rows(500, 14, x=normal))

    def test_ends_of_the_numbers(self):
        def end(draw, _):
            return draw.choice([1.7e308, -1.7e308, 5e-324, -5e-324, 0.0, -0.0, 1.0])

        self.judge(rows(500, 4, x=end), rows(500, 14, x=end, seed=2))
        self.judge(rows(500, 4, x=normal), rows(500, 14, x=end, seed=2))

    def test_a_million_categories(self):
        def any_of(draw, i):
            return f"item {i:07}"

        def others(draw, i):
            return f"thing {i:07}"

        self.judge(rows(250_000, 4, x=normal, c=any_of), rows(20_000, 3, x=normal, c=others, seed=2))
        opened = self.judge(rows(500, 8, x=normal, c=common), rows(200_000, 5, x=normal, c=any_of, seed=2))
        self.assertIn("moved", opened)

    def test_nothing_at_all(self):
        self.file("weir.yaml", CONFIG)
        self.file("empty.jsonl", "")
        done = self.profile("")
        if done.returncode == 0:
            done = self.replay(CONFIG, s=self.file("served.jsonl", rows(500, 12, x=normal)))
            self.assertEqual(done.code, 1)
            self.assertIn("knows none of its fields", done.err)
        else:
            self.assertIn("weir: ", done.stderr)
            self.assertEqual(done.returncode, 1)
        self.assertEqual(self.judge(rows(500, 4, x=normal), ""), {})
        for sides in (("empty.jsonl", "training.jsonl"), ("training.jsonl", "empty.jsonl")):
            done = self.weir("compare", "--json", *sides)
            if done.returncode == 0:
                self.check_numbers(done.stdout, "compare")
            else:
                self.assertIn("weir: ", done.stderr)


class OtherProfiles(Program):
    """A profile of another schema or version: what fits is used, the rest is said."""

    def make(self, config, training):
        self.file("other.yaml", config)
        path = self.file("training.jsonl", training)
        done = self.weir("profile", "-c", "other.yaml", "-s", "s", "-i", path, "-o", "training.avro")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_other_types(self):
        # x is a string there, c a number, n is not there at all.
        other = CONFIG.replace("x: {type: double, nullable: true}", "x: {type: string, nullable: true}")
        other = other.replace("c: {type: string, nullable: true}", "c: {type: double, nullable: true}")
        other = other.replace("      n: {type: long, nullable: true}\n", "")
        draw = random.Random(1)
        self.make(other, "".join(json.dumps({"at": START + i * 1000, "x": draw.choice("abc"), "c": draw.gauss(0, 1)}) + "\n"
                                 for i in range(3000)))  # fmt: skip
        done = self.replay(CONFIG, s=self.file("served.jsonl", rows(500, 12, x=normal, c=common)))
        self.assertNotEqual(done.code, 0)
        self.assertIn("training", done.err)
        self.assertNotIn("nan", done.err)

    def test_fields_that_are_not_there(self):
        other = CONFIG.replace("      x: {type: double, nullable: true}\n", "")
        self.make(other, "".join(json.dumps({"at": START + i * 1000, "n": i % 9, "c": "abc"[i % 3]}) + "\n" for i in range(3000)))
        done = self.replay(CONFIG, s=self.file("served.jsonl", rows(500, 12, x=normal, c=common)))
        self.assertEqual(done.code, 0, done.err)
        for alert in done.alerts:
            self.assertNotIn("x", alert["fields"])

    def test_another_version_and_no_profile(self):
        self.make(CONFIG, rows(500, 4, x=normal, c=common))
        whole = (self.folder / "training.avro").read_bytes()
        served = self.file("served.jsonl", rows(500, 12, x=normal, c=common))
        for damaged in (whole[: len(whole) // 2], whole[:-1], b"", b"Obj\x01", whole.replace(b"weir", b"wier"),
                        whole[:9000] + bytes(40) + whole[9040:]):  # fmt: skip
            (self.folder / "training.avro").write_bytes(damaged)
            done = self.replay(CONFIG, s=served)
            self.assertNotEqual(done.code, 0, len(damaged))
            self.assertIn("training.avro", done.err)
            if b"wier" in damaged:
                continue  # to `compare` that is an ordinary file of other records
            shown = self.weir("compare", "training.avro", served)
            self.assertNotEqual(shown.returncode, 0, (len(damaged), shown.stdout))
            self.assertIn("training.avro", shown.stderr)


if __name__ == "__main__":
    unittest.main()
