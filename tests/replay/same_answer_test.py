# SPDX-License-Identifier: Apache-2.0
"""The same records and configuration give the same alerts, quarantine and windows, byte for byte:
whatever the batch size, the file's format, and what other streams there are."""

import csv
import gzip
import io
import json
import pathlib
import unittest

import fastavro
from program import START, Program

DEMO = pathlib.Path(__file__).resolve().parents[2] / "config" / "demo.yaml"


class Generated(Program):
    """Three weeks of payments, with incidents."""

    def setUp(self):
        super().setUp()
        done = self.weir("generate", "--weeks", 2, "--rate", 120, "--training", "training.jsonl",
                         "--training-weeks", 1, "--output", "transactions=t.jsonl",
                         "--output", "labels=l.jsonl")  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.text = DEMO.read_text()
        (self.folder / "profiles").mkdir()
        self.file("weir.yaml", self.text)
        done = self.weir("profile", "-q", "-c", "weir.yaml", "-s", "transactions", "-i",
                         "training.jsonl", "-o", "profiles/payments.avro")  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_batches(self):
        whole = self.replay(self.text, transactions="t.jsonl", labels="l.jsonl")
        self.assertEqual((whole.code, whole.err), (0, ""))
        self.assertGreater(len(whole.alerts), 8)
        self.assertGreater(len(whole.quarantine), 20)
        self.assertGreater(len(whole.lines("windows")), 300)
        for batch in (1, 7, 64, 1000):
            done = self.replay(self.text, "--batch", batch, transactions="t.jsonl", labels="l.jsonl")
            for name in ("alerts", "quarantine", "windows"):
                self.same(whole.text[name], done.text[name], f"{name} with batches of {batch}")

    def same(self, expected, got, what):
        for number, (a, b) in enumerate(zip(expected.splitlines(), got.splitlines())):
            self.assertEqual(a, b, f"{what}, line {number + 1}")
        self.assertEqual(len(expected), len(got), what)

    def test_one_stream_of_two(self):
        """A stream that is configured and not given is not judged."""
        both = self.replay(self.text, transactions="t.jsonl", labels="l.jsonl")
        one = self.replay(self.text, transactions="t.jsonl")
        self.assertEqual((one.code, one.err), (0, ""))
        expected = [a for a in both.text["alerts"].splitlines()
                    if json.loads(a)["stream"] == "transactions"]  # fmt: skip
        self.assertEqual(expected, one.text["alerts"].splitlines())
        self.assertEqual({a["stream"] for a in one.alerts}, {"transactions"})

    def test_order_of_the_inputs(self):
        first = self.replay(self.text, transactions="t.jsonl", labels="l.jsonl")
        second = self.replay(self.text, labels="l.jsonl", transactions="t.jsonl")
        self.assertEqual(first.text["alerts"], second.text["alerts"])

    def test_compressed(self):
        first = self.replay(self.text, transactions="t.jsonl", labels="l.jsonl")
        self.file("t.jsonl.gz", gzip.compress((self.folder / "t.jsonl").read_bytes()))
        second = self.replay(self.text, transactions="t.jsonl.gz", labels="l.jsonl")
        for name in ("alerts", "quarantine", "windows"):
            self.same(first.text[name], second.text[name], name)


CONFIG = """
version: 1
app: same
streams:
  s:
    topic: t
    format: json
    time: at
    fields:
      at: {type: long}
      x: {type: double, range: [0, 100]}
      n: {type: long, range: [0, 5000]}
      ok: {type: boolean}
      name: {type: string, role: slice, values: [web, ios]}
alerts: {topic: a}
quarantine: {topic: q}
detectors:
  form: {type: schema, stream: s, window: {size: 1m, lateness: 5s}, severity: %s}
"""

SCHEMA = {
    "type": "record",
    "name": "row",
    "fields": [{"name": "at", "type": "long"}, {"name": "x", "type": ["null", "double"]},
               {"name": "n", "type": "long"}, {"name": "ok", "type": "boolean"},
               {"name": "name", "type": "string"}],
}  # fmt: skip


def rows():
    for i in range(3000):
        yield {
            "at": START + i * 500 - (20_000 if i % 97 == 0 else 0),
            "x": None if 1000 < i < 1020 else 500.0 if i % 301 == 300 else (i * 37 % 800) / 8,
            "n": 6000 if i % 501 == 500 else i,
            "ok": i % 3 == 0,
            "name": "tv" if i % 407 == 406 else "web" if i % 2 else "ios",
        }


