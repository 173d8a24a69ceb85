# SPDX-License-Identifier: Apache-2.0
"""Rules of single records through the program: one incident each, however many records break it."""

import json
import random
import unittest

from program import START, Program

ONE = """\
version: 1
app: rules
streams:
  s:
    topic: s
    format: json
    time: at
    fields:
      value: {type: double, range: [0, 100]}
detectors:
  contract: {type: schema, stream: s, windows: false}
"""

LEARNT = """\
version: 1
app: rules
streams:
  s: {topic: s, format: json, time: at}
references: {training: {profile: p.avro}}
detectors:
  contract: {type: schema, stream: s, reference: training, windows: false}
"""

ODD = """\
version: 1
app: rules
streams:
  s:
    topic: s
    fields:
      a: {type: long, range: [0.2, 0.8]}
      b: {type: double, range: [-10, 10], sentinels: [-1, N/A]}
      c: {type: string, pattern: "^(a+)+$"}
      d: {type: string, pattern: "a(b"}
      e: {type: double, values: [1, 2, three]}
      f: {type: string, values: [DE, Japan], length: 2}
detectors:
  contract: {type: schema, stream: s, only_alert: [rnage]}
"""


def people(rng, n):
    """Ages, cities and when they signed up."""
    cities = ["Birmingham", "Gadsden", "Huntsville", "Montgomery"]
    for i in range(n):
        day = f"202{rng.randint(1, 4)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        yield {"at": START + i * 100, "age": int(18 + 72 * rng.random() ** 2),
               "city": rng.choice(cities), "since": day}  # fmt: skip


