#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drift that is known: fields that were constant and begin to vary, and public data with the rows
where they change (bench/real_drift.py)."""

import json
import os
import pathlib
import random
import subprocess
import sys
import unittest

import program

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "bench" / "real_drift.py"
HOUR = 3_600_000
ROWS, BEFORE, AFTER = 300, 48, 4  # records an hour; hours

CONFIG = """
version: 1
app: constants
streams:
  s:
    topic: s
    format: json
    time: at
    fields:
      other: {type: double}
      NAME: {type: KIND}
references:
  before: {profile: before.avro}
  recent: {previous: 8}
CALIBRATION
detectors:
  d: {type: drift, stream: s, reference: REFERENCE, window: {size: 1h}}
"""
KINDS = {  # the constant and what else comes
    "flag": ("boolean", False, True),
    "level": ("double", 3.5, 3.6),
    "lower": ("double", 3.5, 3.4),
    "name": ("string", "a", "b"),
    "declared": ("string, values: [a, b]", "a", "b"),
}


class RealDrift(program.Program):
    def write(self, name, usual, other, share):
        pick = random.Random(1)
        for path, hours in (("before.jsonl", range(BEFORE)), ("now.jsonl", range(BEFORE + AFTER))):
            with (self.folder / path).open("w") as file:
                for hour in hours:
                    for k in range(ROWS):
                        value = other if hour >= BEFORE and pick.random() < share else usual
                        row = {"at": program.START // HOUR * HOUR + hour * HOUR + k * HOUR // ROWS,
                               "other": pick.gauss(0, 1), name: value}  # fmt: skip
                        file.write(json.dumps(row) + "\n")

    def test_constants_that_begin_to_vary(self):
        for name, (kind, usual, other) in KINDS.items():
            self.write(name, usual, other, 0.3)
            for reference in ("before", "recent"):
                for calibration in ("", "calibration: {last: 40h}"):
                    # Strings need a profile or their values to have cells of their own.
                    if name == "name" and reference == "recent":
                        continue
                    with self.subTest(name, reference=reference, calibration=calibration):
                        config = (CONFIG.replace("NAME", name).replace("KIND", kind)
                                  .replace("CALIBRATION", calibration).replace("REFERENCE", reference))  # fmt: skip
                        path = self.file("profile.yaml", config)
                        done = self.weir("profile", "-q", "-c", path, "-s", "s", "-i", "before.jsonl", "-o", "before.avro")
                        self.assertEqual(done.returncode, 0, done.stderr)
                        alerts = self.replay(config, s="now.jsonl").alerts
                        opened = [a for a in alerts if a["status"] == "open"]
                        self.assertEqual([a["fields"][0] for a in opened], [name], opened)
                        hour = (opened[0]["window"]["start"] - program.START // HOUR * HOUR) // HOUR
                        self.assertEqual(hour, BEFORE)

    def test_public_data(self):
        if not os.environ.get("WEIR_DATA"):
            self.skipTest("WEIR_DATA is not set: no evaluation data")
        done = subprocess.run(
            [sys.executable, SCRIPT, "--ours", "--only", "car_loan_1000", "elec2", "--json", "figures"],
            capture_output=True, text=True, timeout=280, check=False, cwd=self.folder,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        figures = json.loads((self.folder / "figures").read_text())
        for rule, of in figures["car_loan_1000"].items():
            with self.subTest(rule):
                self.assertEqual((of["found"], of["delay_windows"], of["false"]), (1, 1, 0), of)
                if "profile" in rule:
                    self.assertEqual(of["same"], [0, 275])
                    self.assertGreaterEqual(of["moved"][0], 0.95 * of["moved"][1])
        elec2 = figures["elec2"]
        for rule, of in elec2.items():
            with self.subTest(rule):
                self.assertEqual((of["found"], of["delay_windows"]), (1, 1), of)
                if "profile" in rule:
                    self.assertEqual(of["moved"], [24, 24])
                    for name in ("vicprice", "vicdemand", "transfer"):
                        self.assertEqual(of["still_fields"][name][0], 0, name)
        # Winter against summer is another thing; against the last weeks they are quiet.
        for rule in ("weir, previous 4", "weir, same hour of 4 weeks"):
            self.assertLessEqual(elec2[rule]["fired"], 4, rule)


if __name__ == "__main__":
    unittest.main()
