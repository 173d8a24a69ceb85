# SPDX-License-Identifier: Apache-2.0
"""The harness itself: what it starts answers, and its readers see what they should."""

import unittest

import harness
from harness import Broker, Cluster, Registry, Timeout, unique, wait_until


class Shared(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        bootstrap, cls.registry_url = harness.shared_servers()
        cls.cluster = Cluster(bootstrap)

    def test_both_clients_see_committed_messages_only(self):
        topic = self.cluster.create_topic(unique("read"), partitions=2)
        name = unique("producer")
        self.cluster.produce(topic, [(b"k", b'{"n": 1}')], transactional_id=name)
        self.cluster.produce(topic, [(b"k", b'{"n": 2}')], transactional_id=name, commit=False)
        self.cluster.produce(topic, [(b"k", b'{"n": 3}')])
        self.assertEqual([m["n"] for m in self.cluster.read_json(topic)], [1, 3])
        self.assertEqual(
            [m["n"] for m in self.cluster.read_json(topic, isolation="read_uncommitted")],
            [1, 2, 3],
        )
        self.assertEqual(
            [m["payload"] for m in self.cluster.kcat_json(topic)], ['{"n": 1}', '{"n": 3}']
        )

    def test_a_condition_that_never_comes_true_fails(self):
        with self.assertRaises(Timeout):
            wait_until(lambda: False, "nothing", timeout=0.2)
        topic = self.cluster.create_topic(unique("unread"))
        self.cluster.produce(topic, [(b"k", b"v")])
        with self.assertRaises(Timeout):
            self.cluster.wait_consumed(unique("nobody"), topic, timeout=0.5)

    def test_a_group_is_seen(self):
        topic = self.cluster.create_topic(unique("group"), partitions=4)
        group = unique("g")
        consumers = [
            harness.Consumer({"bootstrap.servers": self.cluster.bootstrap, "group.id": group})
            for _ in range(2)
        ]
        try:
            for consumer in consumers:
                consumer.subscribe([topic])

            def polled():
                for consumer in consumers:
                    consumer.poll(0.1)
                parts = [p for c in consumers for p in c.assignment()]
                return len(parts) == 4 and all(c.assignment() for c in consumers)

            wait_until(polled, "an assignment")
            shares = self.cluster.wait_members(group, topic, 2)
            self.assertEqual(sorted(len(parts) for parts in shares.values()), [2, 2])
        finally:
            for consumer in consumers:
                consumer.close()


class Own(unittest.TestCase):
    def test_a_broker_keeps_its_data_over_stop_and_kill(self):
        with Broker() as broker:
            cluster = Cluster(broker.bootstrap)
            topic = cluster.create_topic("kept", partitions=1)
            cluster.produce(topic, [(b"k", b"1")])
            broker.stop()
            broker.start()
            cluster.produce(topic, [(b"k", b"2")])
            broker.kill()
            broker.start()
            self.assertEqual([m.value() for m in cluster.read(topic)], [b"1", b"2"])

    def test_a_registry_keeps_its_ids_over_a_stop(self):
        schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}
        wider = {**schema, "fields": [*schema["fields"],
                                      {"name": "b", "type": ["null", "string"], "default": None}]}  # fmt: skip
        with Registry() as registry:
            first = registry.register("r-value", schema)
            second = registry.register("r-value", wider)
            self.assertNotEqual(first, second)
            registry.stop()
            registry.start()
            kept = registry.get(f"/schemas/ids/{second}")["schema"]
            self.assertIn('"b"', kept)
            data = harness.avro_bytes(schema, {"a": -1}, first)
            self.assertEqual(data, b"\0" + first.to_bytes(4, "big") + b"\x01")


if __name__ == "__main__":
    harness.main()
