#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an incident of drift says of its cause: all of its fields, since when, and where."""

import csv
import io
import math
import random
import re
import unittest
from datetime import datetime, timezone

import program

HOUR = 3_600_000
MONDAY = 1_760_313_600_000  # 2025-10-13T00:00:00Z

CONFIG = """
version: 1
app: incident
streams:
  s:
    format: csv
    time: at
    fields:
      at: {type: long}
      device: {type: string, role: slice}
references:
  training: {profile: training.avro}
%s
detectors:
  d: {type: drift, stream: s, reference: training, by: [device], window: {size: 1h, lateness: 0s}}
"""
SHORT = "calibration: {last: 3d}\nfalse_alarms: {at_most: 10, per: 30d}"


def rows(hours, fields, change=None, seed=1, per_hour=300, devices=(40, 40, 20), start=MONDAY):
    """Numbers n0, n1, ... and merchants m0, m1, ...; change(at, row, draw) edits a row."""
    draw = random.Random(seed)
    out = io.StringIO()
    names = [f"n{i}" for i in range(fields[0])] + [f"m{i}" for i in range(fields[1])]
    write = csv.writer(out)
    write.writerow(["at", "device", *names])
    for i in range(hours * per_hour):
        at = start + i * HOUR // per_hour
        row = {"device": draw.choices(["ios", "android", "web"], devices)[0]}
        for name in names:
            row[name] = draw.gauss(0, 1) if name[0] == "n" else draw.choices("abcd", [2, 4, 3, 1])[0]
        if change:
            change(at, row, draw)
        write.writerow([at, *(f"{x:.5g}" if isinstance(x, float) else x for x in row.values())])
    return out.getvalue()


def evidence(alert, kind):
    return next((item for item in alert["evidence"] if item["type"] == kind), None)


def onset(alert):
    """Hours since MONDAY between which it began, as far as is told."""
    found = evidence(alert, "onset")
    told = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d", found["after"])
    times = [datetime.strptime(at, "%Y-%m-%d %H:%M").replace(tzinfo=timezone.utc) for at in told]
    hours = [(at.timestamp() * 1000 - MONDAY) / HOUR for at in times]
    # "since the window of ..." is all of that window.
    return (hours[1], hours[2]) if len(hours) > 2 else (hours[0], hours[0] + 1)


