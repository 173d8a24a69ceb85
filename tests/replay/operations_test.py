# SPDX-License-Identifier: Apache-2.0
"""Failures of serving, through the program: what is said of them, and by whom."""

import json
import math
import random
import unittest

from program import Program

HOUR = 3_600_000
MONDAY = 1_760_313_600_000
CONFIG = """\
version: 1
app: serving
streams:
  requests:
    topic: requests
    format: json
    time: at
    fields:
      at:   {{type: long}}
      pod:  {{type: string, role: source}}
      zone: {{type: string, role: slice}}
alerts: {{topic: alerts}}
detectors:
{detectors}
"""
SERVING = "  serving: {{type: operations, stream: requests, window: {{size: {}}}, repeat: 30d}}"
OUTAGES = "  outages: {{type: outage, stream: requests, by: [{}], window: {{size: {}}}, repeat: 30d}}"


def traffic(days, lost=lambda hour, pod, zone: False, rate=240):
    """Requests with a daily rhythm; `lost` says which of them never come."""
    source = random.Random(11)
    hour, rows = 0.0, []
    while hour < 24 * days:
        hour += source.expovariate(rate * math.exp(0.8 * math.sin((hour % 24 - 9) / 24 * 2 * math.pi)))
        pod, zone = f"pod-{source.randrange(4)}", source.choice(["east", "west"])
        if not lost(hour, pod, zone):
            rows.append({"at": MONDAY + int(HOUR * hour), "pod": pod, "zone": zone})
    return "".join(json.dumps(row) + "\n" for row in rows)


class Silence(Program):
    def opened(self, *detectors):
        done = self.replay(CONFIG.format(detectors="\n".join(detectors)), requests="requests.jsonl")
        self.assertEqual((done.code, done.err), (0, ""))
        self.alerts = done.alerts
        return [
            (alert["detector"], alert["kind"], alert["slice"])
            for alert in done.alerts
            if alert["status"] == "open"
        ]

    def test_stream(self):
        """Seen by two detectors it is one incident of one kind."""
        self.file("requests.jsonl", traffic(6, lambda hour, *_: 106 <= hour < 110))
        silent = ("operations.silent", {})
        self.assertEqual(self.opened(SERVING.format("15m")), [("serving", *silent)])
        alone = self.opened(OUTAGES.format("pod, zone", "15m"))
        self.assertEqual(alone, [("outages", "outage.silence", {})])
        both = self.opened(SERVING.format("15m"), OUTAGES.format("pod, zone", "15m"))
        self.assertEqual(both, [("outages", *silent)])
        both = self.opened(SERVING.format("5m"), OUTAGES.format("pod, zone", "1h"))
        self.assertEqual(both, [("serving", *silent)])
        both = self.opened(SERVING.format("1h"), OUTAGES.format("pod, zone", "5m"))
        self.assertEqual(both, [("outages", *silent)])

    def test_producer(self):
        lost = lambda hour, pod, _: 106 <= hour < 112 and pod == "pod-2"
        self.file("requests.jsonl", traffic(6, lost))
        silent = ("operations.silent", {"pod": "pod-2"})
        self.assertEqual(self.opened(SERVING.format("15m")), [("serving", *silent)])
        both = self.opened(SERVING.format("15m"), OUTAGES.format("pod", "15m"))
        self.assertEqual(both, [("outages", *silent)])
        both = self.opened(SERVING.format("15m"), OUTAGES.format("pod", "1h"))
        self.assertEqual(both, [("serving", *silent)])
        both = self.opened(SERVING.format("15m"), OUTAGES.format("zone", "15m"))
        self.assertEqual(both, [("serving", *silent)])

    def test_slice(self):
        """What is no partition and no producer is the outage detector's where there is one."""
        lost = lambda hour, _, zone: 106 <= hour < 112 and zone == "east"
        self.file("requests.jsonl", traffic(6, lost))
        both = self.opened(SERVING.format("15m"), OUTAGES.format("pod, zone", "15m"))
        self.assertIn(("outages", "outage.silence", {"zone": "east"}), both)
        self.assertNotIn("serving", [detector for detector, *_ in both])
        sliced = SERVING.replace("stream: requests,", "stream: requests, by: [zone],").format("15m")
        silent = ("outage.silence", {"zone": "east"})
        self.assertEqual(self.opened(sliced), [("serving", *silent)])
        both = self.opened(sliced, OUTAGES.format("zone", "15m"))
        self.assertEqual(both, [("outages", *silent)])

    def test_nothing(self):
        self.file("requests.jsonl", traffic(10))
        detectors = [SERVING.format("5m"), OUTAGES.format("pod, zone", "15m")]
        self.assertEqual(self.opened(*detectors), [])


