#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drift against references that are made of the stream itself."""

import csv
import io
import json
import random
import unittest

import program

HOUR = 3_600_000
MONDAY = 1_760_313_600_000  # 2025-10-13T00:00:00Z

CONFIG = """
version: 1
app: references
streams:
  s:
    format: csv
    time: at
    fields:
      at: {type: long}
      amount: {type: double}
      country: {type: string, values: [US, DE, JP]}
      model: {type: string, role: model_version}
      route: {type: string, role: slice}
references:
  prev: {previous: 24}
  season: {same_hour: 2w}
  fixed: {from: 2025-10-13T00:00:00Z, to: 2025-10-15T00:00:00Z}
  never: {from: 2025-10-11T00:00:00Z, to: 2025-10-12T00:00:00Z}
  champion: {model: v1}
  web: {slice: {route: web}}
detectors:
  d: {type: drift, stream: s, fields: [amount, country], reference: %s, window: {size: 1h, lateness: 0s}}
"""


def rows(hours, per_hour=300, change=None, seed=1, rhythm=0.0):
    """Payments, perhaps with a daily rhythm; change(hour, row) edits a row in place."""
    draw = random.Random(seed)
    out = io.StringIO()
    write = csv.writer(out)
    write.writerow(["at", "amount", "country", "model", "route"])
    for hour in range(hours):
        for i in range(per_hour):
            row = {
                "amount": draw.lognormvariate(3 + rhythm * (8 <= hour % 24 < 20), 0.5),
                "country": draw.choices(["US", "DE", "JP"], [5, 3, 2])[0],
                "model": draw.choice(["v1", "v2"]),
                "route": draw.choice(["web", "app"]),
            }
            if change:
                change(hour, row)
            at = MONDAY + hour * HOUR + i * HOUR // per_hour
            write.writerow([at, f"{row['amount']:.6g}", *list(row.values())[1:]])
    return out.getvalue()


def shifted(hour, row):
    """Twice the amount, from some hour on."""
    if hour >= shifted.since:
        row["amount"] *= 2


