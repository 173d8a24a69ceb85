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
        """What is no partition and no producer is the outage detector's alone."""
        lost = lambda hour, _, zone: 106 <= hour < 112 and zone == "east"
        self.file("requests.jsonl", traffic(6, lost))
        both = self.opened(SERVING.format("15m"), OUTAGES.format("pod, zone", "15m"))
        self.assertIn(("outages", "outage.silence", {"zone": "east"}), both)
        self.assertNotIn("serving", [detector for detector, *_ in both])

    def test_nothing(self):
        self.file("requests.jsonl", traffic(10))
        detectors = [SERVING.format("5m"), OUTAGES.format("pod, zone", "15m")]
        self.assertEqual(self.opened(*detectors), [])


if __name__ == "__main__":
    unittest.main()
