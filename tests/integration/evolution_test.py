# SPDX-License-Identifier: Apache-2.0
"""A writer schema of a real registry that loses what the contract needs is told of by its id, once,
through restarts; one that only adds is not."""

import harness
from harness import registry_at
from scenario import AVRO, Scenario, message, opened, payment

LEVEL = {"name": "level", "type": {"type": "enum", "name": "Level", "symbols": ["LOW", "HIGH"]}}
FULL = {**AVRO, "fields": [*AVRO["fields"], LEVEL]}
WIDER = {**FULL, "fields": [{"name": "note", "type": "string", "default": ""}, *FULL["fields"]]}
BROKEN = {
    **AVRO,
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "amount", "type": "string"},
        {**LEVEL, "type": {**LEVEL["type"], "symbols": ["HIGH"]}},
    ],
}


def put(number, schema, schema_id, partition):
    datum = {**payment(number), "level": "HIGH", "note": "n"}
    if schema is BROKEN:
        datum["amount"] = "20.0"
    return message(datum, partition, schema, schema_id)


class Evolution(Scenario):
    def feed(self, app, numbers, schema, schema_id):
        app.produce([put(n, schema, schema_id, p) for n in numbers for p in (0, 1)])
        app.wait_consumed()

    def test_a_schema_that_lost_a_field(self):
        app = self.app(form="avro", registry=self.registry_url, partitions=2)
        registry = registry_at(self.registry_url)
        subject = app.topic + "-value"
        full = registry.register(subject, FULL)
        member = app.start()
        self.feed(app, range(40), FULL, full)
        wider = registry.register(subject, WIDER)
        self.feed(app, range(40, 80), WIDER, wider)
        broken = registry.register(subject, BROKEN)
        self.feed(app, range(80, 120), BROKEN, broken)
        alerts = self.cluster.wait_alerts(
            app.alerts, lambda found: opened(found, "schema.evolution")
        )
        # What is known of the schemas is state: a member that comes anew says nothing again.
        member.stop()
        app.start(instance="b")
        self.feed(app, range(120, 600), BROKEN, broken)
        self.feed(app, range(600, 640), FULL, full)
        alerts = self.cluster.wait_alerts(
            app.alerts, lambda found: any(a["kind"] == "schema.evolution" and a["status"] == "resolved" for a in found)
        )  # fmt: skip
        (alert,) = opened(alerts, "schema.evolution")
        self.assertIn(f"writer schema {broken}, after {wider}: ", alert["summary"])
        for change in ("amount is string, was double", "route is not in it",
                       "level can no longer be LOW"):  # fmt: skip
            self.assertIn(change, alert["summary"])
        self.assertNotIn("note", alert["summary"])
        self.assertEqual((alert["severity"], alert["detector"], alert["action"]),
                         ("critical", "contract", "fix_producer"))  # fmt: skip


if __name__ == "__main__":
    harness.main()