REQUESTS = """\
version: 1
app: serving
streams:
  requests:
    topic: requests
    format: json
    time: at
    fields:
      at:     {{type: long}}
      took:   {{type: double, role: latency, unit: ms}}
      status: {{type: {status}, role: status}}
      calls:  {{type: string}}
      pod:    {{type: string, role: host}}
alerts: {{topic: alerts}}
detectors:
  serving: {{type: operations, stream: requests, window: {{size: 1m}}, repeat: 30d{options}}}
"""


class Requests(Program):
    """A service that answers a request every second."""

    def played(self, options="", status="int", bad=503, good=200, hours=12, fault=lambda *_: None):
        source = random.Random(5)
        rows = []
        for second in range(hours * 3600):
            row = {"at": MONDAY + 1000 * second, "took": source.lognormvariate(4, 0.4),
                   "calls": source.choice(["features", "ledger"]),
                   "pod": f"pod-{source.randrange(4)}"}  # fmt: skip
            row["status"] = bad if source.random() < 0.003 else good
            if 10 <= second / 3600 < 11:
                fault(row, source.random())
            rows.append(json.dumps(row) + "\n")
        self.file("requests.jsonl", "".join(rows))
        done = self.replay(REQUESTS.format(status=status, options=options), requests="requests.jsonl")
        self.assertEqual((done.code, done.err), (0, ""))
        opened = [alert for alert in done.alerts if alert["status"] == "open"]
        for alert in opened:
            since = (alert["opened_at"] - MONDAY) / 60_000
            self.assertTrue(600 <= since <= 610, alert)
        self.assertEqual(len(done.alerts), len({json.dumps(alert) for alert in done.alerts}))
        return opened

    def one(self, *arguments, **keywords):
        opened = self.played(*arguments, **keywords)
        self.assertEqual(len(opened), 1, [alert["summary"] for alert in opened])
        return opened[0]

    def test_nothing(self):
        options = ", latency_at_most: 250, errors_at_most: 1%, dependencies: [calls]"
        self.assertEqual(self.played(options, hours=30), [])

    def test_latency(self):
        def slow(row, chance):
            row["took"] *= 8 if chance < 0.3 else 1

        self.assertEqual(self.played(fault=slow), [])
        alert = self.one(", latency_at_most: 250", fault=slow)
        self.assertEqual((alert["kind"], alert["fields"]), ("operations.latency", ["took"]))
        self.assertIn("requests took over 250 ms in the last 5 min", alert["summary"])

    def test_errors(self):
        """A number, a word and a boolean."""
        for status, bad, good in (("int", 503, 200), ("string", "TimeoutError", "ok"),
                                  ("boolean", False, True)):  # fmt: skip
            def failing(row, chance, bad=bad):
                row["status"] = bad if chance < 0.2 else row["status"]

            alert = self.one(status=status, bad=bad, good=good, fault=failing)
            self.assertEqual((alert["kind"], alert["fields"]), ("operations.errors", ["status"]))
            self.assertIn("look at the service's log", alert["summary"])

    def test_host(self):
        def failing(row, chance):
            row["status"] = 500 if row["pod"] == "pod-3" and chance < 0.5 else row["status"]

        self.assertIn("are of pod pod-3: look there first", self.one(fault=failing)["summary"])

    def test_dependency(self):
        def failing(row, chance):
            row["status"] = 502 if row["calls"] == "ledger" and chance < 0.5 else row["status"]

        alert = self.one(", dependencies: [calls]", fault=failing)
        self.assertEqual((alert["kind"], alert["slice"]), ("operations.dependency", {"calls": "ledger"}))
        self.assertEqual(self.one(fault=failing)["kind"], "operations.errors")
        alert = self.one(", dependencies: status", fault=failing)
        self.assertEqual(alert["kind"], "operations.dependency")

    def test_options(self):
        """Said with file, line and column."""
        for option, fault in (
            ("dependencies: [upstreem]", "dependencies: stream 'requests' has no field 'upstreem'"),
            ("errors: [5xx, 599-500]", "errors: '599-500' is no value of a status"),
            ("burn_long: 1m, burn_short: 5m", "burn_long must be one to a hundred times burn_short"),
            ("latency_share: 20%", "latency_share"),
        ):
            path = self.file("weir.yaml", REQUESTS.format(status="int", options=f", {option}"))
            done = self.weir("check", path)
            self.assertEqual(done.returncode, 2, option)
            self.assertIn(fault, done.stderr + done.stdout)
            self.assertRegex(done.stderr + done.stdout, r"weir\.yaml:16:\d+: error: ")


if __name__ == "__main__":
    unittest.main()
