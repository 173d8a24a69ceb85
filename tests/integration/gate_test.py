# SPDX-License-Identifier: Apache-2.0
"""The gate on a real broker: good records go to the clean topic as they were, bad ones to the
quarantine, and a circuit bounds what is held back."""

import json
import re
import urllib.error
import urllib.request

import harness
from confluent_kafka.admin import ConfigResource
from harness import Member, json_bytes, wait_until
from scenario import START, Scenario, message, opened, payment

PARTITIONS = 3
LONG_AGO = 1_600_000_000_000


def envelope(message):
    """All of a record that a reader can see, but for its offset."""
    return (message.partition(), message.timestamp(), message.key(), message.value(),
            message.headers())  # fmt: skip


def odd(n):
    """Good records, each unusual in its own way: their JSON too is written as no machine does."""
    value = b'{ "id":"p%d","at" : %d,\t"amount":2e1, "route":"app", "id2": [1, null] }  ' % (
        n, START + n * 1000)  # fmt: skip
    return {
        "value": value,
        "key": [None, b"", b"k\x00\xff", "schl\u00fcssel".encode(), b"x" * 3000][n % 5],
        "partition": n % PARTITIONS,
        "timestamp": [LONG_AGO + n, 1, START][n % 3],
        "headers": [
            None,
            [("trace", b"\x00\x01"), ("trace", b"again"), ("empty", b""), ("null", None)],
            [("weir_reason", b"mine"), ("\u00fc", "\u00fc".encode())],
            [(f"h{i}", b"v" * i) for i in range(100)],
        ][n % 4],
    }


def ask(member, path):
    port = re.search(r"127\.0\.0\.1:(\d+)\}", member.config_path.read_text()).group(1)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return answer.read().decode()


def metric(member, name):
    """0 also while nobody listens yet."""
    try:
        text = ask(member, "/metrics")
    except OSError:
        return 0
    return float(re.search(rf"^{name} (\S+)$", text, re.M).group(1))


