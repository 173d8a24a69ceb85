# SPDX-License-Identifier: Apache-2.0
"""What a replay's gate lets through: the input's own bytes in the input's own format."""

import gzip
import json
import random
import unittest

import fastavro
from program import START, Program

CONFIG = """\
version: 1
app: gates
streams:
  s:
    topic: in
    format: json
    time: at
{gate}
    fields:
      at: {{type: long}}
      x: {{type: double, range: [0, 100]}}
alerts: {{topic: a}}
quarantine: {{topic: q}}
detectors:
  contract: {{type: schema, stream: s}}
"""
GATE = "    gate: {topic: clean, quarantine_at_most: 5%, over: 1m}"
SCHEMA = {
    "type": "record", "name": "r", "doc": "kept",
    "fields": [{"name": "at", "type": "long"}, {"name": "x", "type": "double"},
               {"name": "note", "type": ["null", "string"], "default": None, "weir.semantic": "free_text"}],
}  # fmt: skip


def rows(n=5000, bad=0.01):
    source = random.Random(7)
    return [{"at": START + 20 * i, "x": 1e6 if source.random() < bad else i % 90 + 0.5,
             "note": "n" * (i % 50)} for i in range(n)]  # fmt: skip


class Gate(Program):
    def clean(self, path, name="clean.out", gate=GATE, options=()):
        done = self.replay(CONFIG.format(gate=gate), "--output", f"clean={name}", *options, s=path)
        self.assertEqual((done.code, done.err), (0, ""))
        return done, (self.folder / name).read_bytes()

    def check(self, content, name, good):
        """`content` without the bad rows, as they are marked in `good`, comes out."""
        self.file(name, b"".join(content))
        expected = b"".join(line for line, keep in zip(content, good) if keep)
        done, got = self.clean(name)
        self.assertEqual(got, expected)
        self.assertEqual(done.stats["forwarded_records"] + done.stats["invalid_records"],
                         done.stats["records"])  # fmt: skip
        for batch in (1, 100):
            self.assertEqual(self.clean(name, options=["--batch", batch])[1], expected)
        self.assertEqual(gzip.decompress(self.clean(name, "clean.gz")[1]), expected)

    def test_json_lines(self):
        shapes = ['{"at": %d, "x": %r, "note": "%s"}\n', '{"note":null,"x" : %r ,"at":%d}\r\n',
                  '\t{ "x":%r, "extra": [1, {"a": "\\u00e4\u00e4"}], "at": %d }  \n']  # fmt: skip
        lines, good = [], []
        for i, row in enumerate(rows()):
            shape = shapes[i % 3]
            text = shape % ((row["at"], row["x"], row["note"]) if i % 3 == 0 else (row["x"], row["at"]))
            keep = row["x"] < 1e5
            if i % 400 == 399:
                text, keep = "{broken\n", False
            lines.append(text.encode())
            good.append(keep)
        lines[-1] = lines[-1].rstrip(b"\r\n")  # the last one need not end
        self.check(lines, "in.jsonl", good)
        # With a byte order mark, and gzipped on the way in.
        self.file("marked.jsonl.gz", gzip.compress(b"\xef\xbb\xbf" + b"".join(lines)))
        expected = b"\xef\xbb\xbf" + b"".join(line for line, keep in zip(lines, good) if keep)
        self.assertEqual(self.clean("marked.jsonl.gz")[1], expected)

    def test_csv(self):
        lines, good = [b'"at",x,"no""te"\r\n'], [True]
        for i, row in enumerate(rows()):
            note = ['"a,b\r\nc ""d"""', "", '""', "  plain "][i % 4]
            text = f"{row['at']},{row['x']!r},{note}" + ("\r\n" if i % 5 else "\n")
            lines.append(text.encode())
            good.append(row["x"] < 1e5)
        self.check(lines, "in.csv", good)
        tabbed = [line.replace(b"a,b", b"ab").replace(b",", b"\t") for line in lines]
        self.check(tabbed, "in.tsv", good)

    def test_a_file_of_good_records_comes_out_as_it_is(self):
        for name, content in (("a.csv", b"at,x\n"), ("a.jsonl", b""), ("b.csv", b"at,x\n%d,5" % START)):
            self.file(name, content)
            self.assertEqual(self.clean(name)[1], content)

    def test_avro(self):
        data = rows()
        for codec in ("null", "deflate", "snappy"):
            with open(self.folder / "in.avro", "wb") as file:
                fastavro.writer(file, SCHEMA, data, codec=codec, metadata={"made.by": "a test"})
            _, got = self.clean("in.avro", "clean.avro")
            with open(self.folder / "clean.avro", "rb") as file:
                reader = fastavro.reader(file)
                self.assertEqual(list(reader), [row for row in data if row["x"] < 1e5])
                self.assertEqual(reader.codec, codec)
                self.assertEqual(reader.metadata["made.by"], "a test")
                self.assertEqual(json.loads(reader.metadata["avro.schema"])["doc"], "kept")
            header = (self.folder / "in.avro").read_bytes().index(b"a test") + 6 + 1 + 16
            self.assertEqual(got[:header], (self.folder / "in.avro").read_bytes()[:header])

    def test_a_circuit_that_opens(self):
        data = rows(20000)
        source = random.Random(3)
        for row in data[10000:12000]:
            row["x"] = 1e6 if source.random() < 0.5 else 1
        self.file("in.jsonl", "".join(json.dumps(row) + "\n" for row in data))
        done, got = self.clean("in.jsonl")
        passed = sum(json.loads(line)["x"] > 1e5 for line in got.splitlines())
        self.assertGreater(passed, 700)
        self.assertEqual(len(got.splitlines()) + len(done.quarantine), 20000)
        (event,) = [a for a in done.alerts if a["kind"] == "weir.circuit_open" and a["status"] == "open"]
        self.assertEqual(event["severity"], "critical")
        self.assertEqual(event["action"], "investigate_upstream")
        self.assertIn("The gate of s is open in 1 partition: over 5% of the records within 1 min", event["summary"])

    def test_a_stream_that_stops(self):
        data = [{"at": START + 20 * i, "x": 1 if i < 3000 or i % 2 else 1e6} for i in range(9000)]
        self.file("in.jsonl", "".join(json.dumps(row) + "\n" for row in data))
        answers = set()
        for batch in (1, 10, 4096):
            done = self.replay(CONFIG.format(gate=GATE.replace("}", ", beyond: stop}")), "--batch", batch,
                               "--output", "clean=clean.out", s="in.jsonl")  # fmt: skip
            self.assertEqual(done.code, 1)
            self.assertIn("stream s: its gate stopped it before row", done.err)
            got = (self.folder / "clean.out").read_text().splitlines()
            held = [bad["offset"] for bad in done.quarantine]
            # The record that was too much is the last one, and held back.
            self.assertEqual(len(got) + len(held), held[-1] + 1)
            self.assertEqual(done.stats["records"], held[-1] + 1)
            self.assertIn(len(held), range(145, 152))  # 5% of the 3,000 records of a minute
            self.assertIn("weir.circuit_open", done.kinds())
            answers.add((done.err, done.text["alerts"], len(got)))
        self.assertEqual(len(answers), 1)

    def test_without_a_gate_all_good_records_pass(self):
        data = rows(1000, bad=0.5)
        self.file("in.jsonl", "".join(json.dumps(row) + "\n" for row in data))
        _, got = self.clean("in.jsonl", gate="")
        self.assertEqual([json.loads(line) for line in got.splitlines()], [row for row in data if row["x"] < 1e5])

    def test_what_is_asked_wrongly(self):
        config = self.file("two.yaml", CONFIG.format(gate="").replace("alerts:", "  t: {topic: other, format: json, fields: {y: {type: double}}}\nalerts:", 1))  # fmt: skip
        self.file("in.jsonl", "")
        for outputs, streams, message in (
            (["clean=x"], "st", "of which stream? Say clean:STREAM=PATH"),
            (["clean:z=x"], "st", "no input is given for it"),
            (["clean:t=x"], "s", "no input is given for it"),
            (["clean=x", "clean:s=y"], "s", "given twice"),
            (["clean=no/such/folder"], "s", "cannot be written"),
        ):
            arguments = ["replay", "-q", "-c", config]
            for output in outputs:
                arguments += ["--output", output]
            for stream in streams:
                arguments += ["-i", f"{stream}=in.jsonl"]
            done = self.weir(*arguments)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(message, done.stderr)
        done = self.weir("replay", "-q", "-c", config, "-i", "s=in.jsonl", "-i", "t=in.jsonl",
                         "--output", "clean:s=a", "--output", "clean:t=b")  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
