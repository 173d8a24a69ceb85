# SPDX-License-Identifier: Apache-2.0
"""`weir alerts` on a real broker and registry: committed events only, JSON and Avro alike."""

import io
import json
import unittest

import fastavro

import harness
from harness import SOURCE, WEIR, Cluster, Process, run_weir, unique

CONFIG = """\
version: 1
app: {app}
kafka: {{bootstrap.servers: "{bootstrap}"}}
registry: {{url: "{registry}"}}
streams: {{transactions: {{topic: in, format: json, fields: {{a: {{type: double}}}}}}}}
alerts: {{topic: {topic}, format: {format}}}
"""


def event(fingerprint, status="open", severity="warning", at=1767229200000):
    return {
        "id": f"{fingerprint * 32:.32}", "fingerprint": f"{fingerprint * 32:.32}", "sequence": 1,
        "status": status, "severity": severity, "kind": "schema.range", "app": "a",
        "detector": "contract", "detector_type": "schema", "rule": "range:a",
        "stream": "transactions", "fields": ["a"], "slice": {"route": "north"},
        "model_version": None, "provisional": False, "share": 0.1,
        "window": {"start": at - 10000, "end": at, "records": 7}, "statistic": None,
        "summary": "a is out of range", "evidence": [], "offsets": [], "opened_at": at,
        "updated_at": at, "resolved_at": at if status == "resolved" else None, "occurrences": 1,
        "action": "fix_producer", "runbook": None,
    }  # fmt: skip


class Alerts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bootstrap, cls.registry = harness.shared_servers()
        cls.cluster = Cluster(cls.bootstrap)

    def prepare(self, form):
        topic = self.cluster.create_topic(unique("alerts"), partitions=2)
        process = Process("alerts")
        self.addCleanup(process.kill)
        path = process.folder / "weir.yaml"
        path.write_text(
            CONFIG.format(
                app=unique("app"), bootstrap=self.bootstrap, registry=self.registry, topic=topic,
                format=form,
            )  # fmt: skip
        )
        return topic, process, path

    def send(self, topic, events, encode, **how):
        messages = [(one["fingerprint"].encode(), encode(one)) for one in events]
        self.cluster.produce(topic, messages, transactional_id=unique("t"), **how)

    def check(self, form, encode):
        topic, process, path = self.prepare(form)
        self.send(topic, [event("a"), event("b", severity="critical")], encode)
        self.send(topic, [event("c")], encode, commit=False)
        self.send(topic, [event("a", "resolved", at=1767229300000)], encode)

        done = run_weir("alerts", "-c", path, "--until-end", "--json")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([line for line in done.stderr.splitlines() if "part=kafka" not in line], [])
        key = lambda one: (one["fingerprint"], one["updated_at"])  # noqa: E731
        self.assertEqual(
            sorted(lines, key=key),
            sorted([event("a"), event("b", severity="critical"),
                    event("a", "resolved", at=1767229300000)], key=key),
        )  # fmt: skip
        done = run_weir("alerts", "-c", path, "--open", env={"TZ": "UTC"})
        self.assertEqual(
            done.stdout,
            "2026-01-01 01:00:00  OPEN      critical  schema.range        "
            "transactions/contract a route=north  a is out of range\n",
        )

        # followed from now on, until it is told to stop
        process.spawn([WEIR, "alerts", "-c", path])
        sent = 0
        while "transactions/contract" not in process.log():
            self.assertLess(sent, 600, process.log())
            self.send(topic, [event("d", at=1767229400000 + sent)], encode)
            sent += 1
            harness.time.sleep(0.1)
        self.assertEqual(process.stop(), 0)
        self.assertNotIn("critical", process.log())

    def test_json(self):
        self.check("json", lambda one: json.dumps(one).encode())

    def test_avro(self):
        schema = json.loads((SOURCE / "schemas" / "alert.avsc").read_text())
        with harness.urllib.request.urlopen(
            harness.urllib.request.Request(
                f"{self.registry}/subjects/{unique('alerts')}-value/versions",
                data=json.dumps({"schema": json.dumps(schema)}).encode(),
                headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
            ),
            timeout=60,
        ) as answer:
            number = json.load(answer)["id"]
        parsed = fastavro.parse_schema(schema)

        def encode(one):
            out = io.BytesIO()
            fastavro.schemaless_writer(out, parsed, one)
            return b"\0" + number.to_bytes(4, "big") + out.getvalue()

        self.check("avro", encode)

    def test_faults(self):
        topic, process, path = self.prepare("json")
        text = path.read_text()
        path.write_text(text.replace(topic, "not-" + topic))
        done = run_weir("alerts", "-c", path, "--until-end", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("not-" + topic, done.stderr)
        path.write_text(text)
        self.cluster.produce(topic, [(b"k", b"no alert"), (b"k", None)])
        done = run_weir("alerts", "-c", path, "--until-end")
        self.assertEqual(done.stdout, "")
        self.assertIn("1 message on", done.stderr)


if __name__ == "__main__":
    unittest.main()
