# SPDX-License-Identifier: Apache-2.0
"""Container files, widening, aliases and logical types: weir's columns equal fastavro's records."""

import os
import pathlib
import random
import subprocess
import tempfile
import unittest
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import fastavro

BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", "build"))
PROGRAM = BUILD / "conformance" / "avro_rows"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
VALUE, NULL, MISSING = 0, 1, 2


def schema(*fields):
    return {"type": "record", "name": "R", "namespace": "n", "fields": list(fields)}


def field(name, kind, **more):
    return {"name": name, "type": kind, **more}


SCHEMA = schema(
    field("id", "long"),
    field("i", "int"),
    field("f", "float"),
    field("d", ["null", "double"]),
    field("flag", "boolean"),
    field("s", "string"),
    field("raw", "bytes"),
    field("level", {"type": "enum", "name": "Level", "symbols": ["LOW", "HIGH"]}),
    field("code", {"type": "fixed", "name": "Code", "size": 3}),
    field("day", {"type": "int", "logicalType": "date"}),
    field("ms", {"type": "long", "logicalType": "timestamp-millis"}),
    field("us", ["null", {"type": "long", "logicalType": "timestamp-micros"}]),
    field("price", {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 4}),
    field("device", ["null", {"type": "record", "name": "Device", "fields": [
        field("os", "string"), field("parent", ["null", "Device"])]}]),
    field("tags", {"type": "array", "items": ["null", "string"]}),
    field("items", {"type": "array", "items": {"type": "record", "name": "Item", "fields": [
        field("price", "double"), field("n", "int")]}}),
    field("scores", {"type": "map", "values": "double"}),
    field("mixed", ["string", "long", "null"]),
)
COLUMNS = ["scores.a:double", "scores.b:double", "device.parent.os:string", "gone:double"]


def random_record(rng, i):
    device = rng.choice([None, {"os": "ios", "parent": None},
                         {"os": "android", "parent": {"os": "ünix", "parent": None}}])
    return {
        "id": rng.choice([i, -(1 << 63), (1 << 63) - 1, rng.getrandbits(40)]),
        "i": rng.randint(-(1 << 31), (1 << 31) - 1),
        "f": rng.gauss(0, 10),
        "d": rng.choice([None, rng.lognormvariate(0, 3), float("inf"), float("nan")]),
        "flag": rng.random() < 0.5,
        "s": rng.choice(["", "x", "naïve", "z" * 300, f"user {i}"]),
        "raw": rng.randbytes(rng.randint(0, 12)),
        "level": rng.choice(["LOW", "HIGH"]),
        "code": rng.randbytes(3),
        "day": date(1970, 1, 1) + timedelta(days=rng.randint(-40000, 40000)),
        "ms": EPOCH + timedelta(milliseconds=rng.randint(-10**12, 10**13)),
        "us": rng.choice([None, EPOCH + timedelta(microseconds=rng.randint(-10**15, 10**16))]),
        "price": Decimal(rng.randint(-10**18, 10**18)).scaleb(-4),
        "device": device,
        "tags": [rng.choice([None, "a", "b"]) for _ in range(rng.randint(0, 5))],
        "items": [{"price": rng.random(), "n": k} for k in range(rng.randint(0, 3))],
        "scores": {key: rng.random() for key in "abc" if rng.random() < 0.7},
        "mixed": rng.choice([None, "12", "text", rng.randint(0, 9)]),
    }


def cell(value):
    """A column's text for a value, as avro_rows prints it, but for doubles, which stay numbers."""
    if value is None:
        return (NULL, None)
    if isinstance(value, bool):
        return (VALUE, int(value))
    if isinstance(value, str):
        return (VALUE, value.encode())
    if isinstance(value, Decimal):
        return (VALUE, float(value))
    if isinstance(value, datetime):
        return (VALUE, (value - EPOCH) // timedelta(microseconds=1))
    if isinstance(value, date):
        return (VALUE, (value - date(1970, 1, 1)).days * 86400000)
    return (VALUE, value)


def find(record, path):
    """The expected cell (a list of them for a list) of a dotted path in fastavro's record."""
    if path == "":
        return cell(record)
    if record is None:
        return [] if "[]" in path else (NULL, None)
    if path == ".length":
        return (VALUE, len(record))
    if path.startswith("[]"):
        return [find(item, path[2:]) for item in record]
    path = path.removeprefix(".")
    name = path
    for at, letter in enumerate(path):
        if letter in ".[":
            name = path[:at]
            break
    return find(record[name], path[len(name):]) if name in record else (MISSING, None)


def parse(text, kind):
    state, _, value = text.partition(":")
    if int(state) != VALUE:
        return (int(state), None)
    if kind is float:
        return (VALUE, float(value))
    return (VALUE, bytes.fromhex(value) if kind is bytes else int(value))


def same(expected, text):
    if isinstance(expected, list):
        parts = text.split(",")[:-1]
        return len(parts) == len(expected) and all(map(same, expected, parts))
    found = parse(text, type(expected[1]))
    if isinstance(expected[1], float) and expected[1] != expected[1]:
        return found[0] == VALUE and found[1] != found[1]
    return found == expected


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)


