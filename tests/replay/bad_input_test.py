# SPDX-License-Identifier: Apache-2.0
"""Bad input: for each kind a clear error or a quarantined record with its reason, counted, and
everything else goes on."""

import io
import json
import math
import os
import pathlib
import shutil
import struct
import unittest

import fastavro
from program import BUILD, START, Program, original

CONFIG = """
version: 1
app: bad
streams:
  s:
    topic: t
    format: json
    time: at
    fields:
      at: {{type: long}}
      x: {{type: double, range: [0, 1000]}}
      n: {{type: long}}
      name: {{type: string, {role}}}
{references}
alerts: {{topic: a}}
quarantine: {{topic: q}}
limits: {{slices: {slices}}}
{plugins}
detectors:
  form: {{type: schema, stream: s, window: {{size: 1m, lateness: 5s}}{by}}}
{detectors}
"""


def config(**values):
    defaults = {"role": "role: feature", "references": "", "slices": 100, "plugins": "", "by": "",
                "detectors": ""}  # fmt: skip
    return CONFIG.format(**{**defaults, **values})


def good(i):
    return json.dumps({"at": START + i * 1000, "x": 1.0 + i % 10, "n": i, "name": "web"}).encode()


def lines(*bad, n=300, at=150):
    """Good records with the bad ones in the middle, one second apart."""
    rows = [good(i) for i in range(n)]
    return b"\n".join(rows[:at] + list(bad) + rows[at:]) + b"\n"


def record(time=START + 150_000, **fields):
    return json.dumps({"at": time, "x": 1, "n": 1, "name": "web", **fields}).encode()


SCHEMA = {
    "type": "record",
    "name": "row",
    "fields": [{"name": "at", "type": "long"}, {"name": "x", "type": "double"},
               {"name": "n", "type": "long"}, {"name": "name", "type": "string"}],
}  # fmt: skip


def container(n=300, sync_interval=1000, codec="null"):
    out = io.BytesIO()
    rows = [json.loads(good(i)) for i in range(n)]
    fastavro.writer(out, SCHEMA, rows, codec=codec, sync_interval=sync_interval,
                    sync_marker=b"0123456789abcdef")  # fmt: skip
    return out.getvalue()


