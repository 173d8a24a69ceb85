# SPDX-License-Identifier: Apache-2.0
"""A change is there to stay: a person accepts it as the new calibration of the app that runs."""

import json
import random

import harness
from harness import run_weir, unique, wait_until
from scenario import Scenario, message, opened

MONDAY = 1_760_313_600_000  # 2025-10-13T00:00:00Z
HOUR = 3_600_000
DAYS = 3
AN_HOUR = 150  # records

DRIFT = """\
  inputs:
    type: drift
    stream: payments
    fields: [amount]
    reference: first
    window: {size: 1h, lateness: 0s}
    minimum: 50
references:
  first: {from: 2025-10-13T00:00:00Z, to: 2025-10-14T00:00:00Z}
calibration: {last: 3d}
false_alarms: {at_most: 1, per: 3d}
"""


def utc(milliseconds):
    """To the second, as people are told."""
    return harness.rfc3339(milliseconds).replace(".000Z", "Z")


class Accept(Scenario):
    def feed(self, app, first, end, level):
        """Hours [first, end) of payments around that amount."""
        draw = random.Random(first)
        app.produce(
            message({"id": f"{hour}.{i}", "at": MONDAY + hour * HOUR + i * HOUR // AN_HOUR,
                     "amount": min(max(draw.gauss(level, 5), 0), 100), "route": "app"})
            for hour in range(first, end) for i in range(AN_HOUR)
        )  # fmt: skip
        app.wait_consumed()
        self.cluster.wait_settled(app.group, f"weir.{app.app}.partials")

    def drifts(self, app, status="open"):
        if not self.cluster.partitions(app.alerts):
            return []
        return [a for a in self.cluster.read_json(app.alerts)
                if a["kind"].startswith("drift.") and a["status"] == status]  # fmt: skip

    def calibrate(self, path, *more, code=0):
        done = run_weir("check", path, "--calibrate", *more, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def standing(self, path, is_there=True):
        done = run_weir("check", path, "--calibrate", "--json", check=False)
        self.assertTrue(done.stdout or not is_there, done.stderr)
        return json.loads(done.stdout)["detectors"]["inputs"] if done.stdout else {}

    def test_a_lasting_change_is_accepted_and_stays_so(self):
        app = self.app()
        path = app.folder / "accept.yaml"
        path.write_text(app.config(more=DRIFT))
        member = app.start(more=DRIFT)
        change = DAYS * 24 + 2
        until = change + DAYS * 24
        self.feed(app, 0, change, 40)
        member.wait_log("inputs: calibration of 2025-10-13..2025-10-16 is whole and frozen")
        self.feed(app, change, until + 1, 50)  # the last window stays open
        alerts = self.cluster.wait_alerts(app.alerts, lambda found: opened(found, "drift.feature"))
        (alert,) = opened(alerts, "drift.feature")
        self.assertEqual(alert["window"]["start"], MONDAY + change * HOUR)
        self.assertIn("3 days of calibration, 2025-10-13..2025-10-16)", alert["summary"])
        line = next(line for line in alert["evidence"] if line["type"] == "calibration")
        self.assertEqual(line["after"], "automatic")

        # A snapshot that knows of all windows.
        newest = utc(MONDAY + until * HOUR)
        wait_until(lambda: (self.standing(path, False).get("kept") or {}).get("to") == newest,
                   "the state to have every window")  # fmt: skip
        found = self.standing(path)
        self.assertEqual(found["in_force"]["origin"], "automatic")
        self.assertEqual(found["stretch"],
                         {"from": utc(MONDAY + change * HOUR), "to": newest})  # fmt: skip
        self.assertTrue(found["gives"]["calibrated"])
        self.assertGreater(found["gives"]["threshold"], 0)
        self.assertIn("amount", found["gives"]["fields"])

        # What cannot be is refused before anything is written.
        before = self.cluster.end_offsets(f"weir.{app.app}.partials")
        done = self.calibrate(path, "--from", "2025-10-18T22:00:00Z", "--accept", code=1)
        self.assertIn("nothing is accepted", done.stderr)
        done = self.calibrate(path, "--from", "2025-01-01T00:00:00Z", code=1)
        self.assertIn("windows are kept from", done.stdout)
        done = self.calibrate(path, "--detector", "contract", code=1)
        self.assertIn("--detector contract", done.stderr)
        self.assertEqual(self.cluster.end_offsets(f"weir.{app.app}.partials"), before)

        done = self.calibrate(path, "--accept")
        self.assertIn("in force: 2025-10-13T00:00:00Z to 2025-10-16T00:00:00Z, automatic",
                      done.stdout)  # fmt: skip
        self.assertIn("accepted\n", done.stdout)
        member.wait_log("inputs: calibration of 2025-10-16..2025-10-19 accepted")
        self.assertEqual(self.standing(path)["in_force"]["origin"], "accepted")

        # The level is usual then. Restarts keep it, whatever their way, and nothing is said twice.
        member.kill()
        member = app.start(more=DRIFT)
        self.feed(app, until + 1, until + 7, 50)
        self.assertEqual(member.stop(), 0)
        done = self.calibrate(path, "--accept", code=1)
        self.assertIn("is not running", done.stderr)
        again = app.start(more=DRIFT)
        self.feed(app, until + 7, until + 13, 50)
        wait_until(lambda: self.drifts(app, "resolved"), "the incident to be over")
        self.assertEqual(len(self.drifts(app)), 1)
        self.assertEqual(self.standing(path)["in_force"]["origin"], "accepted")
        self.assertEqual(again.log().count("calibration of"), 2)

        # And the old one is not.
        back = until + 13
        self.feed(app, back, back + 5, 40)
        wait_until(lambda: len(self.drifts(app)) > 1, "the old level to be an alert")
        alert = self.drifts(app)[1]
        self.assertEqual(alert["window"]["start"], MONDAY + back * HOUR)
        line = next(line for line in alert["evidence"] if line["type"] == "calibration")
        self.assertRegex(line["after"], r"^accepted 20\d\d-")
        self.assertRegex(alert["summary"], r"2025-10-16\.\.2025-10-19, accepted 20\d\d-")

    def test_an_app_that_never_ran_says_so(self):
        app = self.app()
        path = app.folder / "never.yaml"
        path.write_text(app.config(more=DRIFT).replace(f"app: {app.app}", f"app: {unique('never')}"))
        done = self.calibrate(path, "--accept", code=1)
        self.assertIn("there is no topic weir.never-", done.stderr)


if __name__ == "__main__":
    harness.main()
