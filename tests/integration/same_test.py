# SPDX-License-Identifier: Apache-2.0
"""The same records give the same alerts from a file and from a topic of one partition."""

import json

import harness
from harness import run_weir
from scenario import Scenario, message, payment

AWAY = 90_000  # a last record far on, so that every window before it closes


class Same(Scenario):
    def test_file_and_topic_give_the_same_events(self):
        app = self.app()
        records = [payment(n, amount=900.0 if 300 <= n < 340 or n % 400 == 7 else 1.0 + n % 50)
                   for n in range(3000)]  # fmt: skip
        records += [{**payment(3000 + n), "route": None} for n in range(5)]
        records += [payment(n) for n in (*range(3005, 3100), *range(3100, 3100 + AWAY, 1000))]
        messages = [message(record) for record in records]
        path = app.folder / "payments.jsonl"
        path.write_bytes(b"".join(m["value"] + b"\n" for m in messages))
        config = app.folder / "replay.yaml"
        config.write_text(app.config())
        out = {name: app.folder / f"{name}.jsonl" for name in ("alerts", "quarantine")}
        run_weir("replay", "-c", config, "-i", f"payments={path}", "--quiet",
                 *(f"--output={name}={target}" for name, target in out.items()))  # fmt: skip
        replayed = out["alerts"].read_text().splitlines()
        self.assertGreater(len(replayed), 4)

        app.start()
        app.produce(messages)
        app.wait_consumed()

        # The end of the file closes what is open; a topic has no end. So a prefix.
        def events():
            return [m.value().decode() for m in self.cluster.read(app.alerts)]

        def settled(kind):
            return [a for a in map(json.loads, replayed) if a["kind"] == kind]

        self.cluster.wait_alerts(app.alerts, lambda found: len(found) >= len(replayed) - 1)
        got = events()
        self.assertEqual(got, replayed[: len(got)])
        self.assertGreaterEqual(len(got), len(replayed) - 1)
        self.assertTrue(settled("schema.range"))

        kept = [json.loads(line) for line in out["quarantine"].read_text().splitlines()]
        self.assertEqual({(r["partition"], r["offset"]) for r in kept}, set(app.quarantined()))


if __name__ == "__main__":
    harness.main()