class Rules(Program):
    def lines(self, name, rows):
        self.file(name, "".join(json.dumps(row) + "\n" for row in rows))

    def test_integers_that_become_floats(self):
        def text(i, as_csv):
            value = f"{i % 100}.0" if 5000 <= i < 20000 and i % 10 == 0 else f"{i % 100}"
            at = START + (i * 100 if i < 20000 else (i - 18000) * 1000)
            return f"{at},{value}\n" if as_csv else f'{{"at": {at}, "value": {value}}}\n'

        contract = ONE.replace("double", "long")
        for suffix, form in (("jsonl", "json"), ("csv", "csv")):
            lines = [text(i, suffix == "csv") for i in range(20400)]
            if suffix == "csv":
                lines.insert(0, "at,value\n")
            self.file(f"rows.{suffix}", "".join(lines))
            done = self.replay(contract.replace("json", form), s=f"rows.{suffix}")
            opened = [a for a in done.alerts if a["status"] == "open"]
            self.assertEqual([a["rule"] for a in opened], ["float:value"])
            self.assertEqual((opened[0]["kind"], opened[0]["severity"]), ("schema.type", "warning"))
            self.assertEqual(done.alerts[-1]["occurrences"], 1500)
            self.assertEqual(done.quarantine, [])

    def test_one_incident(self):
        rows = [{"at": START + i, "value": -5 if i % 4 == 3 else 5} for i in range(200000)]
        rows += [{"at": START + 200000 + i * 1000, "value": 5} for i in range(400)]
        self.lines("rows.jsonl", rows)
        done = self.replay(ONE, s="rows.jsonl")
        opened = [a for a in done.alerts if a["status"] == "open"]
        self.assertEqual(len(opened), 1)
        self.assertEqual(len({a["fingerprint"] for a in done.alerts}), 1)
        last = done.alerts[-1]
        self.assertEqual((last["rule"], last["kind"]), ("range:value", "schema.range"))
        self.assertEqual(last["status"], "resolved")
        self.assertEqual(last["occurrences"], 50000)
        self.assertEqual(last["share"], 0.25)
        self.assertEqual(opened[0]["severity"], "critical")
        self.assertIn("value: 2,500 of 10,000 records have a value outside 0 to 100: all below",
                      opened[0]["summary"])  # fmt: skip
        (span,) = opened[0]["offsets"]
        self.assertEqual((span["first"], span["last"]), (3, 9999))
        samples = [s["offset"] for e in opened[0]["evidence"] for s in e["samples"] or []]
        self.assertEqual(samples, [3, 7, 11, 15, 19])
        self.assertEqual(len(done.quarantine), 50000)

    def test_what_a_profile_finds(self):
        self.lines("training.jsonl", people(random.Random(1), 3000))
        self.file("bare.yaml", LEARNT.partition("references")[0])
        made = self.weir("profile", "-q", "-c", "bare.yaml", "-s", "s", "-i", "training.jsonl",
                         "-o", "p.avro")  # fmt: skip
        self.assertEqual(made.returncode, 0, made.stderr)
        rows = list(people(random.Random(2), 3000))
        self.lines("rows.jsonl", rows)
        self.assertEqual(self.replay(LEARNT, s="rows.jsonl").alerts, [])
        rows[100]["age"] = -999
        rows[200]["age"] = 0
        rows[300]["city"] = "Birminghxm"
        rows[400]["city"] = "N/A"
        rows[500]["since"] = "1970-01-01"
        rows[600]["city"] = ""
        self.lines("rows.jsonl", rows)
        done = self.replay(LEARNT, s="rows.jsonl")
        self.assertEqual({bad["offset"]: bad["rule"] for bad in done.quarantine},
                         {100: "sentinel:age", 200: "sentinel:age", 300: "misspelled:city",
                          400: "sentinel:city", 500: "sentinel:since",
                          600: "empty:city"})  # fmt: skip
        said = {a["summary"] for a in done.alerts if a["status"] == "open"}
        self.assertIn("age: 1 of 100 records has -999 in place of a value, which training never "
                      "had; look for a default that is filled in upstream "
                      "(since 2025-10-09 08:53:30Z, first: s[0]@100)", said)  # fmt: skip
        self.assertIn("city: 1 of 100 records has a value that training never had and that is "
                      "nearly a frequent one: Birmingham (1); look at where they are typed or read in "
                      "(since 2025-10-09 08:53:50Z, first: s[0]@300)", said)  # fmt: skip

    def test_a_pattern_that_explodes(self):
        self.lines("rows.jsonl", [{"code": "a" * 40 + f"!{i}"} for i in range(500)])
        text = ONE.replace("    time: at\n", "").replace(
            "value: {type: double, range: [0, 100]}", "code: {type: string, pattern: '^(a+)+$'}")
        done = self.replay(text, s="rows.jsonl")
        self.assertEqual([(a["kind"], a["summary"]) for a in done.alerts],
                         [("weir.limit", "A limit was reached: 500 records were left out of detail. "
                           "contract: pattern of code took too many steps (500) "
                           "(first: s[0]@0)")])  # fmt: skip

    def test_what_check_says(self):
        self.file("odd.yaml", ODD)
        done = self.weir("check", "odd.yaml")
        self.assertEqual(done.returncode, 2)
        said = [line.partition("odd.yaml:")[2] for line in done.stderr.splitlines()]
        for line, words in ((7, "error: streams.s.fields.a.range: no whole number lies in it"),
                            (8, "warning: streams.s.fields.b.sentinels: -1 is legal by the field's "
                                "range too"),
                            (8, "warning: streams.s.fields.b.sentinels: N/A is no double"),
                            (9, "warning: streams.s.fields.c.pattern: it takes over 10,000 steps"),
                            (10, "error: streams.s.fields.d.pattern: at character 3: missing"),
                            (11, "error: streams.s.fields.e.values: three is no double"),
                            (12, "warning: streams.s.fields.f.values: Japan is listed, and breaks "
                                 "the field's length"),
                            (14, "error: detectors.contract.only_alert: there is no rule rnage; "
                                 "did you mean range?")):  # fmt: skip
            found = [s for s in said if s.startswith(f"{line}:") and words in s]
            self.assertEqual(len(found), 1, (line, words, said))


if __name__ == "__main__":
    unittest.main()
