# SPDX-License-Identifier: Apache-2.0
"""Records whose event times are far ahead: they move no clock, unless all of them are."""

import json
import random
import unittest

from program import START, Program

CONFIG = """version: 1
app: time
streams:
  s:
    topic: s
    format: json
    key: id
    time: at
    fields: {id: {type: string}, at: {type: long}, x: {type: double}, pod: {type: string, role: host}}
defaults: {window: {size: 10m}}
detectors:
  contract: {type: schema, stream: s, out_of_order: 1h, duplicates: 1h}
  service: {type: operations, stream: s}
"""
DAY, N, BEGIN = 86_400_000, 12000, 10000


class Time(Program):
    def rows(self, ahead):
        rng = random.Random(4)
        rows = [{"id": f"r{n}", "at": START + n * 10_000, "x": rng.random(), "pod": f"p{n % 3}"}
                for n in range(N)]  # fmt: skip
        for n in range(BEGIN, N):
            rows[n]["at"] += ahead(rng)
        self.file("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    def run_both(self):
        results = [self.replay(CONFIG, "--batch", batch, s="rows.jsonl") for batch in ("7", "4096")]
        for result in results:
            self.assertEqual((result.code, result.err), (0, ""))
        self.assertEqual(results[0].text["alerts"], results[1].text["alerts"])
        self.assertEqual(results[0].text["windows"], results[1].text["windows"])
        return results[0]

    def test_one_in_ten_ahead_is_told_and_nothing_else(self):
        self.rows(lambda rng: 40 * DAY if rng.random() < 0.1 else 0)
        result = self.run_both()
        self.assertEqual(result.kinds(), {"schema.time"})
        self.assertEqual(result.alerts[0]["fields"], ["at"])
        self.assertRegex(result.alerts[0]["summary"], "by about 40 d: windows leave (it|them) out")
        # The others count where they did.
        windows = [w for w in result.lines("windows") if w["end"] <= START + N * 10_000]
        self.assertGreater(len(windows), 190)
        self.assertGreater(min(w["records"] for w in windows[1:-1]), 35)
        self.assertEqual((result.stats["late_records"], result.quarantine), (0, []))

    def test_all_ahead_move_the_clock(self):
        self.rows(lambda rng: 40 * DAY)
        result = self.run_both()
        told = [a for a in result.alerts if a["kind"] == "schema.time" and a["status"] == "open"]
        self.assertEqual([(a["severity"], a["fields"]) for a in told], [("info", ["at"])])
        self.assertIn("leapt 40 d ahead", told[0]["summary"])
        # Silence is what a file shows, and none of the records is lost.
        self.assertIn("operations.silent", result.kinds())
        self.assertEqual(result.stats["late_records"], 0)
        ahead = [w for w in result.lines("windows") if w["start"] > START + 30 * DAY]
        self.assertEqual(sum(w["records"] for w in ahead), N - BEGIN)


if __name__ == "__main__":
    unittest.main()
