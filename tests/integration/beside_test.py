# SPDX-License-Identifier: Apache-2.0
"""Two topics row by row: one task has partition p of both. A member that is killed while one of
them is behind, and its successor, say what an undisturbed one says."""

import random
import re
import urllib.request

import harness
from harness import Member, json_bytes
from scenario import START, Scenario

MINUTE = 60_000
ROUNDS, LAST = 600, 450  # pairs, one a minute; from LAST on both sides are alike

CONFIG = """\
version: 1
app: {app}
instance: {instance}
state_dir: {state}
kafka: {{bootstrap.servers: "{bootstrap}"}}
streams:
  served:
    topic: {served}
    format: json
    key: user
    time: at
    idle_timeout: 1h
    fields: {{user: {{type: string}}, amount: {{type: double}}, country: {{type: string}}}}
  offline:
    topic: {offline}
    format: json
    key: user
    time: at
    idle_timeout: 1h
    fields: {{user: {{type: string}}, amount: {{type: double}}, country: {{type: string}}}}
    join: {{to: served, within: 6h}}
alerts: {{topic: {alerts}}}
commit: {{every: 200ms, snapshot_every: 2s}}
http: {{listen: 127.0.0.1:{port}}}
detectors:
  rows: {{type: skew, stream: served, with: offline, minimum: 20, window: {{size: 1h, lateness: 0s}}}}
"""


def make_records():
    """(served, offline) of each minute; served is a hundredth of some, offline lacks others."""
    pick = random.Random(7)
    pairs = []
    for n in range(ROUNDS + 300):
        wrong = n < LAST and pick.random() < 0.5
        amount = round(pick.lognormvariate(3, 1), 6)
        row = {"user": f"u{n % 20}", "at": START + n * MINUTE, "amount": amount, "country": "DE"}
        lacks = 100 <= n < 300 and pick.random() < 0.3
        pairs.append(({**row, "amount": amount / 128} if wrong else row, None if lacks else row))
    return pairs


class Beside(Scenario):
    def start_app(self):
        app = self.app(partitions=2)
        app.offline = self.cluster.create_topic(f"{app.app}.offline", 2)
        return app

    def member(self, app, name):
        text = CONFIG.format(
            app=app.app, instance=name, state=app.folder / "state", served=app.topic,
            offline=app.offline, alerts=app.alerts, bootstrap=self.cluster.bootstrap,
            port=harness.free_port(),
        )  # fmt: skip
        return app.members.enter_context(Member(text, app.folder, name=name))

    def feed(self, topic, rows):
        self.cluster.produce(topic, [
            {"key": row["user"].encode(), "value": json_bytes(row),
             "partition": int(row["user"][1:]) % 2, "timestamp": row["at"]}
            for row in rows if row
        ])  # fmt: skip

    def said(self, app):
        """What was said of each incident, in order, without what is an app's own."""

        def over(alerts):
            return sum(a["status"] == "resolved" for a in alerts) >= 2

        alerts = self.cluster.wait_alerts(app.alerts, over)
        self.assertEqual(len({a["id"] for a in alerts}), len(alerts))
        self.assertEqual({a["stream"] for a in alerts}, {"served+offline"})
        told = {}
        for a in alerts:
            told.setdefault(a["rule"], []).append(
                (a["sequence"], a["status"], a["summary"], a["window"], a["fields"],
                 [e["after"] for e in a["evidence"]])
            )  # fmt: skip
        return told

    def test_killed_while_one_side_is_behind(self):
        pairs = make_records()
        served, offline = [a for a, _ in pairs], [b for _, b in pairs]

        calm = self.start_app()
        self.feed(calm.topic, served)
        self.feed(calm.offline, offline)
        self.member(calm, "a")
        expected = self.said(calm)

        app = self.start_app()
        first = self.member(app, "a")
        self.feed(app.topic, served[:250])
        self.feed(app.offline, offline[:90])
        self.cluster.wait_consumed(app.group, app.offline)
        self.feed(app.offline, offline[90:200])
        first.kill()
        second = self.member(app, "b")
        self.feed(app.topic, served[250:400])
        self.cluster.wait_consumed(app.group, app.offline)
        self.assertEqual(second.stop(), 0)
        self.feed(app.offline, offline[200:])
        self.feed(app.topic, served[400:])
        third = self.member(app, "c")
        found = self.said(app)
        self.assertTrue(third.running)

        self.assertEqual(set(expected), {"rows", "unpaired_served"})
        self.assertEqual(expected, found)
        opening = found["rows"][0]
        self.assertIn("amount differs between served and offline", opening[2])
        self.assertIn("served is the offline value / 128 (100% of those)", opening[2])
        self.assertIn("have no partner in offline", found["unpaired_served"][0][2])
        (last,) = [said for said in found["rows"] if said[1] == "resolved"]
        self.assertGreater(last[3]["start"], START + (LAST - 60) * MINUTE)

    def test_what_waits_is_in_the_ledger(self):
        """Records that wait for their partner are part of limits.memory, and give their room back."""
        rows = [{"user": f"u{n % 20}", "at": START + n * 500, "amount": n / 7, "country": "DE"}
                for n in range(20_000)]  # fmt: skip
        app = self.start_app()
        member = self.member(app, "a")

        def held():
            try:
                port = re.search(r"127\.0\.0\.1:(\d+)\}", member.config_path.read_text()).group(1)
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                    text = answer.read().decode()
            except OSError:
                return 0
            return float(re.search(r"^weir_memory_detectors_bytes (\S+)$", text, re.M).group(1))

        least = 20_000 * (96 + 2 * 16)  # a row and its two values
        self.feed(app.topic, rows)
        harness.wait_until(lambda: held() > least, "what waits to be told")
        self.feed(app.offline, rows)
        harness.wait_until(lambda: held() < least / 4, "its room to be given back")
        self.assertEqual(member.stop(), 0)


if __name__ == "__main__":
    harness.main()
