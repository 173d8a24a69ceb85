# SPDX-License-Identifier: Apache-2.0
"""A million bad records are one incident with a count, not a million events."""

import unittest

from program import START, Program

CONFIG = """
version: 1
app: million
streams:
  s:
    topic: t
    format: csv
    time: at
    fields:
      at: {type: long}
      amount: {type: double, range: [0, 10]}
alerts: {topic: a}
quarantine: {topic: q}
detectors:
  contract: {type: schema, stream: s}
"""
ROWS, STEP = 1_250_000, 10  # rows, of which four in five are bad; ms between them
QUIET = 400  # good ones behind them, a second each


class Million(Program):
    def test_one_incident(self):
        path = self.folder / "s.csv"
        with path.open("w") as out:
            out.write("at,amount\n")
            for first in range(0, ROWS, 50_000):
                out.write("".join(f"{START + STEP * n},{1.5 if n % 5 == 0 else 99.5}\n"
                                  for n in range(first, first + 50_000)))  # fmt: skip
            out.write("".join(f"{START + STEP * ROWS + 1000 * n},1.5\n" for n in range(QUIET)))
        self.file("weir.yaml", CONFIG)
        done = self.weir("replay", "-q", "-c", "weir.yaml", "-i", f"s={path}",
                         "--output", "alerts=alerts", "--stats", "stats")  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        result = self.result(done)
        self.assertEqual(result.stats["records"], ROWS + QUIET)
        self.assertEqual(result.stats["invalid_records"], 1_000_000)

        events = result.alerts
        self.assertEqual(len({e["fingerprint"] for e in events}), 1)
        # It lasts three and a half hours and is told of once an hour.
        self.assertEqual([e["status"] for e in events],
                         ["open", "update", "update", "update", "resolved"])  # fmt: skip
        self.assertEqual([e["sequence"] for e in events], [1, 2, 3, 4, 5])
        self.assertEqual({e["kind"] for e in events}, {"schema.range"})
        self.assertEqual({e["share"] for e in events}, {0.8})
        counts = [e["occurrences"] for e in events]
        self.assertEqual(counts, sorted(counts))
        self.assertEqual(counts[-1], 1_000_000)
        self.assertIn("1000000 records", events[-1]["summary"])
        opened, resolved = events[0], events[-1]
        self.assertEqual(opened["offsets"][0]["first"], 1)  # row 0 is good
        self.assertEqual(resolved["offsets"][0]["last"], ROWS - 1)
        for event in events:
            (samples,) = (e["samples"] for e in event["evidence"] if e["type"] == "samples")
            offsets, covered = [s["offset"] for s in samples], event["offsets"][0]
            self.assertEqual(len(offsets), 5)
            self.assertTrue(all(o % 5 and covered["first"] <= o <= covered["last"] for o in offsets))
            self.assertEqual({s["value"] for s in samples}, {None})  # redacted
            self.assertLess(len(str(event)), 4000)


if __name__ == "__main__":
    unittest.main()
