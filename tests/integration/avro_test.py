# SPDX-License-Identifier: Apache-2.0
"""Avro by a registry: a schema that evolves in mid-stream, bytes that do not decode, and a
registry that is away for a while."""

import io
import json

import fastavro

import harness
from harness import SOURCE, Registry, registry_at, wait_until
from scenario import AVRO, Scenario, message, opened, payment

# A field more, another order, and a float where a double was.
EVOLVED = {
    **AVRO,
    "fields": [
        {"name": "note", "type": ["null", "string"], "default": None},
        AVRO["fields"][3],
        {"name": "amount", "type": "float"},
        AVRO["fields"][0],
        AVRO["fields"][1],
    ],
}


def put(number, schema, schema_id, **options):
    datum = payment(number, **options)
    if schema is EVOLVED:
        datum["note"] = "n"
    return message(datum, schema=schema, schema_id=schema_id)


class Avro(Scenario):
    def prepare(self, registry):
        app = self.app(form="avro", registry=registry.url)
        return app, lambda schema: registry.register(app.topic + "-value", schema)

    def evolve(self, app, first, second):
        """Records of two schemas that stand for each other, five of them bad."""
        app.produce([put(n, AVRO, first, amount=500.0 if n == 50 else 1.0) for n in range(100)])
        app.wait_consumed()
        identifier = second() if callable(second) else second
        app.produce([put(n, EVOLVED, identifier, amount=700.0 if n == 150 else 1.0)
                     for n in range(100, 200)])  # fmt: skip
        good = put(200, EVOLVED, identifier)
        broken = [{**good, "value": value} for value in
                  (good["value"][:9], b"\0\x7f\xff\xff\xff" + good["value"][5:], b"{}")]  # fmt: skip
        app.produce(broken + [put(n, AVRO, first) for n in range(203, 300)])
        app.wait_consumed()
        wait_until(lambda: len(app.quarantined()) >= 5, "five quarantined records")
        self.assertEqual(set(app.quarantined()), {(0, n) for n in (50, 150, 200, 201, 202)})

    def test_a_schema_evolves_in_mid_stream(self):
        app, register = self.prepare(registry_at(self.registry_url))
        first = register(AVRO)
        app.start()
        self.evolve(app, first, lambda: register(EVOLVED))
        alerts = self.cluster.wait_alerts(
            app.alerts,
            lambda found: opened(found, "schema.range") and opened(found, "schema.undecodable"),
        )
        self.assertEqual(opened(alerts, "schema.range")[0]["fields"], ["amount"])

    def test_records_of_an_older_schema_than_the_newest(self):
        app, register = self.prepare(registry_at(self.registry_url))
        first, second = register(AVRO), register(EVOLVED)
        app.start()  # it knows of `note`, which the first records lack, as their default allows
        self.evolve(app, first, second)

    def test_alerts_are_avro_that_others_read(self):
        registry = registry_at(self.registry_url)
        app, register = self.prepare(registry)
        first = register(AVRO)
        app.start(alerts_format="avro")
        app.produce([put(n, AVRO, first, amount=500.0 if n == 5 else 1.0) for n in range(100)])
        found = wait_until(lambda: self.cluster.read(app.alerts), "an alert", 120)[0]
        latest = registry.get(f"/subjects/{app.alerts}-value/versions/latest")
        self.assertEqual(found.value()[:5], b"\0" + latest["id"].to_bytes(4, "big"))
        schema = json.loads(latest["schema"])
        data = io.BytesIO(found.value()[5:])
        alert = fastavro.schemaless_reader(data, fastavro.parse_schema(schema))
        self.assertEqual(data.read(), b"")
        self.assertEqual((alert["kind"], alert["status"], alert["fields"], alert["app"]),
                         ("schema.range", "open", ["amount"], app.app))  # fmt: skip
        self.assertEqual(found.key().decode(), alert["fingerprint"])
        shipped = json.loads((SOURCE / "schemas" / "alert.avsc").read_text())
        self.assertEqual(fastavro.schema.to_parsing_canonical_form(schema),
                         fastavro.schema.to_parsing_canonical_form(shipped))  # fmt: skip

    def test_without_a_registry(self):
        """A local schema: plain records, and those that carry its fingerprint."""
        canonical = fastavro.schema.to_parsing_canonical_form(AVRO)
        mark = fastavro.schema.fingerprint(canonical, "CRC-64-AVRO")
        marks = {"avro_plain": b"", "avro_single_object": b"\xc3\x01" + bytes.fromhex(mark)}
        for form, head in marks.items():
            app = self.app(form=form)
            schema = app.folder / "payment.avsc"
            schema.write_text(json.dumps(AVRO))
            text = app.config().replace(f"format: {form}", f"format: {form}\n    schema: {schema}", 1)
            member = app.members.enter_context(harness.Member(text, app.folder, name=form))
            records = [message(payment(n, amount=500.0 if n == 10 else 1.0), schema=AVRO)
                       for n in range(60)]  # fmt: skip
            for record in records:
                record["value"] = head + record["value"]
            records[20]["value"] = records[20]["value"][:-2]
            bad = {(0, 10), (0, 20)}
            if head:
                records[30]["value"] = records[30]["value"][len(head) :]
                records[40]["value"] = head[:9] + bytes([head[9] ^ 1]) + records[40]["value"][10:]
                bad |= {(0, 30), (0, 40)}
            app.produce(records)
            app.wait_consumed()
            wait_until(lambda: len(app.quarantined()) >= len(bad), f"bad records as {form}")
            self.assertEqual(set(app.quarantined()), bad, form)
            for (_, offset), copy in app.quarantined().items():
                self.assertEqual(copy.value(), records[offset]["value"])
            self.assertTrue(member.running)

    def test_records_wait_while_the_registry_is_away(self):
        with Registry() as registry:
            app, register = self.prepare(registry)
            first = register(AVRO)
            member = app.start()
            app.produce([put(n, AVRO, first) for n in range(50)])
            app.wait_consumed()
            second = register(EVOLVED)
            registry.stop()
            # The new schema cannot be asked for: neither lost nor passed unread.
            app.produce([put(n, EVOLVED, second, amount=900.0 if n == 70 else 1.0)
                         for n in range(50, 100)])  # fmt: skip
            member.wait_log("[0] waits at offset 50: registry " + registry.url, 120)
            self.assertEqual(self.cluster.committed(app.group, app.topic)[0], 50)
            self.assertEqual(app.quarantined(), {})
            # Just after it came back it knows no schema yet, and says so; that is not believed.
            registry.start(before_schemas=lambda: member.wait_log("but it has just come back", 120))
            app.wait_consumed()
            wait_until(app.quarantined, "the bad record")
            self.assertEqual(set(app.quarantined()), {(0, 70)})
            self.assertTrue(member.running)


if __name__ == "__main__":
    harness.main()
