# SPDX-License-Identifier: Apache-2.0
"""What the scenarios share: one small stream of payments, its configuration, its members."""

import contextlib
import pathlib
import tempfile
import unittest

import harness
from harness import Cluster, Member, json_bytes, unique

START = 1_780_000_000_000  # event time of the first record, epoch ms
STEP = 1000  # between records of one partition

AVRO = {
    "type": "record",
    "name": "Payment",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "amount", "type": "double"},
        {"name": "route", "type": "string"},
    ],
}


def payment(number, amount=20.0, route="app"):
    return {"id": f"p{number}", "at": START + number * STEP, "amount": amount, "route": route}


def message(datum, partition=0, schema=None, schema_id=None):
    """produce() arguments for one payment, as JSON or, with a schema, as Avro."""
    if schema is None:
        value = json_bytes(datum)
    else:
        value = harness.avro_bytes(schema, datum, schema_id)
    return {"key": datum["id"].encode(), "value": value, "partition": partition,
            "timestamp": datum["at"]}  # fmt: skip


CONFIG = """\
version: 1
app: {app}
instance: {instance}
state_dir: {state}
kafka:
  bootstrap.servers: {bootstrap}
{registry}
streams:
  payments:
    topic: {topic}
    format: {format}
    key: id
    time: at
    idle_timeout: 1s
    fields:
{declared}
      amount: {{type: double, range: [0, {limit}]}}
      route:  {{type: string, role: slice}}
alerts: {{topic: {alerts}, format: {alerts_format}}}
quarantine: {{topic: {quarantine}}}
commit: {{every: 200ms, snapshot_every: 2s}}
http: {{listen: 127.0.0.1:{port}}}
detectors:
  contract: {{type: schema, stream: payments}}
{more}
"""


class App:
    """One application: its topics on a cluster, and members started by instance name."""

    def __init__(self, cluster, partitions=1, form="json", registry=None, **settings):
        self.cluster = cluster
        self.app = unique("app")
        self.group = f"weir.{self.app}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-app-"))
        self.form, self.registry, self.partitions = form, registry, partitions
        self.topic = cluster.create_topic(f"{self.app}.payments", partitions, **settings)
        self.alerts = cluster.create_topic(f"{self.app}.alerts")
        self.quarantine = f"{self.app}.quarantine"
        self.members = contextlib.ExitStack()

    def config(self, instance="a", limit=100, more="", alerts_format="json"):
        return CONFIG.format(
            app=self.app, instance=instance, state=self.folder / "state", limit=limit, more=more,
            alerts_format=alerts_format,
            bootstrap=self.cluster.bootstrap, topic=self.topic, port=harness.free_port(), format=self.form,
            alerts=self.alerts, quarantine=self.quarantine,
            declared="      at: {type: long}" if self.form == "json" else "",
            registry=f"registry: {{url: {self.registry}}}" if self.registry else "",
        )  # fmt: skip

    def start(self, instance="a", **options):
        member = Member(self.config(instance, **options), self.folder, name=instance)
        return self.members.enter_context(member)

    def produce(self, messages):
        self.cluster.produce(self.topic, messages)

    def wait_consumed(self, timeout=120.0):
        self.cluster.wait_consumed(self.group, self.topic, timeout)

    def quarantined(self):
        """(partition, offset) of the source -> message, for what was quarantined; no doubles."""
        found = {}
        if not self.cluster.partitions(self.quarantine):
            return found
        for copy in self.cluster.read(self.quarantine):
            headers = {name: value.decode() for name, value in copy.headers()
                       if name.startswith("weir_")}  # fmt: skip
            assert headers["weir_topic"] == self.topic, headers
            where = int(headers["weir_partition"]), int(headers["weir_offset"])
            assert where not in found, f"{where} was quarantined twice"
            found[where] = copy
        return found

    def offsets_of(self, wanted):
        """(partition, offset) of every message of the source topic whose value satisfies it."""
        return {(m.partition(), m.offset()) for m in self.cluster.read(self.topic)
                if wanted(m.value())}  # fmt: skip

    def logs(self):
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-6000:]}"
            for path in sorted(self.folder.glob("*.log"))
        )


class Scenario(unittest.TestCase):
    """A test with the shared cluster; on a failure the logs of its members are printed."""

    def setUp(self):
        bootstrap, self.registry_url = harness.shared_servers()
        self.cluster = Cluster(bootstrap)
        self.apps = []

    def app(self, cluster=None, **options):
        app = App(cluster or self.cluster, **options)
        self.apps.append(app)
        return app

    def tearDown(self):
        outcome = self._outcome.result
        failed = any(test is self for test, _ in [*outcome.failures, *outcome.errors])
        for app in self.apps:
            if failed:
                print(app.logs())
            app.members.close()


def opened(alerts, kind):
    """The open events of that kind."""
    return [a for a in alerts if a["kind"] == kind and a["status"] == "open"]