class Records(Program):
    """Records of a stream in JSON lines."""

    def bad(self, *rows, reasons, kinds, n=300, **values):
        """The bad rows, and only they, are quarantined for these reasons."""
        done = self.replay(config(**values), s=self.file("s.jsonl", lines(*rows, n=n)))
        self.assertEqual((done.code, done.err), (0, ""))
        expected = {150 + i: reason for i, reason in enumerate(reasons) if reason}
        self.assertEqual(done.reasons(), expected)
        for row, entry in ((bad["offset"] - 150, bad) for bad in done.quarantine):
            self.assertEqual(original(entry), rows[row])
            self.assertEqual((entry["topic"], entry["partition"]), ("t", 0))
        self.assertEqual(done.kinds(), set(kinds))
        self.assertEqual(done.stats["invalid_records"], len(expected))
        self.assertEqual(done.stats["records"], n + len(rows))
        return done

    def window_rows(self, done):
        return sum(window["records"] for window in done.lines("windows"))

    def test_nothing_wrong(self):
        done = self.bad(reasons=[], kinds=[])
        self.assertEqual(self.window_rows(done), 300)

    def test_what_does_not_decode(self):
        rows = [b"{", b"not json", b'{"at":', b"[1,2]", b'"text"', b"7", b"null",
                b'{"at": 1, "x": 1} more', b'{"at": 1 "x": 2}', b"\x00\x01\x02"]  # fmt: skip
        done = self.bad(*rows, reasons=["schema.undecodable"] * len(rows),
                        kinds=["schema.undecodable"])  # fmt: skip
        self.assertEqual(self.window_rows(done), 300)
        opened = [alert for alert in done.alerts if alert["status"] == "open"]
        self.assertEqual(len(opened), 1, "one incident for all of them")

    def test_invalid_utf8(self):
        rows = [record(name="@").replace(b"@", text) for text in
                (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xc0\x80")]  # fmt: skip
        self.bad(*rows, reasons=["schema.undecodable"] * len(rows), kinds=["schema.undecodable"])

    def test_deep_nesting(self):
        deep = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
        array = b"[" * 10_000 + b"]" * 10_000
        inside = record(x="@").replace(b'"@"', b"[" * 10_000 + b"]" * 10_000)
        unclosed = b'{"a":' * 10_000
        done = self.replay(config(), s=self.file("s.jsonl", lines(deep, array, inside, unclosed)))
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertEqual(set(done.reasons()), {150, 151, 152, 153})
        for reason in done.reasons().values():
            self.assertIn(reason, ("schema.undecodable", "schema.type", "schema.missing"))
        self.assertEqual(self.window_rows(done) - self.window_rows_of_bad(done), 300)

    def window_rows_of_bad(self, done):
        """Rows that decoded count in their windows although a rule refused them."""
        return sum(not bad["reason"].startswith("schema.undecodable") for bad in done.quarantine)

    def test_numbers(self):
        rows = [record(x="@").replace(b'"@"', number) for number in
                (b"1e999", b"-1e999", b"NaN", b"Infinity", b"-Infinity")]  # fmt: skip
        # What no double holds has no value of the type at all.
        self.bad(*rows, reasons=["schema.type"] * 2 + ["schema.nan"] * 3,
                 kinds=["schema.type", "schema.nan", "schema.range"])  # fmt: skip

    def test_integers(self):
        def whole(text):
            return record(n="@").replace(b'"@"', text)

        rows = [whole(b"9007199254740993"), whole(b"9223372036854775807"),
                whole(b"-9223372036854775808"), whole(b"9223372036854775808"),
                whole(b"-9223372036854775809"), whole(b"1" + b"0" * 400), whole(b"1.5")]  # fmt: skip
        self.bad(*rows, reasons=[None, None, None] + ["schema.type"] * 4, kinds=["schema.type"])

    def test_types_and_missing(self):
        rows = [record(x="1"), record(x=True), record(x=None), record(name=5), b"{}",
                record(n={}), record(n=[])]  # fmt: skip
        done = self.replay(config(), s=self.file("s.jsonl", lines(*rows)))
        self.assertEqual(done.code, 0)
        self.assertEqual(set(done.reasons()), set(range(150, 157)))
        self.assertLessEqual({"schema.type", "schema.null"}, done.kinds())

    def test_empty_messages_between_lines(self):
        done = self.replay(config(), s=self.file("s.jsonl", lines(b"", b"   ", b"\t")))
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertEqual(self.window_rows(done), 300)

    def test_a_file_without_records(self):
        for name, content in (("s.jsonl", b""), ("s.jsonl", b"\n\n"), ("s.csv", b""),
                              ("s.csv", b"at,x,n,name\n")):  # fmt: skip
            done = self.replay(config(), s=self.file(name, content))
            with self.subTest(name=name, content=content):
                self.assertIn(done.code, (0, 1))
                self.assertEqual(done.code != 0, done.err != "")
                self.assertEqual(done.alerts, [])

    def test_long_strings(self):
        # Both are within the greatest record; one is a field's value, one an unknown field.
        row = record(name="y" * 10_000_000)
        other = record(other="z" * 10_000_000)
        done = self.replay(config(), s=self.file("s.jsonl", lines(row, other)))
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertEqual(self.window_rows(done), 302)
        self.assertLess(done.stats["peak_rss_bytes"], 600e6)

    def test_times(self):
        rows = [record(time=0), record(time=4_102_444_800_000), record(time=-(10**15)),
                record(time=9_223_372_036_854_775_807), record(time=-9_223_372_036_854_775_808)]  # fmt: skip
        done = self.replay(config(), s=self.file("s.jsonl", lines(*rows)))
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertIn("schema.time", done.kinds())
        # The good ones behind them are not late, and none of the windows is lost.
        kept = [w for w in done.lines("windows") if START - 60_000 <= w["start"] < START + 10**7]
        self.assertEqual(sum(window["records"] for window in kept), 300)
        self.assertLess(len(done.lines("windows")), 100)

    def test_the_alert_names_the_record_out_of_time(self):
        for at, n in ((150, 300), (299, 299)):
            rows = lines(record(time=4_102_444_800_000), at=at, n=n)
            done = self.replay(config(), s=self.file("s.jsonl", rows))
            opened = [a for a in done.alerts if (a["kind"], a["status"]) == ("schema.time", "open")]
            with self.subTest(at=at):
                self.assertEqual(len(opened), 1)
                self.assertEqual(opened[0]["offsets"], [{"topic": "t", "partition": 0, "first": at, "last": at}])

    def test_a_stream_that_begins_far_off(self):
        for first in (0, 4_102_444_800_000):
            rows = [record(time=first)] + [good(i) for i in range(300)]
            done = self.replay(config(), s=self.file("s.jsonl", b"\n".join(rows)))
            with self.subTest(first=first):
                self.assertEqual((done.code, done.err), (0, ""))
                kept = [w for w in done.lines("windows") if START - 60_000 <= w["start"] < START + 10**7]
                self.assertEqual(sum(window["records"] for window in kept), 300)
                self.assertLess(len(done.lines("windows")), 30_000)

    def test_a_million_slices(self):
        path = self.folder / "s.csv"
        with path.open("w") as out:
            out.write("at,x,n,name\n")
            for i in range(1_000_000):
                out.write(f"{START + i // 10},{i % 10}.5,{i},s{i}\n")
        detector = "  shares: {type: schema, stream: s, by: [name], window: {size: 1m}}"
        text = config(role="role: slice", detectors=detector, slices=1000)
        done = self.replay(text, s=path)
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertEqual(done.stats["records"], 1_000_000)
        self.assertIn("weir.limit", done.kinds())
        self.assertLess(done.stats["peak_rss_bytes"], 400e6)


class Containers(Program):
    """Avro containers that are cut or wrong."""

    def rows(self, content):
        done = self.replay(config(), s=self.file("s.avro", content))
        return done, sum(window["records"] for window in done.lines("windows"))

    def test_whole(self):
        for codec in ("null", "deflate"):
            done, n = self.rows(container(codec=codec))
            self.assertEqual((done.code, done.err, n), (0, "", 300))

    def test_truncated(self):
        whole = container()
        for length in (len(whole) - 1, len(whole) - 17, len(whole) // 2, len(whole) // 2 + 7):
            done, n = self.rows(whole[:length])
            with self.subTest(length=length):
                self.assertEqual(done.code, 1)
                self.assertRegex(done.err, r"s\.avro: .*(ends|truncated|cut|short)")
                # What was read before counts, to the end of its last window.
                self.assertGreater(n, 0 if length < len(whole) - 20 else 250)
                self.assertEqual(done.stats["records"], n)

    def test_truncated_header(self):
        whole = container()
        for length in (1, 3, 4, 20, whole.index(b"0123456789abcdef")):
            done, n = self.rows(whole[:length])
            with self.subTest(length=length):
                self.assertEqual((done.code, n), (1, 0))
                self.assertRegex(done.err, r"s\.avro: .+")

    def test_bad_sync(self):
        whole = container()
        second = whole.index(b"0123456789abcdef", whole.index(b"0123456789abcdef") + 1)
        third = whole.index(b"0123456789abcdef", second + 1)
        done, n = self.rows(whole[:third] + b"X" + whole[third + 1 :])
        self.assertEqual(done.code, 1)
        self.assertRegex(done.err, r"s\.avro: .*sync")
        self.assertGreater(n, 0)

    def test_bad_deflate(self):
        whole = bytearray(container(codec="deflate"))
        whole[-40] ^= 0xFF
        done, n = self.rows(bytes(whole))
        self.assertEqual(done.code, 1)
        self.assertRegex(done.err, r"s\.avro: .+")
        self.assertGreater(n, 0)

    def test_a_block_of_garbage(self):
        # The second block's records do not decode; the framing is whole.
        whole = bytearray(container())
        mark = b"0123456789abcdef"
        first = whole.index(mark, whole.index(mark) + 1) + len(mark)
        whole[first + 20 : first + 60] = b"\xff" * 40
        done, n = self.rows(bytes(whole))
        self.assertIn(done.code, (0, 1))
        if done.code == 0:
            self.assertIn("schema.undecodable", done.kinds())
        self.assertGreater(n, 0)

    def test_a_codec_that_is_not_known(self):
        whole = container().replace(b"\x08null", b"\x08zstd", 1)
        done, n = self.rows(whole)
        self.assertEqual((done.code, n), (1, 0))
        self.assertIn("zstd", done.err)


class Profiles(Program):
    """Profiles that are of something else, cut or garbage."""

    REFERENCES = "references: {base: {profile: base.avro}}"
    DRIFT = "  shift: {type: drift, stream: s, reference: base, window: {size: 1m}}"

    def profile(self):
        path = self.file("train.jsonl", lines(n=3000))
        self.file("plain.yaml", config())
        done = self.weir("profile", "-q", "-c", "plain.yaml", "-s", "s", "-i", path, "-o", "base.avro")
        self.assertEqual(done.returncode, 0, done.stderr)
        return (self.folder / "base.avro").read_bytes()

    def with_reference(self, **values):
        return config(references=self.REFERENCES, detectors=self.DRIFT, **values)

    def test_good(self):
        self.profile()
        done = self.replay(self.with_reference(), s=self.file("s.jsonl", lines()))
        self.assertEqual((done.code, done.err), (0, ""))

    def refused(self, content, sentence):
        self.file("base.avro", content)
        path = self.file("weir.yaml", self.with_reference())
        data = self.file("s.jsonl", lines())
        for arguments in (("replay", "-q", "-c", path, "-i", f"s={data}"), ("show", "base.avro")):
            done = self.weir(*arguments)
            self.assertIn(done.returncode, (1, 2), arguments)
            self.assertRegex(done.stderr, sentence)
            self.assertLess(len(done.stderr), 1000)

    def test_truncated(self):
        whole = self.profile()
        for length in [0, 1, 4, 100, len(whole) // 2, len(whole) - 17, len(whole) - 1]:
            with self.subTest(length=length):
                self.refused(whole[:length], r"base\.avro[':]+ .+")

    def test_garbage(self):
        self.refused(b"this is no profile\n" * 50, r"base\.avro[':]+ .+")
        self.refused(os.urandom(5000), r"base\.avro[':]+ .+")
        self.refused(container(), r"base\.avro.*profile")

    def test_flipped_bytes(self):
        whole = self.profile()
        data = self.file("s.jsonl", lines(n=20, at=10))
        path = self.file("weir.yaml", self.with_reference())
        for at in range(7, len(whole), max(1, len(whole) // 60)):
            self.file("base.avro", whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
            done = self.weir("replay", "-q", "-c", path, "-i", f"s={data}")
            self.assertIn(done.returncode, (0, 1, 2), f"byte {at}: {done.stderr}")

    def test_of_another_schema(self):
        rows = "".join(f'{{"when": {START + i}, "size": "{i % 3}", "x": "a{i % 3}"}}\n'
                       for i in range(1000))  # fmt: skip
        self.file("other.jsonl", rows)
        other = config().replace("x: {type: double, range: [0, 1000]}", "x: {type: string}")
        other = other.replace("time: at", "time: when").replace("at: {type: long}", "when: {type: long}")
        other = other.replace("n: {type: long}", "size: {type: string}")
        self.file("other.yaml", other)
        done = self.weir("profile", "-q", "-c", "other.yaml", "-s", "s", "-i", "other.jsonl",
                         "-o", "base.avro")  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        path = self.file("weir.yaml", self.with_reference())
        done = self.weir("replay", "-q", "-c", path, "-i", f"s={self.file('s.jsonl', lines())}")
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertRegex(done.stderr, r"weir.yaml:\d+:\d+: error: reference 'base': its field 'x' is "
                         "string, and stream 's' declares double")  # fmt: skip

    def test_of_another_stream(self):
        self.file("other.jsonl", "".join(f'{{"when": {START + i}, "size": {i % 3}}}\n' for i in range(1000)))
        self.file("other.yaml", """
version: 1
app: other
streams: {o: {topic: t, format: json, time: when, fields: {when: {type: long}, size: {type: long}}}}
alerts: {topic: a}
quarantine: {topic: q}
detectors: {form: {type: schema, stream: o}}
""")
        done = self.weir("profile", "-q", "-c", "other.yaml", "-s", "o", "-i", "other.jsonl",
                         "-o", "base.avro")  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        path = self.file("weir.yaml", self.with_reference())
        done = self.weir("replay", "-q", "-c", path, "-i", f"s={self.file('s.jsonl', lines())}")
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertIn("its profile is of a stream 'o' and has no field of stream 's'", done.stderr)

    def test_absent(self):
        path = self.file("weir.yaml", self.with_reference())
        done = self.weir("replay", "-q", "-c", path, "-i", f"s={self.file('s.jsonl', lines())}")
        self.assertIn(done.returncode, (1, 2))
        self.assertRegex(done.stderr, r"base\.avro.*No such file")

    def test_training_data_with_bad_rows(self):
        bad = [b"{", record(x="1e999"), record(name="\udcff".encode("utf-8", "surrogateescape").decode("latin-1"))]
        self.file("plain.yaml", config())
        path = self.file("train.jsonl", lines(*bad, n=1000))
        done = self.weir("profile", "-q", "-c", "plain.yaml", "-s", "s", "-i", path, "-o", "base.avro")
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = self.weir("show", "base.avro")
        self.assertEqual(shown.returncode, 0, shown.stderr)


class Plugins(Program):
    """Modules that must not be loaded; the configuration says so, with its line."""

    def setUp(self):
        super().setUp()
        self.modules = self.folder / "modules"
        self.modules.mkdir(mode=0o755)
        modules = sorted((BUILD / "detectors").rglob("*.so"))
        self.source = next(path for path in modules if "label_noise" in path.name)

    def module(self, change=None, name="other.so"):
        content = bytearray(self.source.read_bytes())
        if change:
            change(content)
        path = self.modules / name
        path.write_bytes(content)
        path.chmod(0o755)
        return path

    def refused(self, sentence, where=None):
        text = config(plugins=f"plugins: [{where or self.modules}]")
        path = self.file("weir.yaml", text)
        for arguments in (("check", path),
                          ("replay", "-q", "-c", path, "-i", f"s={self.file('s.jsonl', lines())}")):  # fmt: skip
            done = self.weir(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertRegex(done.stderr, r"weir\.yaml:\d+:\d+: error: ")
            self.assertRegex(done.stderr, sentence)

    def test_another_architecture(self):
        self.module(lambda content: struct.pack_into("<H", content, 18, 183))
        self.refused(r"other\.so: refused, it is built for another architecture \(ELF machine 183")

    def test_another_class(self):
        def change(content):
            content[4] = 1  # 32 bits

        self.module(change)
        self.refused("another architecture")

    def test_another_abi(self):
        done = self.weir("check", self.file("weir.yaml", config()))
        self.assertEqual(done.returncode, 0, done.stderr)
        # Where weir_plugin lies in the file: by its symbol in the dynamic table.
        content = self.source.read_bytes()
        at = plugin_offset(content)
        for offset, value, shown in ((0, 2, r"2\.\d"), (0, 0, r"0\.\d"), (2, 99, r"1\.99")):
            self.module(lambda out: struct.pack_into("<H", out, at + offset, value))
            with self.subTest(shown=shown):
                self.refused(rf"detector ABI {shown} and this weir speaks 1\.\d")

    def test_another_size(self):
        at = plugin_offset(self.source.read_bytes())
        self.module(lambda out: struct.pack_into("<I", out, at + 4, 8))
        self.refused(r"weir_plugin has 8 bytes")

    def test_writable_by_others(self):
        self.module().chmod(0o757)
        self.refused(r"other\.so: refused, because others can write it")

    def test_folder_writable_by_others(self):
        self.module()
        self.modules.chmod(0o777)
        self.refused("modules: refused, because others can write it")

    def test_twice(self):
        self.module()
        self.refused("the detector type 'label_noise' was loaded from")

    def test_no_module(self):
        self.module(lambda content: content.__setitem__(slice(0, len(content)), b"text"))
        self.refused("it is no ELF module")
        self.module(lambda content: content.__delitem__(slice(200, len(content))))
        self.refused(r"other\.so: .+")
        self.module(lambda content: content.__delitem__(slice(10, len(content))))
        self.refused("it is no ELF module")

    def test_no_plugin_inside(self):
        self.module(lambda content: rename_symbol(content))
        self.refused("weir_plugin")

    def test_absent(self):
        self.refused(r"nowhere.*No such file", where=self.folder / "nowhere")


def sections(content):
    offset, = struct.unpack_from("<Q", content, 40)
    size, count = struct.unpack_from("<HH", content, 58)
    return [struct.unpack_from("<IIQQQQIIQQ", content, offset + i * size) for i in range(count)]


def plugin_offset(content):
    """File offset of the symbol weir_plugin in a 64-bit little-endian ELF module."""
    parts = sections(content)
    symbols = next(part for part in parts if part[1] == 11)  # SHT_DYNSYM
    names = parts[symbols[6]]
    for at in range(symbols[4], symbols[4] + symbols[5], 24):
        name, _, _, index, value, _ = struct.unpack_from("<IBBHQQ", content, at)
        if content[names[4] + name :].startswith(b"weir_plugin\0"):
            home = parts[index]
            return home[4] + value - home[3]
    raise AssertionError("no weir_plugin in the module")


def rename_symbol(content):
    parts = sections(bytes(content))
    symbols = next(part for part in parts if part[1] == 11)
    names = parts[symbols[6]]
    at = bytes(content).index(b"weir_plugin\0", names[4])
    content[at : at + 4] = b"woir"


if __name__ == "__main__":
    unittest.main()
