#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Serving beside training by distribution: what was done to fields on one side only."""

import csv
import io
import math
import random
import unittest

import program

HOUR = 3_600_000
MONDAY = 1_760_313_600_000  # 2025-10-13T00:00:00Z
SERVED = MONDAY + 21 * 24 * HOUR

CONFIG = """
version: 1
app: skew
streams:
  s:
    format: csv
    time: at
    fields:
      at: {type: long}
      clicks_10d: {type: long}
      spent_10d: {type: double}
      mean_price: {type: double}
      age: {type: double}
      hour: {type: long}
      country: {type: string}
      amount: {type: double, nullable: true}
      device: {type: string}
references:
  training: {profile: training.avro}
detectors:
  skew: {type: skew, stream: s, reference: training, over: 1d, window: {size: 1h, lateness: 0s}}
"""


def poisson(draw, mean):
    if mean > 60:
        return max(0, round(draw.gauss(mean, math.sqrt(mean))))
    count, product, least = 0, draw.random(), math.exp(-mean)
    while product > least:
        product *= draw.random()
        count += 1
    return count


def customer(draw, days=10):
    rate = math.exp(draw.gauss(-1, 0.8))
    clicks = poisson(draw, rate * days)
    spent = sum(draw.lognormvariate(2, 0.5) for _ in range(clicks))
    of_day = draw.gauss(13, 4.5) if draw.random() > 0.3 else 24 * draw.random()
    return {
        "clicks_10d": clicks,
        "spent_10d": spent,
        "mean_price": spent / clicks if clicks else draw.lognormvariate(2, 0.5),
        "age": draw.gauss(41, 13),
        "hour": int(of_day % 24),
        "country": draw.choices(["US", "DE", "JP"], [5, 3, 2])[0],
        "amount": draw.lognormvariate(3, 0.6),
        "device": draw.choices(["web", "app", "tv"], [5, 4, 1])[0],
    }


def rows(count, days, start, seed, change=None, span=10):
    """Customers over so many days; change(row, draw) edits a row in place."""
    draw = random.Random(seed)
    out = io.StringIO()
    write = csv.writer(out)
    for i in range(count):
        row = customer(draw, span)
        if row["country"] == "JP" and row["device"] == "tv":
            row["device"] = "app"
        if change:
            change(row, draw)
        if not i:
            write.writerow(["at", *row])
        values = [f"{x:.6g}" if isinstance(x, float) else x for x in row.values()]
        write.writerow([start + int(i * days * 24 * HOUR / count), *values])
    return out.getvalue()