class ReferencesTest(program.Program):
    def judge(self, reference, data, *options, config=CONFIG):
        done = self.replay(config % reference, *options, s=self.file("s.csv", data))
        self.assertEqual(done.code, 0, done.err)
        return [alert for alert in done.alerts if alert["status"] == "open"]

    def hour(self, alert):
        return (alert["window"]["start"] - MONDAY) // HOUR

    def test_a_fixed_stretch(self):
        shifted.since = 60
        data = rows(66, change=shifted)
        # By its own windows of two days, and where nothing is to be calibrated by the stretch.
        alerts = self.judge("fixed", data)
        self.assertEqual([self.hour(alert) for alert in alerts], [60])
        self.assertIn("what is usual at this hour (2 days of calibration, 2025-", alerts[0]["summary"])
        self.assertTrue(alerts[0]["provisional"])
        alerts = self.judge("fixed", data, config=CONFIG + "calibration: none\n")
        self.assertEqual([self.hour(alert) for alert in alerts], [60])
        self.assertIn("amount moved", alerts[0]["summary"])
        self.assertIn("against fixed", alerts[0]["summary"])

    def test_a_stretch_that_never_comes_is_told(self):
        alerts = self.judge("never", rows(5))
        self.assertEqual([alert["kind"] for alert in alerts], ["weir.incomplete"])
        self.assertIn("never is empty", alerts[0]["summary"])

    def test_previous_windows(self):
        shifted.since = 80
        alerts = self.judge("prev", rows(82, change=shifted))
        self.assertEqual([self.hour(alert) for alert in alerts], [80])

    def test_previous_windows_of_a_day_with_a_rhythm(self):
        self.assertEqual(self.judge("prev", rows(24 * 6, rhythm=0.3)), [])

    def test_the_same_hour_of_earlier_weeks(self):
        shifted.since = 24 * 18 + 7
        alerts = self.judge("season", rows(24 * 18 + 9, 220, change=shifted, rhythm=0.5))
        self.assertEqual([self.hour(alert) for alert in alerts], [24 * 18 + 7])
        self.assertIn("against season", alerts[0]["summary"])

    def test_a_champion_and_its_challenger(self):
        def change(hour, row):
            if hour >= 3 and row["model"] == "v2" and row["country"] == "US":
                row["country"] = "JP"

        alerts = self.judge("champion", rows(5, 1000, change=change))
        self.assertEqual([self.hour(alert) for alert in alerts], [3])
        self.assertEqual(alerts[0]["slice"], {"model": "v2"})
        self.assertIn("In model v2: country moved", alerts[0]["summary"])
        self.assertIn("against champion", alerts[0]["summary"])

    def test_a_champion_that_is_gone_is_told(self):
        alerts = self.judge("champion", rows(3, 1000, lambda _, row: row.update(model="v2")))
        self.assertEqual([alert["kind"] for alert in alerts], ["weir.incomplete"])
        self.assertIn("champion has fewer than 200 records", alerts[0]["summary"])

    def test_a_slice_with_about_as_many_records_as_are_needed_is_told_once(self):
        draw = random.Random(5)

        def change(hour, row):
            row["route"] = "web" if draw.random() < (0.5 if hour < 30 else 0.9) else "app"

        data = rows(36, 400, change)
        done = self.replay(CONFIG % "web", s=self.file("s.csv", data))
        self.assertEqual(done.code, 0, done.err)
        told = [alert for alert in done.alerts if alert["status"] != "update"]
        self.assertEqual([alert["kind"] for alert in told], ["weir.incomplete"] * 2)
        self.assertRegex(told[0]["summary"], r"web has fewer than 200 records in this window \(1\d\d\)")
        # Over once it has clearly enough for three windows.
        self.assertGreater(self.hour(told[1]), 25)

    def test_nights_with_few_records_or_none_do_not_end_an_incident(self):
        for night in (12, 0):
            for since in (36, 24 * 5 + 14):
                draw = random.Random(6)
                lines = ["at,amount,country,model,route"]
                for hour in range(24 * (3 + (since > 36) * 4)):
                    n = 300 if hour % 24 >= 7 else night
                    for i in range(n):
                        amount = draw.lognormvariate(3, 0.5) * (1.8 if hour >= since else 1)
                        at = MONDAY + hour * HOUR + i * HOUR // n
                        lines.append(f"{at},{amount:.6g},{draw.choice(['US', 'DE'])},v1,web")
                config = CONFIG.replace("10-15T00:00:00Z}", "10-14T00:00:00Z}")
                data = self.file("s.csv", "\n".join(lines) + "\n")
                done = self.replay(config % "fixed", s=data)
                self.assertEqual(done.code, 0, done.err)
                kinds = [(alert["status"], self.hour(alert)) for alert in done.alerts]
                kinds = [kind for kind in kinds if kind[0] != "update"]
                self.assertEqual(kinds, [("open", since)], (night, since))
                self.assertNotIn("drift.recurring", {alert["kind"] for alert in done.alerts})

    def test_another_slice_of_numbers_without_a_profile(self):
        def change(hour, row):
            if hour >= 3 and row["route"] == "app":
                row["amount"] *= 2

        alerts = self.judge("web", rows(5, 1000, change=change))
        self.assertEqual([self.hour(alert) for alert in alerts], [3])
        self.assertEqual(alerts[0]["slice"], {"route": "app"})
        self.assertIn("amount moved: median", alerts[0]["summary"])

    def test_several_at_once(self):
        shifted.since = 80
        alerts = self.judge("[fixed, prev, champion]", rows(83, change=shifted))
        moved = [alert for alert in alerts if self.hour(alert) >= 80]
        self.assertEqual(len(moved), 1)

    def test_a_calibrated_threshold(self):
        calibrated = CONFIG + "calibration: {last: 3d}\nfalse_alarms: {at_most: 10, per: 30d}\n"
        shifted.since = 100
        data = rows(106, change=shifted, rhythm=0.4)
        done = self.replay(calibrated % "fixed", s=self.file("s.csv", data))
        self.assertEqual(done.code, 0, done.err)
        late = [alert for alert in done.alerts if self.hour(alert) >= 72 + 24]
        self.assertEqual([self.hour(alert) for alert in late if alert["status"] == "open"], [100])
        alert = late[0]
        self.assertFalse(alert["provisional"])
        self.assertIn("amount moved: median", alert["summary"])
        self.assertIn("what is usual at this hour (3 days of calibration, 2025-10-13..2025-10-16)", alert["summary"])
        self.assertGreater(alert["statistic"]["value"], alert["statistic"]["threshold"])
        self.assertIn("confirmed", alert["evidence"][0]["after"])
        onset = next(line for line in alert["evidence"] if line["type"] == "onset")
        self.assertEqual(onset["field"], "amount")
        self.assertIn("since the window of 2025-10-17 04:00 UTC", onset["after"])
        # Three days do not keep one alarm in thirty: then it says so.
        calibrated = calibrated.replace("at_most: 10", "at_most: 1")
        done = self.replay(calibrated % "fixed", s=self.file("s.csv", data))
        late = [alert for alert in done.alerts if self.hour(alert) >= 100]
        self.assertTrue(late[0]["provisional"])

    def test_what_was_not_healthy_is_left_out_of_a_calibration(self):
        def change(hour, row):
            if 20 <= hour < 30 or hour >= 110:
                row["amount"] *= 1.6

        calibrated = (
            CONFIG % "fixed"
            + "calibration: {last: 3d%s}\nfalse_alarms: {at_most: 10, per: 30d}\n"
        )
        exclude = ", exclude: [{from: 2025-10-13T20:00:00Z, to: 2025-10-14T06:00:00Z}]"
        data = rows(114, change=change, rhythm=0.4)
        found = {}
        for said in ("", exclude):
            done = self.replay(calibrated % said, s=self.file("s.csv", data))
            self.assertEqual(done.code, 0, done.err)
            found[said] = [
                alert
                for alert in done.alerts
                if self.hour(alert) >= 110 and alert["status"] == "open"
            ]
        # With the bad hours in it ten hours are usual at which nothing is.
        self.assertEqual([self.hour(alert) for alert in found[exclude]], [110])
        self.assertIn("(3 days of calibration, 2025-", found[exclude][0]["summary"])
        with_them = [alert["statistic"]["threshold"] for alert in found[""]]
        self.assertTrue(not with_them or with_them[0] > found[exclude][0]["statistic"]["threshold"])
        for wrong, said in (
            ("exclude: [{from: 2025-10-13T20:00:00Z}]", "to"),
            ("exclude: [{from: 2025-10-13T20:00:00Z, to: 2025-10-13T19:00:00Z}]", "after `from`"),
            ("exclude: 3", "list"),
        ):
            done = self.replay(calibrated % f", {wrong}", s=self.file("s.csv", data))
            self.assertEqual(done.code, 2)
            self.assertIn(said, done.err)

    def test_calibrated_by_the_panes_of_a_profile(self):
        shifted.since = 100
        data = rows(104, change=shifted, rhythm=0.4)
        head, *lines = data.splitlines(keepends=True)
        days = self.file("days.csv", head + "".join(lines[: 72 * 300]))
        later = self.file("later.csv", head + "".join(lines[72 * 300 :]))
        profile = str(self.folder / "days.avro")
        config = CONFIG.replace("  prev: {", f"  days: {{profile: {profile}}}\n  prev: {{")
        config += f"calibration: {{profile: {profile}}}\n"
        config += "false_alarms: {at_most: 10, per: 30d}\n"
        path = self.file("weir.yaml", config % "days")
        done = self.weir("profile", "-c", path, "-s", "s", "-i", days, "-o", profile)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.replay(config % "days", s=later)
        self.assertEqual(done.code, 0, done.err)
        opened = [alert for alert in done.alerts if alert["status"] == "open"]
        self.assertEqual([self.hour(alert) for alert in opened], [100], opened)
        self.assertFalse(opened[0]["provisional"])
        self.assertIn("(3 days of calibration, 2025-", opened[0]["summary"])
        # Past windows are no part of it.
        done = self.replay(config % "prev", s=later)
        self.assertNotEqual(done.code, 0)
        self.assertIn("say calibration.last instead", done.err)
        # Nor are windows that panes do not make up.
        done = self.replay(config.replace("size: 1h", "size: 90m") % "days", s=later)
        self.assertNotEqual(done.code, 0)
        self.assertIn("is no multiple of that", done.err)

    def test_forty_fields_are_one_incident(self):
        names = [f"x{i}" for i in range(40)]
        draw = random.Random(3)
        lines = [",".join(["at", *names])]
        for hour in range(40):
            for i in range(220):
                cause = 1.5 if hour >= 36 else 0  # one upstream cause
                at = MONDAY + hour * HOUR + i * HOUR // 220
                values = (draw.gauss(cause * (1 + k / 40), 1) for k in range(40))
                lines.append(",".join([str(at), *(f"{value:.4g}" for value in values)]))
        fields = "\n".join(f"      {name}: {{type: double}}" for name in names)
        config = f"""
version: 1
app: forty
streams:
  s:
    format: csv
    time: at
    fields:
      at: {{type: long}}
{fields}
references: {{prev: {{previous: 24}}}}
detectors:
  d: {{type: drift, stream: s, reference: prev, window: {{size: 1h, lateness: 0s}}}}
"""
        done = self.replay(config, s=self.file("s.csv", "\n".join(lines) + "\n"))
        self.assertEqual(done.code, 0, done.err)
        opened = [alert for alert in done.alerts if alert["status"] == "open"]
        self.assertEqual([self.hour(alert) for alert in opened], [36])
        evidence = [line for line in opened[0]["evidence"] if line["type"] == "field"]
        self.assertEqual({line["field"] for line in evidence}, set(names))
        self.assertEqual(evidence[0]["field"], opened[0]["fields"][0])
        self.assertIn("and 35 more", opened[0]["summary"])
        self.assertAlmostEqual(sum(line["contribution"] for line in evidence), 1, 6)

    def test_what_a_calibration_promises(self):
        calibrated = CONFIG + "calibration: {last: 3d}\nfalse_alarms: {at_most: 10, per: 30d}\n"
        shifted.since = 1000
        data = self.file("s.csv", rows(74, change=shifted, rhythm=0.4))
        path = self.file("weir.yaml", calibrated % "fixed")
        done = self.weir("check", path, "--calibrate", "-i", f"s={data}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("calibrated on 3 days; the budget needs 3\n", done.stdout)
        self.assertIn("keeps the budget", done.stdout)
        # Smallest shift in half and in nine of ten windows; how soon 1, 1.5 and 2 times delta is
        # found, and by charts.
        self.assertRegex(
            done.stdout,
            r"amount +0\.\d+ sd +[01](\.\d+)? sd +[\d-]+ / [\d-]+ / [\d-]+ +[\d-]+ / [\d-]+",
        )
        self.assertIn("budget: 10 false incidents in 30 days", done.stdout)
        done = self.weir("check", path, "--calibrate", "--json", "-i", f"s={data}")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)["detectors"]["d"]
        self.assertEqual(
            (told["calibrated"], told["keeps_budget"], told["days"], told["days_needed"]),
            (True, True, 3, 3),
        )
        self.assertEqual((told["allowed"], told["period_days"], told["delta"]), (10, 30, 0.2))
        amount = told["fields"]["amount"]
        self.assertLessEqual(amount["smallest_shift"], amount["smallest_shift_9_in_10"])
        delays = [amount["windows_by_delta"][by] for by in ("1", "1.5", "2")]
        self.assertEqual(delays, sorted(delays, reverse=True))
        slow = amount["windows_by_delta_slow"]
        self.assertTrue(all(slow[by] is None or slow[by] >= 6 for by in ("1", "1.5", "2")))
        path = self.file("weir.yaml", (calibrated % "fixed").replace("last: 3d", "last: 4d"))
        done = self.weir("check", path, "--calibrate", "-i", f"s={data}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("there are 3.08 of 4 days", done.stdout)
        self.assertIn("too early for the budget: the rate that these days can keep is", done.stdout)
        self.assertRegex(done.stdout, r"amount +0\.\d+ sd")
        done = self.weir("check", path, "--calibrate", "--json", "-i", f"s={data}")
        self.assertEqual(done.returncode, 1)
        told = json.loads(done.stdout)["detectors"]["d"]
        self.assertEqual((told["calibrated"], told["keeps_budget"]), (False, False))
        self.assertGreater(told["false_incidents"], 0)
        self.assertEqual(list(json.loads(done.stdout)["false_alarms"]["detectors"]), ["d"])
        done = self.weir("check", path, "--json", "--connect")
        self.assertEqual(done.returncode, 2)
        done = self.weir("check", path, "--calibrate", "--accept", "-i", f"s={data}")
        self.assertEqual(done.returncode, 2)

    def test_fields_that_a_calibration_cannot_judge_are_told(self):
        draw = random.Random(4)
        lines = ["at,amount,count,constant,empty,rare,seldom,code"]
        for hour in range(74):
            for i in range(240):
                rare = f"{draw.gauss(0, 1):.4g}" if i < 60 else ""
                seldom = f"{draw.gauss(0, 1):.4g}" if i < 5 else ""
                at = MONDAY + hour * HOUR + i * HOUR // 240
                count = draw.choice("012")
                amount = draw.lognormvariate(3, 0.5)
                lines.append(f"{at},{amount:.6g},{count},7,,{rare},{seldom},a")
        config = """
version: 1
app: unjudged
streams:
  s:
    format: csv
    time: at
    fields:
      at: {type: long}
      amount: {type: double}
      count: {type: long}
      constant: {type: double}
      empty: {type: double, nullable: true}
      rare: {type: double, nullable: true}
      seldom: {type: double, nullable: true}
      code: {type: string, values: [a, b]}
references: {fixed: {from: 2025-10-13T00:00:00Z, to: 2025-10-15T00:00:00Z}}
detectors:
  d: {type: drift, stream: s, reference: fixed, window: {size: 1h, lateness: 0s}}
calibration: {last: 3d}
false_alarms: {at_most: 10, per: 30d}
"""
        path = self.file("weir.yaml", config)
        data = self.file("s.csv", "\n".join(lines) + "\n")
        done = self.weir("check", path, "--calibrate", "-i", f"s={data}")
        self.assertEqual(done.returncode, 0, done.stderr)
        judged, unjudged = done.stdout.split("fields whose distribution is not judged\n")
        self.assertRegex(judged, r"\n  amount +0\.\d+ sd")
        for name in ("constant", "empty", "rare", "seldom", "code"):
            self.assertNotIn(f"  {name} ", judged)
        self.assertRegex(unjudged, r"  constant +it is constant")
        self.assertRegex(unjudged, r"  code +it is constant")
        self.assertRegex(unjudged, r"  empty +it had no values")
        self.assertRegex(unjudged, r"  rare +at most 60 values in a window, and `minimum` is 200")
        self.assertRegex(unjudged, r"  seldom +it had too few values to cut cells from")
        done = self.weir("check", path, "--calibrate", "--json", "-i", f"s={data}")
        told = json.loads(done.stdout)["detectors"]["d"]
        self.assertEqual(list(told["fields"]), ["amount", "count"])
        # Three values and nothing beyond: what is shifted stays among them.
        self.assertGreater(told["fields"]["count"]["smallest_shift"], 0.1)
        reasons = {name: why["reason"] for name, why in told["not_judged"].items()}
        self.assertEqual(
            reasons,
            {
                "constant": "constant",
                "empty": "no_values",
                "rare": "few",
                "seldom": "few_to_cut",
                "code": "constant",
            },
        )

    def test_the_budget_is_shared_out(self):
        config = (
            CONFIG % "prev"
            + "  silent: {type: outage, stream: s, window: {size: 5m}}\n"
            + "  ops: {type: operations, stream: s, window: {size: 5m}%s}\n"
            + "  form: {type: schema, stream: s}\n"
            + "false_alarms: {at_most: 3, per: 10d}\n"
        )
        path = self.file("weir.yaml", config % "")
        done = self.weir("check", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("false alarms: at most 3 in 10 days, of which\n", done.stdout)
        self.assertIn("\n  d      1.6 (53.3%)\n  silent 1.2 (40%)\n  ops    0.2 (6.67%)\n", done.stdout)
        self.assertNotIn("form", done.stdout)
        path = self.file("weir.yaml", config % ", false_alarms: 0.3")
        done = self.weir("check", path)
        self.assertIn(
            "added to it: ops, which keeps to its own `false_alarms: 0.3` (in 30 days)", done.stdout
        )
        told = json.loads(self.weir("check", path, "--json").stdout)["false_alarms"]
        self.assertEqual((told["at_most"], told["per_days"]), (3, 10))
        self.assertEqual(told["own"], {"ops": {"false_alarms": 0.3}})
        self.assertEqual(sorted(told["detectors"]), ["d", "silent"])
        self.assertAlmostEqual(sum(part["share"] for part in told["detectors"].values()), 1, 5)
        self.assertAlmostEqual(sum(part["at_most"] for part in told["detectors"].values()), 3, 5)

    def test_other_detectors_refuse_them(self):
        config = CONFIG.replace("type: drift", "type: schema").replace("fields: [amount, country], ", "")
        done = self.replay(config % "prev", s=self.file("s.csv", rows(1)))
        self.assertNotEqual(done.code, 0)
        self.assertIn("schema compares with profiles only", done.err)

    def test_no_field_has_the_role(self):
        config = CONFIG.replace(", role: model_version", "")
        done = self.replay(config % "champion", s=self.file("s.csv", rows(1)))
        self.assertNotEqual(done.code, 0)
        self.assertIn("no field with the role model_version", done.err)


if __name__ == "__main__":
    unittest.main()