def rows(path, *columns):
    done = run(path, *columns)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("\n")[:-1]
    return lines[0].split("\t"), [line.split("\t") for line in lines[1:]]


class Avro(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name) / "f.avro"
        self.rng = random.Random(7)

    def write(self, writer_schema, records, **options):
        with open(self.path, "wb") as file:
            fastavro.writer(file, writer_schema, records, **options)

    def read(self, reader_schema=None, path=None):
        with open(path or self.path, "rb") as file:
            return list(fastavro.reader(file, reader_schema=reader_schema))

    def test_every_codec_and_type(self):
        records = [random_record(self.rng, i) for i in range(1500)]
        cells = 0
        for codec in ("null", "deflate", "snappy"):
            self.write(SCHEMA, records, codec=codec, sync_interval=3000)
            expected = self.read()
            for columns in ((), COLUMNS):
                names, found = rows(self.path, *columns)
                self.assertEqual(len(found), len(expected))
                for record, line in zip(expected, found):
                    for name, text in zip(names, line):
                        want = find(record, name)
                        if name == "ms":
                            want = (VALUE, want[1] // 1000)
                        if name == "mixed" and isinstance(record["mixed"], int):
                            want = (20, None)  # a number where a string is wanted
                        self.assertTrue(same(want, text), f"{codec} {name}: {want} {text}")
                        cells += 1
        print(f"{cells} cells equal")

    def test_weirs_writer(self):
        records = [random_record(self.rng, i) for i in range(700)]
        self.write(SCHEMA, records, codec="snappy", sync_interval=500)
        expected = self.read()
        for codec in ("null", "deflate"):
            copy = pathlib.Path(self.folder.name) / "copy.avro"
            done = run("--copy", codec, self.path, copy)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(repr(self.read(path=copy)), repr(expected))

    def test_widening(self):
        """Each promotion of Avro's resolution whose result is a type of weir's."""
        numbers = [0, 1, -1, 7, 2**31 - 1, -(2**31)]
        longs = numbers + [2**53 + 1, 2**63 - 1, -(2**63)]
        reals = [0.1, -2.5, 3e38, float("inf")]
        texts = ["", "abc", "ünï"]
        cases = [
            ("int", "long", "long", numbers), ("int", "double", "double", numbers),
            ("long", "double", "double", longs), ("float", "double", "double", reals),
            ("string", "bytes", "bytes", texts),
            ("bytes", "string", "string", [text.encode() for text in texts]),
        ]
        for writer, reader, column, values in cases:
            for optional in (False, True):
                kind = ["null", writer] if optional else writer
                self.write(schema(field("x", kind)), [{"x": value} for value in values])
                expected = self.read(schema(field("x", ["null", reader] if optional else reader)))
                _, found = rows(self.path, f"x:{column}")
                for record, line in zip(expected, found):
                    self.assertTrue(same(cell(record["x"]), line[0]), f"{writer} {record} {line}")

    def test_aliases(self):
        """A column by a former name reads what resolution by the reader's alias reads."""
        for _ in range(200):
            names = [f"f{i}" for i in range(6)]
            self.rng.shuffle(names)
            fields, old = [], {}
            for i, name in enumerate(names[:4]):
                aliases = [f"old{i}"] if self.rng.random() < 0.6 else []
                fields.append(field(name, "long", aliases=aliases))
                old[name] = aliases[0] if aliases else name
            record = {name: self.rng.getrandbits(30) for name in names[:4]}
            self.write(schema(*fields), [record])
            reader = schema(*(field(old[name], "long", aliases=[name]) for name in names[:4]),
                            field(names[4], "long", default=-1))
            expected = self.read(reader)[0]
            columns = [f"{old[name]}:long" for name in names[:4]] + [f"{names[4]}:long"]
            _, found = rows(self.path, *columns)
            for column, text in zip(columns, found[0]):
                value = expected[column.split(":")[0]]
                # What fastavro fills in from the reader's default is missing for weir.
                want = (MISSING, None) if value == -1 else (VALUE, value)
                self.assertTrue(same(want, text), f"{column} {value} {text}")

    def test_damage_is_said(self):
        self.write(SCHEMA, [random_record(self.rng, i) for i in range(300)], sync_interval=2000)
        whole = self.path.read_bytes()
        for cut in self.rng.sample(range(1, len(whole)), 60):
            self.path.write_bytes(whole[:cut])
            try:
                expected = len(self.read())
            except Exception:
                expected = None
            done = run(self.path)
            if expected is None:
                self.assertEqual(done.returncode, 1, cut)
                self.assertRegex(done.stderr, "byte|block|not an Avro container")
            else:
                self.assertEqual(done.stdout.count("\n"), expected + 1)


if __name__ == "__main__":
    unittest.main()
