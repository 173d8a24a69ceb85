# SPDX-License-Identifier: Apache-2.0
"""A JSON field that nobody declares has the type that the profile learnt."""

import json
import unittest

from program import START, Program

CONFIG = """
version: 1
app: learnt
streams:
  s:
    topic: t
    format: json
    time: at
    fields:
      at: {type: long}
references:
  training: {profile: profile.avro}
alerts: {topic: a}
quarantine: {topic: q}
detectors:
  contract: {type: schema, stream: s, reference: training}
"""


def row(n, **other):
    return {"at": START + 1000 * n, "amount": n % 7 + 0.5, "visits": n % 5, "ok": n % 3 == 0,
            "name": f"n{n % 4}", "inner": {"score": n % 9 / 10}, **other}  # fmt: skip


class LearntTypes(Program):
    def write(self, name, rows):
        return self.file(name, "".join(json.dumps(r) + "\n" for r in rows))

    def setUp(self):
        super().setUp()
        self.write("training.jsonl", [row(n) for n in range(2000)])
        self.file("weir.yaml", CONFIG)
        done = self.weir("profile", "-q", "-c", "weir.yaml", "-s", "s", "-i", "training.jsonl",
                         "-o", "profile.avro")  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_of_other_types(self):
        wrong = {
            10: {"amount": "12"},
            20: {"ok": "yes"},
            30: {"visits": True},
            40: {"name": 5},
            50: {"inner": {"score": "0.5"}},
            60: {"ok": 1},
        }
        rows = [row(n, **wrong.get(n, {})) for n in range(400)]
        result = self.replay(CONFIG, s=self.write("s.jsonl", rows))
        self.assertEqual(result.reasons(), dict.fromkeys(wrong, "schema.type"))
        opened = [a for a in result.alerts if a["status"] == "open"]
        fields = {a["fields"][0] for a in opened if a["kind"] == "schema.type"}
        self.assertEqual(fields, {"amount", "ok", "visits", "name", "inner.score"})
        (number,) = (a["summary"] for a in opened if a["fields"] == ["amount"])
        self.assertIn("where a double is wanted", number)

    def test_of_the_learnt_ones(self):
        """Nothing is wrong with a whole number where fractions were learnt."""
        rows = [row(n, **({"amount": 3} if n % 10 == 0 else {})) for n in range(400)]
        result = self.replay(CONFIG, s=self.write("s.jsonl", rows))
        self.assertEqual(result.reasons(), {})
        self.assertNotIn("schema.type", result.kinds())

    def test_a_declaration_that_says_otherwise(self):
        text = CONFIG.replace("at: {type: long}", "at: {type: long}\n      amount: {type: string}")
        result = self.replay(text, s=self.write("s.jsonl", [row(0)]))
        self.assertGreater(result.code, 0)
        self.assertIn("its field 'amount' is double, and stream 's' declares string", result.err)


if __name__ == "__main__":
    unittest.main()
