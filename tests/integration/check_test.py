# SPDX-License-Identifier: Apache-2.0
"""`weir check`, and what `--connect` finds out from a cluster and a registry."""

import json
import pathlib
import tempfile
import unittest
import urllib.request

import harness
from harness import Cluster, free_port, run_weir, unique

CONFIG = """
version: 1
app: {prefix}
kafka: {{bootstrap.servers: "{bootstrap}", consumer: {{fetch.max.bytes: 1000000}}}}
registry: {{url: "{registry}"}}
streams:
  transactions:
    topic: {prefix}.features
    format: avro
    key: id
    fields: {fields}
  labels:
    topic: {prefix}.labels
    format: json
    key: id
    fields: {{label: {{type: string, role: label}}, annotator: {{type: string, role: annotator}}}}
    join: {{to: transactions, within: 1d}}
alerts: {{topic: {prefix}.alerts}}
quarantine: {{topic: {prefix}.quarantine}}
detectors:
  labels: {{type: label_noise, stream: labels}}
"""

SCHEMA = {
    "type": "record",
    "name": "transaction",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "amount", "type": "double"},
        {"name": "country", "type": "string"},
    ],
}


def register(url, subject):
    request = urllib.request.Request(
        f"{url}/subjects/{subject}/versions",
        data=json.dumps({"schema": json.dumps(SCHEMA)}).encode(),
        headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    urllib.request.urlopen(request, timeout=60).close()


class Check(unittest.TestCase):
    def setUp(self):
        self.bootstrap, self.registry = harness.shared_servers()
        self.cluster = Cluster(self.bootstrap)
        self.prefix = unique("check")

    def check(self, *options, fields="{amount: {type: double}}", **values):
        values = {"prefix": self.prefix, "bootstrap": self.bootstrap, "registry": self.registry,
                  "fields": fields, **values}  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "weir.yaml"
            path.write_text(CONFIG.format(**values))
            if "--connect" in options and "--timeout" not in options:
                options = *options, "--timeout", "60s"
            return run_weir("check", path, *options, check=False)

    def create(self, labels=2, **config):
        self.cluster.create_topic(f"{self.prefix}.features", partitions=2, **config)
        self.cluster.create_topic(f"{self.prefix}.labels", partitions=labels)
        register(self.registry, f"{self.prefix}.features-value")

    def test_a_good_configuration(self):
        done = self.check()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("good: 2 streams, 1 detector, 0 references", done.stdout)
        self.assertIn("warning: join:", done.stderr)

    def test_a_wrong_one(self):
        done = self.check(fields="{amount: {type: duoble}}")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"weir\.yaml:11:29: error: .*did you mean 'double'")
        self.assertEqual(done.stdout, "")

    def test_a_good_cluster(self):
        self.create()
        self.cluster.create_topic(f"{self.prefix}.quarantine", **{"max.message.bytes": 2000000})
        done = self.check("--connect")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for line in (
            "kafka: 1 broker",
            f"topic {self.prefix}.features (stream transactions): 2 partitions",
            "join of labels to transactions: 2 partitions each",
            f"topic {self.prefix}.alerts (alerts): not there yet",
            f"topic {self.prefix}.quarantine (quarantine): 1 partition",
            f"registry: {self.prefix}.features-value (stream transactions): schema",
        ):
            self.assertIn(line, done.stdout)
        # Asking creates nothing.
        self.assertNotIn(f"{self.prefix}.alerts", self.cluster.topics())

    def test_a_clean_topic_needs_the_partitions_of_its_source(self):
        self.create()
        gate = f"{{amount: {{type: double}}}}\n    gate: {{topic: {self.prefix}.clean}}"
        done = self.check("--connect", fields=gate)
        self.assertIn(f"topic {self.prefix}.clean (gate): not there yet", done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.cluster.create_topic(f"{self.prefix}.clean", **{"max.message.bytes": 2000000})
        done = self.check("--connect", fields=gate)
        self.assertEqual(done.returncode, 1)
        self.assertIn("(gate): 1 partitions, and", done.stdout)

    def test_faults_of_the_cluster(self):
        self.create(labels=3, **{"retention.ms": 3600000})
        self.cluster.create_topic(f"{self.prefix}.quarantine")
        done = self.check("--connect", fields="{amuont: {type: double}, country: {type: long}}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("labels has 3 partitions and", done.stdout)
        self.assertIn("max.message.bytes is 1048588", done.stdout)
        self.assertIn("has no field 'amuont' of the stream transactions (did you mean 'amount'?)",
                      done.stdout)  # fmt: skip
        self.assertIn("'country' is string in the schema and long in the stream", done.stdout)

    def test_a_join_needs_retention(self):
        self.create(**{"retention.ms": 3600000})
        done = self.check("--connect")
        self.assertEqual(done.returncode, 1)
        self.assertIn("keeps records for 3600000 ms, and the join needs 86460000", done.stdout)

    def test_missing_topics_and_subjects(self):
        done = self.check("--connect")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{self.prefix}.features (stream transactions): there is no such topic",
                      done.stdout)  # fmt: skip
        self.assertIn(f"there is no subject {self.prefix}.features-value", done.stdout)
        self.assertNotIn(f"{self.prefix}.features", self.cluster.topics())

    def test_nobody_answers(self):
        nobody = f"127.0.0.1:{free_port()}"
        done = self.check("--connect", "--timeout", "1s", bootstrap=nobody,
                          registry=f"http://{nobody}")  # fmt: skip
        self.assertEqual(done.returncode, 1)
        self.assertIn("kafka: no broker answers", done.stdout)
        self.assertIn("registry:", done.stdout)

    def test_calibrate_is_of_files_or_of_the_app(self):
        for wrong, said in (
            (["--accept"], "are for --calibrate"),
            (["--calibrate", "--accept", "-i", "transactions=x.csv"], "and not of --input"),
            (["--calibrate", "--from", "2026-10-02T00:00:00Z", "--to", "2026-10-01T00:00:00Z"],
             "--from is not before --to"),
        ):  # fmt: skip
            done = self.check(*wrong)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)
        self.create()
        done = self.check("--calibrate")
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no topic weir.", done.stderr)


if __name__ == "__main__":
    harness.main()
