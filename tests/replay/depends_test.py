# SPDX-License-Identifier: Apache-2.0
"""Fields that go with others as they did in the training data: learnt, inferred, and held to."""

import json
import random
import unittest

from program import Program

BARE = "version: 1\napp: bare\nstreams:\n  s: {topic: s, format: json}\n"
CITIES = ["Berlin", "Bonn", "Kiel", "Ulm", "Trier", "Essen"]


def rows(n, seed=1):
    rng = random.Random(seed)
    for i in range(n):
        zip_code = rng.randrange(10000, 10060)
        yield {"id": f"k{i}", "zip": zip_code, "city": CITIES[zip_code % 6],
               "state": "NS"[zip_code % 2], "depot": f"d{zip_code % 12}",
               "amount": rng.random()}  # fmt: skip


class Depends(Program):
    def learn(self, data):
        self.write("train.jsonl", data)
        self.file("bare.yaml", BARE)
        done = self.weir("profile", "-q", "-c", "bare.yaml", "-s", "s", "-i", "train.jsonl", "-o",
                         "p.avro")  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.weir("infer", "p.avro")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def write(self, name, data):
        self.file(name, "".join(json.dumps(row) + "\n" for row in data))

    def faults(self, text, data):
        self.write("rows.jsonl", data)
        done = self.replay(text, "--output", "faults=faults", s="rows.jsonl")
        self.assertEqual(done.code, 0, done.err)
        lines = (self.folder / "faults").read_text().splitlines()
        found = [(f["offset"], f["rule"]) for f in map(json.loads, lines)]
        return done, [pair for pair in found if pair[1].startswith("depends")]

    def test_learnt_and_held_to(self):
        text = self.learn(rows(3000))
        for line in ('"zip -> city"', '"zip -> state"', '"depot -> city"', '"city -> state"'):
            self.assertIn(line, text)
        for line in ('"city -> zip"', "amount ->", "-> amount", "id ->"):
            self.assertNotIn(line, text)
        data = list(rows(2000, seed=2))
        done, faults = self.faults(text, data)
        self.assertEqual((faults, done.alerts), ([], []))
        data[5]["city"] = "Kiel" if data[5]["city"] != "Kiel" else "Ulm"
        data[6]["zip"] = 99999  # not known: its city may be any
        data[6]["depot"] = None
        # A wrong zip: others speak for the city and the state, but nobody for the depot.
        data[7]["zip"] = 10000 + (data[7]["zip"] + 1) % 60
        data[8]["city"] = None  # has a rule of its own
        done, faults = self.faults(text, data)
        self.assertIn((5, "depends:city"), faults)
        self.assertEqual([rule for at, rule in faults if at == 7], ["depends:depot"])
        self.assertFalse({at for at, _ in faults} - {5, 7})
        alert = next(a for a in done.alerts if a["rule"] == "depends:city")
        self.assertEqual((alert["kind"], alert["fields"]), ("schema.rule", ["city"]))
        self.assertIn("1 of 2,000 records has another city than went with the same", alert["summary"])

    def test_what_all_rows_do_not_bear_out(self):
        # Twice the rows of the sample: exceptions outside of it count, too.
        data = list(rows(40000))
        data[11]["city"] = data[11]["city"] + "!"
        text = self.learn(data)
        self.assertIn('"zip -> city"', text)
        self.assertEqual(self.faults(text, data)[1], [])
        for i in range(0, 40000, 100):
            data[i]["city"] = "Bonn" if i % 200 else "Ulm"
        self.assertNotIn('"zip -> city"', self.learn(data))

    def test_what_is_asked_wrongly(self):
        self.learn(rows(3000))
        text = BARE + ("references:\n  t: {profile: p.avro}\n"
                       "detectors:\n  d: {type: schema, stream: s, reference: t, depends: [%s]}\n")
        fields = "    fields: {zip: {type: long}, city: {type: string}, amount: {type: double}}\n"
        text = text.replace("  s: {topic: s, format: json}\n",
                            "  s:\n    topic: s\n    format: json\n" + fields)  # fmt: skip
        for item, said in [('"zip city"', "say FIELD -> FIELD"), ('"zip -> zip"', "itself"),
                           ('"zip -> town"', "there is no field 'town'")]:  # fmt: skip
            self.file("c.yaml", text % item)
            done = self.weir("check", "c.yaml")
            self.assertEqual(done.returncode, 2, item)
            self.assertIn(said, done.stderr)
        self.file("c.yaml", text % '"zip -> amount"')
        done = self.weir("check", "c.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("no reference knows what amount goes with a zip", done.stderr)
        self.file("c.yaml", (text % '"zip -> city"').replace("reference: t, ", ""))
        done = self.weir("check", "c.yaml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("a reference says what goes with what", done.stderr)


if __name__ == "__main__":
    unittest.main()
