# SPDX-License-Identifier: Apache-2.0
"""A JSON stream in, alerts and quarantined records out, read back by two clients."""

import json

import harness
from scenario import Scenario, message, opened, payment


class Json(Scenario):
    def test_one_incident_for_many_bad_records_and_their_bytes_kept(self):
        app = self.app()
        app.start()
        good = [message(payment(n)) for n in range(200)]
        bad = [message(payment(200 + n, amount=5000.0 + n)) for n in range(20)]
        bad += [{**message(payment(220)), "value": b'{"id": "p220", "at": '}]
        after = [message(payment(221 + n)) for n in range(600)]
        app.produce(good + bad + after)
        app.wait_consumed()
        alerts = self.cluster.wait_alerts(
            app.alerts,
            lambda found: {"schema.range", "schema.undecodable"}
            <= {a["kind"] for a in found if a["status"] == "resolved"},
            what="both incidents to be resolved",
        )
        for kind, count in (("schema.range", 20), ("schema.undecodable", 1)):
            (event,) = opened(alerts, kind)
            life = [a for a in alerts if a["fingerprint"] == event["fingerprint"]]
            self.assertEqual([a["sequence"] for a in life], list(range(len(life))) if
                             life[0]["sequence"] == 0 else list(range(1, len(life) + 1)))  # fmt: skip
            self.assertEqual(life[-1]["status"], "resolved")
            self.assertEqual(life[-1]["occurrences"], count)
            self.assertEqual(event["app"], app.app)
            self.assertEqual(event["stream"], "payments")
        self.assertEqual(opened(alerts, "schema.range")[0]["fields"], ["amount"])
        self.assertNotIn("5000", json.dumps(opened(alerts, "schema.range")[0]["evidence"]))

        kept = app.quarantined()
        self.assertEqual(set(kept), {(0, n) for n in range(200, 221)})
        for n, source in enumerate(bad):
            copy = kept[0, 200 + n]
            self.assertEqual(copy.value(), source["value"])
            self.assertEqual(copy.key(), source["key"])
            headers = dict(copy.headers())
            self.assertIn(headers["weir_detector"], (b"contract", b""))
            self.assertTrue(headers["weir_reason"])

    def test_both_clients_see_the_same_events(self):
        app = self.app()
        app.start()
        app.produce([message(payment(n, amount=-1.0 if n == 5 else 1.0)) for n in range(60)])
        self.cluster.wait_alerts(app.alerts, lambda found: opened(found, "schema.range"))
        ours = self.cluster.read(app.alerts)
        theirs = self.cluster.kcat_json(app.alerts)
        self.assertEqual([m.value().decode() for m in ours], [m["payload"] for m in theirs])
        self.assertEqual([m.key().decode() for m in ours], [m["key"] for m in theirs])
        for own, other in zip(ours, theirs):
            event = json.loads(own.value())
            headers = {name: value.decode() for name, value in own.headers()}
            self.assertEqual(own.key().decode(), event["fingerprint"])
            self.assertEqual(headers["ce_id"], event["id"])
            self.assertEqual(headers["ce_type"], "weir.alert." + event["status"])
            self.assertEqual(headers["ce_source"], f"/weir/{app.app}/contract")
            self.assertEqual(headers["ce_specversion"], "1.0")
            pairs = other["headers"]
            self.assertEqual(dict(zip(pairs[::2], pairs[1::2])), headers)


if __name__ == "__main__":
    harness.main()
