# SPDX-License-Identifier: Apache-2.0
"""A contract learnt from data passes `weir check` and finds nothing wrong with that data."""

import csv
import json
import os
import pathlib
import random
import unittest

from program import Program

BARE = "version: 1\napp: bare\nstreams:\n  s:\n    topic: s\n    format: %s\n"


def odd_rows(rng, n):
    """Every kind of column that a contract has something to say of."""
    for i in range(n):
        yield {
            "id": f"tx-{i:06d}",
            "amount": round(rng.lognormvariate(3, 1.5), 2),
            "balance": rng.gauss(0, 1e6),
            "share": rng.random(),
            "level": rng.choice([0, 1, 1, 2, -999]),
            "country": rng.choice(["US", "DE", "J\u00f6", 'a "quoted" one', "no", ""]),
            "city": f"city {int(rng.paretovariate(1))}",
            "mail": f"u{i}@example.com" if rng.random() < 0.9 else None,
            "note": " ".join(rng.choice("abcdef") * rng.randint(1, 9) for _ in range(5)),
            "on": rng.random() < 0.5,
            "weird: name": rng.randint(0, 2**62),
            "constant": 7,
        }


class Infer(Program):
    def contract(self, data, form):
        self.file("bare.yaml", BARE % form)
        done = self.weir("profile", "-q", "-c", "bare.yaml", "-s", "s", "-i", data, "-o", "p.avro")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.weir("infer", "p.avro", "-f", form.split()[0], "-o", "contract.yaml")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = self.weir("check", "contract.yaml")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return (self.folder / "contract.yaml").read_text()

    def silent(self, data, form):
        text = self.contract(data, form)
        done = self.replay(text, s=data)
        self.assertEqual((done.code, done.alerts, done.quarantine), (0, [], []))
        return text

    def test_json(self):
        rows = list(odd_rows(random.Random(7), 3000))
        lines = [json.dumps(row) for row in rows]
        self.file("rows.jsonl", "\n".join(lines) + "\n")
        text = self.silent("rows.jsonl", "json")
        self.assertIn('pattern: "^tx-[0-9]{6}$"', text)
        self.assertIn("range: [0, 1]", text)
        self.assertIn("are -999, apart from the others: does it stand for none? To have it "
                      "reported: sentinels: [-999]", text)  # fmt: skip
        self.assertEqual(text.count("apart from the others"), 1)
        # What the data never showed is found.
        rows[5]["id"] = "tx-12"
        rows[6]["share"] = 15.5
        rows[7]["country"] = "Atlantis"
        rows[8]["amount"] = "12.50"
        del rows[9]["balance"]
        self.file("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        done = self.replay(text, s="rows.jsonl")
        self.assertEqual({a["kind"] for a in done.alerts if a["status"] == "open"},
                         {"schema.length", "schema.pattern", "schema.range", "schema.values",
                          "schema.type", "schema.missing"})  # fmt: skip

    def test_csv(self):
        rows = list(odd_rows(random.Random(8), 3000))
        with (self.folder / "rows.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        self.silent("rows.csv", "csv")

    def test_records_sent_twice(self):
        # Copies make an id or a time come again: that says nothing of what goes with it.
        rng = random.Random(9)
        rows, opened = [], 1_700_000_000_000
        for i in range(19000):
            opened += rng.randint(1, 60000)
            rows.append({"id": f"k{i}", "opened": opened, "kind": rng.choice("abc"),
                         "fee": round(rng.expovariate(0.1), 2), "n": rng.randrange(1000),
                         "memo": f"memo {rng.randrange(3000)}"})  # fmt: skip
            if rng.random() < 0.05:
                rows.append(rows[-rng.randint(1, min(len(rows), 50))])
        self.file("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        self.assertNotIn("depends", self.silent("rows.jsonl", "json"))
        # Nor where a field of its own tells the copies apart.
        rows = [{**row, "received": i} for i, row in enumerate(rows)]
        self.file("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        self.assertNotIn("depends", self.silent("rows.jsonl", "json"))

    def test_what_holds_in_every_row(self):
        def rows(n, rng):
            for i in range(n):
                begin = 1_760_000_000_000 + i * 60_000 + rng.randrange(60_000)
                end = begin + rng.randrange(0, 5_000_000)
                yield {"id": f"k{i}", "begin": begin, "end": end, "fee": round(rng.expovariate(0.1), 2),
                       "raw": rng.random(), "mixed": begin + rng.randrange(-1000, 1_000_000)}  # fmt: skip

        found = list(rows(4000, random.Random(3)))
        self.file("rows.jsonl", "".join(json.dumps(row) + "\n" for row in found))
        text = self.silent("rows.jsonl", "json\n    key: id")
        self.assertRegex(text, r"fee:\n(.*\n)+? +precision: 2 ")
        self.assertEqual(text.count("precision: "), 1)
        self.assertIn("\n    duplicates: 1d ", text)
        self.assertEqual([line.strip() for line in text.splitlines() if ">=" in line],
                         ['- "`end` >= `begin`"'])  # fmt: skip
        found[7]["end"] = found[7]["begin"] - 1
        found[8]["fee"] = 1.005
        found[9]["id"] = found[8]["id"]
        self.file("rows.jsonl", "".join(json.dumps(row) + "\n" for row in found))
        done = self.replay(text, s="rows.jsonl")
        self.assertEqual({a["kind"] for a in done.alerts},
                         {"schema.rule", "schema.precision", "schema.duplicate"})  # fmt: skip
        # Of more rows than are kept side by side these are proposals.
        self.file("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows(9000, random.Random(4))))
        text = self.silent("rows.jsonl", "json\n    key: id")
        self.assertIn("# precision: 2 ", text)
        self.assertIn("# duplicates: 1d ", text)
        self.assertIn('#   - "`end` >= `begin`"', text)

    def test_values_of_another_type(self):
        rows = [{"a": str(i) if i % 50 == 0 else i, "b": i} for i in range(2000)]
        self.file("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        text = self.silent("rows.jsonl", "json")
        self.assertIn("fields: [b]", text)

    def test_what_serves_a_model_is_watched(self):
        roles = {"model": "model_version", "pod": "host", "score": "score"}
        rows = [{"model": "v1", "pod": f"pod-{i % 3}", "score": i % 97 / 97, "at": 10**12 + i}
                for i in range(3000)]  # fmt: skip
        self.file("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        bare = "".join(f"      {field}: {{role: {role}, type: {kind}}}\n" for (field, role), kind in
                       zip(roles.items(), ("string", "string", "double")))  # fmt: skip
        text = self.silent("rows.jsonl", f"json\n    time: at\n    fields:\n{bare}      at: {{type: long}}")
        for field, role in roles.items():
            self.assertRegex(text, rf"{field}:(\n +(#|type).*)+\n +role: {role}")
        self.assertIn("type: operations", text)
        self.assertIn("by: [pod]", text)
        # Versions and hosts come and go.
        rows += [{**row, "model": "v2", "pod": "new", "at": row["at"] + 3000} for row in rows]
        self.file("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        self.assertEqual(self.replay(text, s="rows.jsonl").alerts, [])

    def test_public_data(self):
        if not os.environ.get("WEIR_DATA"):
            self.skipTest("WEIR_DATA is not set: no evaluation data")
        data = pathlib.Path(os.environ["WEIR_DATA"])
        for name in ("compas/compas-scores-two-years.csv", "data_errors/hospital/clean.csv",
                     "data_errors/beers/clean.csv", "leak_aer_creditcard/AER_credit_card_data.csv",
                     "elec2/electricity.csv.gz",
                     "nannyml_car_loan/synthetic_car_loan_reference.csv.gz"):  # fmt: skip
            with self.subTest(name):
                self.silent(data / name, "csv")


if __name__ == "__main__":
    unittest.main()
