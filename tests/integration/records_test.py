# SPDX-License-Identifier: Apache-2.0
"""Records of every shape that a topic can hold: without value, without key, with headers, as CSV,
and as large as the broker takes them."""

import json

import harness
from harness import wait_until
from scenario import START, STEP, Scenario, message, opened, payment

LARGEST = 12_000_000


def row(number, amount="1.5", route="app"):
    return f'p{number},{START + number * STEP},{amount},"{route}"'.encode()


class Records(Scenario):
    def quarantined(self, app, count):
        wait_until(lambda: len(app.quarantined()) >= count, f"{count} quarantined records")
        return app.quarantined()

    def test_no_value_no_key_and_headers(self):
        app = self.app()
        member = app.start()
        records = [message(payment(n)) for n in range(60)]
        records[10]["value"] = None  # deleted: neither good nor bad
        records[20]["key"] = None
        records[30] = {**message(payment(30, amount=900.0)), "key": None}
        records[40] = {**message(payment(40, amount=900.0)),
                       "headers": [("trace", b"\x00\xff"), ("trace", b"2"), ("empty", None),
                                   ("weir_offset", b"of another time")]}  # fmt: skip
        records[50]["headers"] = [("trace", b"3")]
        records[55]["value"] = b""
        app.produce(records)
        app.wait_consumed()
        kept = self.quarantined(app, 3)
        self.assertEqual(set(kept), {(0, 30), (0, 40), (0, 55)})
        self.assertIsNone(kept[0, 30].key())
        self.assertEqual(kept[0, 30].value(), records[30]["value"])
        self.assertEqual(kept[0, 55].value(), b"")
        headers = kept[0, 40].headers()
        self.assertEqual([pair for pair in headers if not pair[0].startswith("weir_")],
                         [("trace", b"\x00\xff"), ("trace", b"2"), ("empty", None)])  # fmt: skip
        # What it had of an earlier quarantine stays too; the last of a name counts.
        self.assertEqual([value for name, value in headers if name == "weir_offset"],
                         [b"of another time", b"40"])  # fmt: skip
        alerts = self.cluster.wait_alerts(app.alerts, lambda found: opened(found, "schema.range"))
        self.assertEqual(opened(alerts, "schema.null"), [])
        self.assertEqual(opened(alerts, "schema.missing"), [])
        self.assertTrue(member.running)

    def test_the_key_is_the_messages(self):
        app = self.app()
        text = app.config().replace("key: id", "key: $key")
        member = harness.Member(text, app.folder, name="keys")
        app.members.enter_context(member)
        records = [message(payment(n, amount=900.0 if n == 7 else 1.0)) for n in range(40)]
        for n in range(0, 40, 3):
            records[n]["key"] = None
        app.produce(records)
        app.wait_consumed()
        self.assertEqual(set(self.quarantined(app, 1)), {(0, 7)})
        self.assertTrue(member.running)

    def test_csv(self):
        app = self.app(form="csv")
        text = app.config()
        start = text.index("    fields:\n")
        stop = text.index("alerts:")
        text = text[:start] + ("    fields:\n      id: {type: string}\n      at: {type: long}\n"
                               "      amount: {type: double, range: [0, 100]}\n"
                               "      route: {type: string, role: slice}\n") + text[stop:]  # fmt: skip
        member = harness.Member(text, app.folder, name="csv")
        app.members.enter_context(member)
        values = [row(n, route="a, \"\"b\"\"" if n % 2 else "app") for n in range(80)]
        values[5] = row(5, amount="900")
        values[15] = row(15, amount="much")
        values[25] = row(25, amount="")  # null
        values[35] = b"p35"  # too few cells
        values[45] = row(45) + b",more"
        values[55] = b'p55,"' + str(START + 55 * STEP).encode()  # a quote that nobody closes
        values[65] = row(65) + b"\r\n"  # as producers of lines write it
        values[75] = row(75) + b"\n" + row(76)  # two rows in one
        app.produce({"value": value, "partition": 0} for value in values)
        app.wait_consumed()
        kept = self.quarantined(app, 7)
        self.assertEqual(set(kept), {(0, n) for n in (5, 15, 25, 35, 45, 55, 75)})
        for (_, offset), copy in kept.items():
            self.assertEqual(copy.value(), values[offset])
        reasons = {offset: dict(copy.headers())["weir_reason"].decode().split(":")[0]
                   for (_, offset), copy in kept.items()}  # fmt: skip
        self.assertEqual(
            {n: reasons[n] for n in (5, 15, 25)},
            {5: "schema.range", 15: "schema.type", 25: "schema.null"},
        )
        self.assertTrue(member.running)

    def test_as_large_as_the_broker_takes_them(self):
        app = self.app(max_message_bytes=LARGEST)
        app.start()
        records = [message(payment(n, amount=900.0 if n % 2 else 1.0, route="r" * size))
                   for n, size in enumerate((1_000_000, LARGEST - 1000, LARGEST - 1000, 5, 10))]
        # Each in a request of its own, or none would fit.
        app.cluster.produce(app.topic, records, message_max_bytes=LARGEST, batch_num_messages=1)
        app.cluster.produce(app.topic, [message(payment(n)) for n in range(5, 60)])
        app.wait_consumed()
        kept = self.quarantined(app, 2)
        self.assertEqual(set(kept), {(0, 1), (0, 3)})
        for (_, offset), copy in kept.items():
            self.assertEqual(copy.value(), records[offset]["value"])
        found = self.cluster.wait_alerts(app.alerts, lambda alerts: opened(alerts, "schema.range"))
        self.assertLess(len(json.dumps(found)), 100_000)


if __name__ == "__main__":
    harness.main()
