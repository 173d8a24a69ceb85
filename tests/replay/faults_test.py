# SPDX-License-Identifier: Apache-2.0
"""The output `faults`: one line for each rule that each record breaks."""

import json
import unittest

from program import Program

CONFIG = """version: 1
app: faults
streams:
  s:
    topic: s
    format: json
    fields:
      a: {type: long, range: [0, 9]}
      b: {type: string, values: [x, y]}
      c: {type: double, nullable: true, optional: true}
detectors:
  first: {type: schema, stream: s, fields: [a, b, c], rules: ["c > a"]}
  quiet: {type: schema, stream: s, fields: [a], quarantine: false}
"""
ROWS = [
    {"a": 1, "b": "x", "c": 2},
    {"a": 11, "b": "z", "c": 20},  # two fields, and `a` for both detectors
    {"a": 3, "b": "x", "c": 1},  # the rule
    {"a": "q", "b": None, "c": 1},
    {"a": 1, "b": "y"},
]


class Faults(Program):
    def faults(self, *options):
        self.file("rows.jsonl", "".join(json.dumps(row) + "\n" for row in ROWS) + "{oops\n")
        done = self.replay(CONFIG, "--output", "faults=faults", *options, s="rows.jsonl")
        self.assertEqual((done.code, done.err), (0, ""))
        return done, [json.loads(line) for line in (self.folder / "faults").read_text().split("\n")
                      if line]  # fmt: skip

    def test_every_fault_of_every_record(self):
        done, faults = self.faults()
        said = [(f["offset"], f["detector"], f["rule"], f["kind"], f["fields"]) for f in faults]
        rule = next(f["rule"] for f in faults if f["offset"] == 2)
        self.assertEqual(said, [
            (1, "first", "range:a", "schema.range", ["a"]),
            (1, "first", "values:b", "schema.values", ["b"]),
            (1, "quiet", "range:a", "schema.range", ["a"]),
            (2, "first", rule, "schema.rule", ["c", "a"]),
            (3, "first", "type:a", "schema.type", ["a"]),
            (3, "first", "null:b", "schema.null", ["b"]),
            (3, "quiet", "type:a", "schema.type", ["a"]),
            (5, "first", "undecodable", "schema.undecodable", []),
            (5, "quiet", "undecodable", "schema.undecodable", []),
        ])  # fmt: skip
        self.assertEqual([f.get("value", "-") for f in faults],
                         [11, "z", 11, "-", "-", None, "-", "-", "-"])  # fmt: skip
        self.assertIn("reason", faults[-1])
        self.assertEqual({(f["stream"], f["partition"]) for f in faults}, {("s", 0)})
        # What the quarantine says of its records is among them.
        wanted = {(f["offset"], f["rule"]) for f in faults if f["detector"] == "first"}
        held = {(b["offset"], r["rule"]) for b in done.quarantine for r in b["reasons"]
                if r["detector"] == "first"}  # fmt: skip
        self.assertEqual(held, wanted)

    def test_batches_do_not_matter(self):
        self.assertEqual(self.faults()[1], self.faults("--batch", "1")[1])


if __name__ == "__main__":
    unittest.main()