class Gate(Scenario):
    def gated(self, gate="", **options):
        app = self.app(partitions=PARTITIONS, **options)
        app.clean = f"{app.app}.clean"
        plain = app.config

        def config(*arguments, **more):
            text = plain(*arguments, **more)
            text = text.replace("    key: id\n", "    key: $key\n")
            # Kafka's timestamps are odd here.
            text = text.replace("{type: schema, ", "{type: schema, future: 0s, ")
            return text.replace(
                "    idle_timeout: 1s\n",
                f"    idle_timeout: 1s\n    gate: {{topic: {app.clean}{gate}}}\n",
            )

        app.config = config
        return app

    def clean(self, app):
        return self.cluster.read(app.clean) if self.cluster.partitions(app.clean) else []

    def test_records_go_through_as_they_are(self):
        app = self.gated(gate=", quarantine_at_most: 60%")
        app.start()
        bad = {n for n in range(600) if n % 7 == 3}
        records = [odd(n) for n in range(600)]
        for n in bad:
            records[n]["value"] = records[n]["value"].replace(b"2e1", b"2e9")
        records[10]["value"] = None  # a tombstone is forwarded
        records[17]["value"] = b""  # nothing is no record
        records[24]["value"] = b"{"
        bad = (bad | {17, 24}) - {10}
        app.produce(records)
        app.wait_consumed()
        source = self.cluster.read(app.topic)
        self.assertEqual(len(source), 600)
        copies = app_copies(self.cluster, app)
        wanted = [envelope(m) for m in source if (m.partition(), m.offset()) not in copies]
        self.assertEqual([envelope(m) for m in self.clean(app)], wanted)
        self.assertEqual(len(copies), len(bad))
        for m in source:
            copy = copies.get((m.partition(), m.offset()))
            if copy is None:
                continue
            self.assertEqual(copy.key(), m.key())
            self.assertEqual(copy.value(), m.value())
            self.assertEqual(copy.timestamp(), m.timestamp())
            self.assertEqual(copy.partition(), m.partition())
            own = m.headers() or []
            self.assertEqual(copy.headers()[: len(own)], own)
            self.assertEqual(copy.headers()[len(own)][0], "weir_reason")
        settings = self.settings(app.clean)
        self.assertEqual(self.cluster.partitions(app.clean), PARTITIONS)
        self.assertEqual(settings["message.timestamp.type"], "CreateTime")

    def settings(self, topic):
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        found = self.cluster.admin.describe_configs([resource])[resource].result(60)
        return {name: entry.value for name, entry in found.items()}

    def test_an_open_circuit_lets_everything_through_and_says_so(self):
        app = self.gated(gate=", over: 60s")
        member = app.start()
        # A record a second: at least 100 within a minute are never there, so nothing opens.
        app.produce([message(payment(n, amount=1e6 if n % 2 else 1), n % 3) for n in range(90)])
        app.wait_consumed()
        self.assertEqual(len(self.clean(app)), 45)

        def fast(n, amount):
            return {**message(payment(n, amount=amount)), "partition": 1,
                    "value": json_bytes({**payment(n, amount), "at": START + 400_000 + n * 10})}  # fmt: skip

        # Six of 94 good ones and six bad: over 5% of the hundred. The hundredth opens it.
        app.produce([fast(n, 1e6 if 50 <= n < 56 else 1) for n in range(99)])
        app.wait_consumed()
        self.assertEqual(len(self.clean(app)), 45 + 93)
        app.produce([fast(n, 1e6) for n in range(100, 150)])
        app.wait_consumed()
        self.assertEqual(len(self.clean(app)), 45 + 93 + 50)
        app.produce([fast(n, 1) for n in range(150, 9000)])
        app.wait_consumed()
        app.produce([fast(n, 1e6) for n in range(9000, 9010)])  # closed again
        app.produce([{**fast(n, 1), "partition": p, "value": json_bytes(
            {**payment(n), "at": START + 900_000 + n * 1000})}
            for n in range(9010, 9060) for p in range(PARTITIONS)])  # fmt: skip
        app.wait_consumed()
        self.assertEqual(len(self.clean(app)), 45 + 93 + 50 + 8850 + 150)
        alerts = self.cluster.wait_alerts(
            app.alerts, lambda found: opened(found, "weir.circuit_open"), what="weir.circuit_open"
        )
        (event,) = opened(alerts, "weir.circuit_open")
        self.assertEqual(event["severity"], "critical")
        self.assertIn(f"went on to {app.clean}", event["summary"])
        self.assertEqual(event["offsets"][0]["partition"], 1)
        self.assertEqual(metric(member, "weir_gate_circuits_open"), 0)
        self.assertEqual(metric(member, "weir_gate_passed_bad_records_total"), 50)
        self.assertEqual(metric(member, "weir_forwarded_records_total"), len(self.clean(app)))

    def test_a_partition_stops_until_it_is_told_to_go_on(self):
        app = self.gated(gate=", over: 60s, beyond: stop")
        member = app.start()
        bad = [message(payment(n), 2) for n in range(300)]
        for n, record in enumerate(bad):
            record["value"] = json_bytes({**payment(n, 1e6), "at": START + n * 10})
        app.produce(bad)
        app.produce([message(payment(n), p) for n in range(200) for p in (0, 1)])
        wait_until(lambda: metric(member, "weir_gate_partitions_stopped") == 1, "it to stop")
        alerts = self.cluster.wait_alerts(
            app.alerts, lambda found: opened(found, "weir.circuit_open"), what="weir.circuit_open"
        )
        (event,) = opened(alerts, "weir.circuit_open")
        self.assertIn("stopped 1 partition, the first one [2] behind offset 99", event["summary"])
        with self.assertRaises(urllib.error.HTTPError) as failure:
            ask(member, "/healthz")
        self.assertEqual(failure.exception.code, 503)
        self.assertIn(b"stopped by their gate", failure.exception.read())
        # The others go on, and so they do after a kill; the stopped one stays where it is.
        wait_until(lambda: len(self.clean(app)) == 400, "the other partitions")
        member.kill()
        member.start()
        wait_until(lambda: metric(member, "weir_gate_partitions_stopped") == 1, "it to stop again")
        app.produce([message(payment(n), p) for n in range(200, 220) for p in (0, 1)])
        wait_until(lambda: len(self.clean(app)) == 440, "the other partitions again")
        self.assertEqual(self.cluster.committed(app.group, app.topic)[2], 100)
        self.assertEqual(len(app_copies(self.cluster, app)), 100)
        text = member.config_path.read_text()
        member.reload(text.replace("beyond: stop", "beyond: pass"))
        app.wait_consumed()
        # A new circuit: again a hundred are needed until it opens.
        self.assertEqual(len(app_copies(self.cluster, app)), 100 + 99)
        self.assertEqual(len(self.clean(app)), 440 + 101)
        ask(member, "/healthz")

    def test_a_clean_topic_that_does_not_fit_is_refused(self):
        for partitions, settings, what in (
            (1, {"max_message_bytes": 2_000_000}, "3: add partitions"),
            (3, {"max_message_bytes": 2_000_000, "cleanup_policy": "compact"}, "is compacted"),
            (3, {}, "max.message.bytes"),
        ):
            app = self.gated()
            self.cluster.create_topic(app.clean, partitions, **settings)
            with Member(app.config(), app.folder, name="refused") as member:
                self.assertEqual(member.child.wait(120), 1)
                self.assertIn(what, member.log())

    def test_a_compacted_topic_keeps_its_meaning(self):
        app = self.gated()
        self.cluster.admin.delete_topics([app.topic])[app.topic].result(60)
        app.topic = self.cluster.create_topic(f"{app.app}.c", PARTITIONS, cleanup_policy="compact")
        app.start()
        app.produce([message(payment(n)) for n in range(20)])
        app.produce([{"key": b"p3", "value": None, "partition": 0}])
        app.wait_consumed()
        self.assertEqual(self.settings(app.clean)["cleanup.policy"], "compact")
        self.assertEqual([(m.key(), m.value()) for m in self.clean(app)][-1], (b"p3", None))


def app_copies(cluster, app):
    """(partition, offset) of the source -> copy. Of a header that occurs twice the last counts."""
    found = {}
    for copy in cluster.read(app.quarantine) if cluster.partitions(app.quarantine) else []:
        headers = dict(copy.headers())
        where = int(headers["weir_partition"]), int(headers["weir_offset"])
        assert where not in found, f"{where} was quarantined twice"
        json.loads(headers["weir_reasons"])
        found[where] = copy
    return found


if __name__ == "__main__":
    harness.main()
