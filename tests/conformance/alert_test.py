# SPDX-License-Identifier: Apache-2.0
"""Alert events: JSON and Avro say the same, each by its schema, and so do the headers."""

import io
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest
from datetime import datetime, timedelta, timezone

import fastavro
import jsonschema

BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", "build"))
SOURCE = pathlib.Path(__file__).resolve().parents[2]
EVENTS = 2000
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), keys
    return dict(pairs)


def plain(value):
    """What fastavro read, with its datetimes turned back into epoch milliseconds."""
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


class Alerts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "events"
            done = subprocess.run(
                [BUILD / "conformance" / "alert_events", str(EVENTS), "7", path],
                capture_output=True, check=True, timeout=120,
            )  # fmt: skip
            stream = io.BytesIO(path.read_bytes())
        # split("\n") and not splitlines(): texts may hold other characters that end lines
        lines = done.stdout.decode("utf-8").split("\n")[:-1]
        cls.events = [json.loads(line, object_pairs_hook=no_duplicates) for line in lines]
        cls.binary = []
        for _ in lines:
            datum, headers = (stream.read(struct.unpack("<Q", stream.read(8))[0]) for _ in "ab")
            cls.binary.append((datum, headers.decode("ascii")))
        assert not stream.read(1)

    def test_enough_of_everything(self):
        self.assertGreaterEqual(len(self.events), EVENTS)
        for status in ("open", "update", "resolved"):
            found = sum(event["status"] == status for event in self.events)
            self.assertGreater(found, EVENTS // 20, status)
        self.assertTrue(any(event["statistic"] for event in self.events))
        self.assertTrue(any(not event["statistic"] for event in self.events))
        self.assertTrue(any(event["window"]["start"] < 0 for event in self.events))

    def test_avro_equals_json(self):
        schema = fastavro.parse_schema(json.loads((SOURCE / "schemas/alert.avsc").read_text()))
        for event, (datum, _) in zip(self.events, self.binary):
            stream = io.BytesIO(datum)
            value = plain(fastavro.schemaless_reader(stream, schema))
            self.assertEqual(stream.read(), b"")
            self.assertEqual(list(value), list(event))
            self.assertEqual(value, event)

    def test_json_fits_its_schema(self):
        schema = json.loads((SOURCE / "schemas/alert.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for event in self.events:
            validator.validate(event)
        broken = dict(self.events[0], severity="grave")
        self.assertFalse(validator.is_valid(broken))
        del broken["severity"]
        self.assertFalse(validator.is_valid(broken))

    def test_the_schemas_name_the_same(self):
        avro = json.loads((SOURCE / "schemas/alert.avsc").read_text())
        schema = json.loads((SOURCE / "schemas/alert.schema.json").read_text())
        names = [field["name"] for field in avro["fields"]]
        self.assertEqual(names, schema["required"])
        self.assertEqual(names, list(schema["properties"]))
        for field in avro["fields"]:
            if isinstance(field["type"], dict) and field["type"]["type"] == "enum":
                enum = schema["properties"][field["name"]]["enum"]
                self.assertEqual(field["type"]["symbols"], enum)

    def test_headers(self):
        for event, (_, text) in zip(self.events, self.binary):
            headers = dict(line.split(": ", 1) for line in text.splitlines())
            time = headers.pop("ce_time")
            self.assertEqual(
                headers,
                {
                    "ce_id": event["id"],
                    "ce_type": "weir.alert." + event["status"],
                    "ce_source": {
                        "contract": "/weir/payments%20%22fraud%22/contract",
                        "input/drift": "/weir/payments%20%22fraud%22/input%2Fdrift",
                    }[event["detector"]],
                    "ce_specversion": "1.0",
                },
            )
            moment = datetime.fromisoformat(time.replace("Z", "+00:00"))
            self.assertEqual(plain(moment), event["updated_at"])

    def test_ids_are_unique(self):
        ids = [event["id"] for event in self.events]
        self.assertEqual(len(ids), len(set(ids)))


if __name__ == "__main__":
    unittest.main()