class IncidentTest(program.Program):
    def judge(self, data, fields, extra=SHORT, training=None, config=CONFIG):
        path = self.file("weir.yaml", config % extra)
        before = rows(60, fields, seed=9, start=MONDAY - 60 * HOUR) if training is None else training
        training = self.file("training.csv", before)
        done = self.weir("profile", "-c", path, "-s", "s", "-i", training, "-o", "training.avro")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = self.replay(config % extra, s=self.file("s.csv", data))
        self.assertEqual(result.code, 0, result.err)
        return result.alerts

    def test_a_category_with_few_values_is_dated(self):
        since = MONDAY + 100 * HOUR + 37 * HOUR // 60

        def change(at, row, draw):
            if at >= since and draw.random() < 0.5:
                row["m0"] = "a"

        alerts = self.judge(rows(104, (1, 1), change), (1, 1))
        alerts = [alert for alert in alerts if alert["window"]["start"] >= MONDAY + 99 * HOUR]
        self.assertEqual(len({alert["fingerprint"] for alert in alerts}), 1)
        for alert in alerts:
            first, last = onset(alert)
            self.assertTrue(first <= 100 + 37 / 60 <= last, alert["summary"])
            self.assertGreaterEqual(first, 99, alert["summary"])

    def test_what_was_first_is_surely_so(self):
        def change(at, row, draw):
            if at >= MONDAY + 100 * HOUR + 40 * HOUR // 60:
                for name in ("n0", "n1"):
                    row[name] += 0.7
                for name in ("m0", "m1"):
                    row[name] = "a" if draw.random() < 0.4 else row[name]

        for alert in self.judge(rows(104, (2, 2), change), (2, 2)):
            self.assertIsNone(evidence(alert, "order"), alert["summary"])

    def test_a_slice_with_few_records_is_not_called_as_usual(self):
        def change(at, row, draw):
            if at >= MONDAY + 100 * HOUR and draw.random() < 0.4:
                row["m0"] = "d"

        few = (45, 42, 13)  # of the last less than what a slice is judged by
        data = rows(112, (0, 1), change, devices=few)
        training = rows(60, (0, 1), seed=9, devices=few, start=MONDAY - 60 * HOUR)
        alerts = self.judge(data, (0, 1), training=training)
        self.assertGreater(len(alerts), 5)
        for alert in alerts:
            self.assertNotIn("only in", alert["summary"])

    def test_what_comes_again_began_anew(self):
        def change(at, row, _):
            if any(since <= (at - MONDAY) / HOUR < since + 5 for since in (84.4, 108.4, 132.4)):
                row["n0"] += 1.2

        alerts = self.judge(rows(142, (2, 0), change), (2, 0))
        opened = [alert for alert in alerts if alert["status"] == "open"]
        self.assertEqual(len(opened), 3, [alert["summary"] for alert in opened])
        for alert, since in zip(opened, (84.4, 108.4, 132.4)):
            first, last = onset(alert)
            self.assertTrue(first <= since <= last and first > since - 2, alert["summary"])
        self.assertEqual(opened[0]["kind"], "drift.feature")
        self.assertEqual(alerts[-1]["kind"], "drift.recurring")

    def test_it_is_not_over_after_hours_with_few_records(self):
        # It came at once, which the hours before the last ones show and no others.
        draw = random.Random(4)
        since = MONDAY + 30 * HOUR

        def change(at, row, _):
            row["n0"] += 1.5 if at >= since else 0

        lines = rows(46, (2, 0), change).splitlines()
        night = range(MONDAY + 33 * HOUR, MONDAY + 39 * HOUR)
        kept = [line for line in lines
                if not line[0].isdigit() or int(line.split(",")[0]) not in night or draw.random() < 0.1]  # fmt: skip
        alerts = self.judge("\n".join(kept) + "\n", (2, 0), extra="")
        self.assertEqual(len({alert["fingerprint"] for alert in alerts}), 1)
        self.assertNotIn("resolved", [alert["status"] for alert in alerts])
        self.assertGreaterEqual(alerts[-1]["window"]["start"], MONDAY + 44 * HOUR)

    def test_a_rhythm_is_no_alarm_in_windows_of_some_hours(self):
        def change(at, row, _):
            row["n0"] += 0.75 * math.sin(2 * math.pi * at / (24 * HOUR))

        config = CONFIG.replace("size: 1h", "size: 6h, hop: 1h")
        before = rows(72, (2, 0), change, seed=9, start=MONDAY - 72 * HOUR)
        alerts = self.judge(rows(60, (2, 0), change), (2, 0), "", before, config)
        self.assertEqual([alert["summary"] for alert in alerts], [])

    def test_one_cause_is_one_incident_before_all_is_learnt(self):
        # The merchants are critical by themselves; the numbers are not yet large enough to be.
        def change(at, row, draw):
            if at >= MONDAY + 102 * HOUR:
                for name in row:
                    if name[0] == "n" and name != "n9":
                        row[name] += 0.35
                    elif name[0] == "m" and draw.random() < 0.6:
                        row[name] = "a"

        alerts = self.judge(rows(118, (10, 2), change), (10, 2), extra="")
        self.assertEqual(len({alert["fingerprint"] for alert in alerts}), 1)
        last = [alert for alert in alerts if alert["status"] != "resolved"][-1]
        self.assertEqual(last["kind"], "drift.feature")
        self.assertGreaterEqual(len(set(last["fields"]) - {"n9"}), 8, last["summary"])


if __name__ == "__main__":
    unittest.main()