class Formats(Program):
    def setUp(self):
        super().setUp()
        data = list(rows())
        self.file("s.jsonl", "".join(json.dumps(row) + "\n" for row in data))
        with (self.folder / "s.csv").open("w", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(data[0])
            for row in data:
                writer.writerow(["" if v is None else str(v).lower() if isinstance(v, bool) else v
                                 for v in row.values()])  # fmt: skip
        for codec in ("null", "deflate"):
            out = io.BytesIO()
            fastavro.writer(out, SCHEMA, data, codec=codec)
            self.file(f"{codec}.avro", out.getvalue())

    def test_same_alerts(self):
        expected = self.replay(CONFIG % "warning", s="s.jsonl")
        self.assertEqual((expected.code, expected.err), (0, ""))
        self.assertLessEqual({"schema.null", "schema.range", "schema.values"}, expected.kinds())
        for name in ("s.csv", "null.avro", "deflate.avro"):
            done = self.replay(CONFIG % "warning", s=name)
            with self.subTest(name=name):
                self.assertEqual((done.code, done.err), (0, ""))
                self.assertEqual(done.text["alerts"], expected.text["alerts"])
                self.assertEqual(done.text["windows"], expected.text["windows"])
                self.assertEqual(done.reasons(), expected.reasons())

    def test_batches_at_the_limits(self):
        """More slices than there is room for: who is left out, and where, is the records' doing."""
        text = CONFIG.replace("window: {size: 1m, lateness: 5s}", "by: [name], window: {size: 1m, lateness: 5s}")
        text = text.replace(", values: [web, ios]", "").replace("app: same", "app: same\nlimits: {slices: 5}")
        rows = [{"at": START + i * 40, "x": 1.5, "n": i % 7, "ok": True, "name": f"s{i * i % 301}"}
                for i in range(6000)]  # fmt: skip
        rows[3000]["at"] = 4_102_444_800_000
        self.file("many.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        whole = self.replay(text % "warning", s="many.jsonl")
        self.assertLessEqual({"weir.limit", "schema.time"}, whole.kinds())
        for batch in (1, 64, 999):
            done = self.replay(text % "warning", "--batch", batch, s="many.jsonl")
            for name in ("alerts", "windows"):
                self.assertEqual(whole.text[name], done.text[name], f"{name}, {batch}")

    def test_gaps_of_years(self):
        """Empty windows without end are passed over, the same ones in whatever steps."""
        text = CONFIG.replace("window: {size: 1m, lateness: 5s}", "window: {size: 3s, hop: 1s, lateness: 2s}")
        year = 365 * 86_400_000
        rows = [{"at": START + i * 400 + (i // 200) * 10 * year, "x": 101.5 if i % 200 > 190 else 1, "n": 1,
                 "ok": True, "name": "web"} for i in range(600)]  # fmt: skip
        self.file("gaps.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        whole = self.replay(text % "warning", s="gaps.jsonl")
        self.assertEqual((whole.code, whole.err), (0, ""))
        self.assertLess(len(whole.lines("windows")), 25_000)
        # Each record is in three windows, but for the last ones: no pane behind them closes.
        self.assertEqual(sum(w["records"] for w in whole.lines("windows")), 1800 - 7)
        for batch in (1, 7, 199):
            done = self.replay(text % "warning", "--batch", batch, s="gaps.jsonl")
            for name in ("alerts", "windows"):
                self.assertTrue(whole.text[name] == done.text[name], f"{name}, {batch}")

    def test_standard_input(self):
        self.file("weir.yaml", CONFIG % "warning")
        expected = self.replay(CONFIG % "warning", s="s.jsonl")
        done = self.weir("replay", "-c", "weir.yaml", "-i", "s=-", "--output", "alerts=-",
                         stdin=(self.folder / "s.jsonl").read_text())  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, expected.text["alerts"])

    def test_fail_on(self):
        for severity, codes in (("info", (3, 0, 0)), ("warning", (3, 3, 0)), ("critical", (3, 3, 3))):
            done = self.replay(CONFIG % severity, s="s.jsonl")
            worst = {alert["severity"] for alert in done.alerts}
            for limit, code in zip(("info", "warning", "critical"), codes):
                if limit == "critical" and "critical" not in worst:
                    code = 0
                done = self.replay(CONFIG % severity, "--fail-on", limit, s="s.jsonl")
                with self.subTest(severity=severity, limit=limit):
                    self.assertEqual((done.code, done.err), (code, ""))
        good = "".join(json.dumps(row) + "\n" for row in list(rows())[1:290])
        self.file("good.jsonl", good)
        done = self.replay(CONFIG % "critical", "--fail-on", "info", s="good.jsonl")
        self.assertEqual((done.code, done.err, done.kinds()), (0, "", set()))
        done = self.replay(CONFIG % "critical", "--fail-on", "loud", s="good.jsonl")
        self.assertEqual(done.code, 2)
        self.assertIn("--fail-on takes info, warning or critical, not 'loud'", done.err)

    def test_inputs_that_are_wrong(self):
        self.file("weir.yaml", CONFIG % "warning")
        for inputs, sentence in (
            (["x=s.jsonl"], "the configuration has no stream 'x'"),
            (["s=absent.jsonl"], r"absent\.jsonl.*No such file"),
            (["s=s.jsonl", "s=s.csv"], "stream 's' has a file"),
            (["s.jsonl"], "say STREAM=PATH"),
        ):
            options = [part for given in inputs for part in ("-i", given)]
            done = self.weir("replay", "-q", "-c", "weir.yaml", *options)
            with self.subTest(inputs=inputs):
                self.assertIn(done.returncode, (1, 2))
                self.assertRegex(done.stderr, sentence)


if __name__ == "__main__":
    unittest.main()
