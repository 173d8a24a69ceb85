# SPDX-License-Identifier: Apache-2.0
"""Records of the partials topic are what schemas/partial.avsc says, by fastavro."""
import io
import os
import pathlib
import subprocess

import fastavro

schema = fastavro.schema.load_schema(pathlib.Path(os.environ["WEIR_SOURCE"]) / "schemas/partial.avsc")
program = os.path.join(os.environ["WEIR_BUILD"], "conformance", "partials")
lines = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
assert len(lines) == 300, len(lines)
for line in lines:
    parts = line.split(" ")
    raw = bytes.fromhex(parts[0])
    stream = io.BytesIO(raw)
    record = fastavro.schemaless_reader(stream, schema)
    assert not stream.read(), "bytes are left over"
    expected = {
        "version": 1,
        "type": ("pane", "rules", "control")[int(parts[1])],
        "key": parts[2],
        "task": int(parts[3]),
        "hash": bytes.fromhex(parts[4])[::-1],
        "start": int(parts[5]),
        "end": int(parts[6]),
        "sequence": int(parts[7]),
        "tasks": int(parts[8]),
        "idle": parts[9] == "1",
        "payload": bytes.fromhex(parts[10]),
    }
    checksum = record.pop("checksum")
    assert record == expected, (record, expected)
    again = io.BytesIO()
    fastavro.schemaless_writer(again, schema, {**record, "checksum": checksum})
    assert again.getvalue() == raw
print(f"{len(lines)} partials")