class SkewTest(program.Program):
    def setUp(self):
        super().setUp()
        self.file("weir.yaml", CONFIG)
        training = self.file("training.csv", rows(9000, 14, MONDAY, 1))
        done = self.weir("profile", "-c", "weir.yaml", "-s", "s", "-i", training,
                         "-o", "training.avro")  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)

    def judge(self, change=None, span=10, days=2):
        served = self.file("served.csv", rows(3000 * days, days, SERVED, 2, change, span))
        done = self.replay(CONFIG, s=served)
        self.assertEqual(done.code, 0, done.err)
        return [alert for alert in done.alerts if alert["status"] == "open"]

    def one(self, kind, *texts, **options):
        alerts = self.judge(**options)
        self.assertEqual([alert["kind"] for alert in alerts], [kind])
        for text in texts:
            self.assertIn(text, alerts[0]["summary"])
        return alerts[0]

    def test_nothing_is_said_of_what_is_alike(self):
        self.assertEqual(self.judge(), [])

    def test_another_span(self):
        alert = self.one("skew.window_span", "clicks_10d and spent_10d are both ",
                         "(10 days in training, as the names say, 30 days in serving)",
                         span=30)  # fmt: skip
        self.assertEqual(alert["fields"], ["clicks_10d", "spent_10d"])
        self.assertEqual(alert["action"], "fix_producer")

    def test_what_may_be_a_span_is_called_nothing_else(self):
        """While few records leave it open, the mean price, which is over that span too, is narrower or wider."""
        served = self.file("served.csv", rows(2000, 40 / 24, SERVED, 2, span=1))
        done = self.replay(CONFIG.replace("over: 1d, ", ""), s=served)
        self.assertEqual({a["kind"] for a in done.alerts}, {"skew.window_span"})

    def test_standardised_on_one_side(self):
        def change(row, _):
            row["age"] = (row["age"] - 41) / 13

        self.one("skew.preprocessing", "age is standardised", "in serving and not in training",
                 change=change)  # fmt: skip

    def both(self, change):
        """What is opened where the stream has a schema detector too."""
        served = self.file("served.csv", rows(12000, 1, SERVED, 2, change))
        done = self.replay(
            CONFIG + "  schema: {type: schema, stream: s, reference: training, window: {size: 1h}}\n", s=served
        )  # fmt: skip
        self.assertEqual(done.code, 0, done.err)
        return [(a["kind"], a["fields"]) for a in done.alerts if a["status"] == "open"]

    def test_scaling_is_one_incident_and_so_is_a_unit(self):
        def standardised(row, _):
            row["age"] = (row["age"] - 41) / 13

        def ranged(row, _):
            row["age"] = min(max((row["age"] + 10) / 100, 0), 1)

        def logarithm(row, _):
            row["amount"] = math.log1p(row["amount"])

        def hundredths(row, _):
            row["amount"] *= 100

        skew = "skew.preprocessing"
        self.assertEqual(self.both(standardised), [(skew, ["age"])])
        self.assertEqual(self.both(ranged), [(skew, ["age"])])
        self.assertEqual(self.both(logarithm), [(skew, ["amount"])])
        self.assertEqual(self.both(hundredths), [("schema.unit", ["amount"])])

    def test_who_sends_it(self):
        """A difference that one slice has alone, too small for the whole or not."""

        def change(factor):
            def edit(row, _):
                if row["device"] == "tv":
                    row["amount"] *= factor

            return edit

        def told(config, factor, **options):
            served = self.file("served.csv", rows(12000, 2, SERVED, 2, change(factor)))
            done = self.replay(config, s=served, **options)
            self.assertEqual(done.code, 0, done.err)
            return [a for a in done.alerts if a["status"] == "open"]

        by = CONFIG.replace("over: 1d", "over: 1d, by: [device, [device, country]]")
        (alert,) = told(by, 1.6)
        self.assertEqual((alert["kind"], alert["rule"], alert["slice"]),
                         ("skew.distribution", "slice", {"device": "tv"}))  # fmt: skip
        self.assertIn("Serving is unlike training where device = tv (", alert["summary"])
        self.assertEqual(alert["fields"], ["amount"])
        self.assertEqual(told(CONFIG, 1.6), [])
        self.assertEqual(told(by, 1), [])

        def nulls(row, draw):
            if row["device"] == "app" and draw.random() < 0.2:
                row["amount"] = ""

        served = self.file("served.csv", rows(12000, 2, SERVED, 2, nulls))
        (alert,) = [a for a in self.replay(by, s=served).alerts if a["status"] == "open"]
        self.assertEqual(alert["kind"], "skew.noise")
        said = [a for a in self.replay(by, s=served).alerts if "only where device = app" in a["summary"]]
        self.assertTrue(said)

    def test_another_time_zone(self):
        def change(row, _):
            row["hour"] = (row["hour"] + 7) % 24

        self.one("skew.preprocessing", "hour is 7 hours later", "another time zone", change=change)

    def test_other_letters(self):
        def change(row, _):
            row["country"] = row["country"].lower()

        self.one("skew.preprocessing", "'us' for 'US'", change=change)

    def test_dirtier(self):
        def change(row, draw):
            if draw.random() < 0.12:
                row["amount"] = ""

        self.one("skew.noise", "Serving is dirtier than training was: amount ", " null",
                 change=change)  # fmt: skip

    def test_hours_are_held_against_the_same_hours(self):
        """Nulls, from 1% at night to 9% by day, beside whole weeks of training."""
        a_day = 2400

        def by_hour(begin, more=0):
            count = iter(range(begin * a_day // 24, 10**9))

            def change(row, draw):
                of_day = next(count) % a_day / a_day
                if draw.random() < 0.05 - 0.04 * math.cos(2 * math.pi * of_day) + more:
                    row["amount"] = ""

            return change

        training = self.file("training.csv", rows(14 * a_day, 14, MONDAY, 1, by_hour(0)))
        done = self.weir("profile", "-c", "weir.yaml", "-s", "s", "-i", training,
                         "-o", "training.avro")  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)

        def served(begin, more=0):
            start = SERVED + begin * HOUR
            text = rows(a_day, 1, start, 2, by_hour(begin, more))
            done = self.replay(CONFIG, s=self.file("served.csv", text))
            self.assertEqual(done.code, 0, done.err)
            return [(a["kind"], (a["window"]["end"] - start) // HOUR) for a in done.alerts
                    if a["status"] == "open"]  # fmt: skip

        for begin in (9, 21):
            self.assertEqual(served(begin), [])
        # 500 records are five hours.
        self.assertEqual(served(21, 0.15), [("skew.noise", 5)])
        self.assertEqual(served(9, 0.6), [("skew.noise", 5)])

    def test_a_country_that_training_never_saw(self):
        def change(row, draw):
            if draw.random() < 0.06:
                row["country"] = "FR"

        self.one("skew.distribution", "country has 'FR'", change=change)

    def test_a_kind_of_records_that_training_never_saw(self):
        def change(row, draw):
            if draw.random() < 0.06:
                row["country"], row["device"] = "JP", "tv"

        alert = self.one("skew.distribution", "device = tv", "country = JP", "none of ",
                         change=change)  # fmt: skip
        self.assertEqual(sorted(alert["fields"]), ["country", "device"])
        self.assertEqual(alert["action"], "add_training_data")

    def test_an_offset_without_a_name(self):
        def change(row, _):
            row["amount"] *= 1.35

        alert = self.one("skew.distribution", "Serving is unlike training all the time: amount",
                         change=change)  # fmt: skip
        self.assertEqual((alert["window"]["end"] - SERVED) // HOUR, 24)
        self.assertFalse(alert["provisional"])


if __name__ == "__main__":
    unittest.main()
