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

    def test_what_breaks_the_contract_never_passes_the_gate(self):
        app = self.app(form="avro", registry=self.registry_url, partitions=2)
        clean, plain = f"{app.app}.clean", app.config

        def config(*arguments, **more):
            gate = f"    gate: {{topic: {clean}, quarantine_at_most: 90%}}\n"
            return plain(*arguments, **more).replace(
                "    idle_timeout: 1s\n", "    idle_timeout: 1s\n" + gate
            )

        app.config = config
        registry = registry_at(self.registry_url)
        full = registry.register(app.topic + "-value", FULL)
        broken = registry.register(app.topic + "-value", BROKEN)
        app.start()
        # In one fetch: the schema is compared before any of its records is passed on.
        app.produce([put(n, FULL if n < 40 else BROKEN, full if n < 40 else broken, n % 2)
                     for n in range(60)])  # fmt: skip
        app.wait_consumed()
        of = [int.from_bytes(copy.value()[1:5], "big") for copy in self.cluster.read(clean)]
        self.assertEqual(of, [full] * 40)
        held = {int.from_bytes(m.value()[1:5], "big") for m in app.quarantined().values()}
        self.assertEqual((len(app.quarantined()), held), (20, {broken}))
        self.feed(app, range(60, 600), FULL, full)
        alerts = self.cluster.wait_alerts(
            app.alerts, lambda found: opened(found, "schema.evolution")
        )
        self.assertIn(f"writer schema {broken}, after {full}: ",
                      opened(alerts, "schema.evolution")[0]["summary"])  # fmt: skip


if __name__ == "__main__":
    harness.main()
