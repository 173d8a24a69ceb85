#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two files row by row: what was served and what the offline pipeline computed, of equal key and
time; the cause of what differs, and records without a partner."""

import json
import random
import unittest

import program

HOUR = 3_600_000
USERS, HOURS = 100, 60

CONFIG = """
version: 1
app: skew
streams:
  served:
    topic: served
    format: json
    key: user
    time: at
    fields: {amount: {type: double}, score: {type: double}, country: {type: string}, visits: {type: long}}
  offline:
    topic: offline
    format: json
    key: user
    time: at
    fields: {amount: {type: double}, score: {type: double}, country: {type: string}, visits: {type: long}}
    join: {to: served, within: 2h}
detectors:
  rows: {type: skew, stream: served, with: offline, window: {size: 6h}}
"""


class Skew(program.Program):
    def write(self, change=lambda served, offline, hour, past: None, keep=lambda hour, user: True):
        """The two files: `change` spoils a served row, `keep` says which offline rows there are."""
        pick = random.Random(3)
        past = {}
        with (self.folder / "served").open("w") as served, (self.folder / "offline").open("w") as offline:
            for hour in range(HOURS):
                for user in range(USERS):
                    row = {
                        "user": f"u{user}", "at": program.START + hour * HOUR + user * 20_000,
                        "amount": pick.lognormvariate(3, 1), "score": pick.random(),
                        "country": pick.choice(["DE", "US", "JP"]), "visits": pick.randrange(40),
                    }  # fmt: skip
                    past.setdefault(user, []).append(row)
                    spoilt = dict(row)
                    change(spoilt, row, hour, past[user])
                    served.write(json.dumps(spoilt) + "\n")
                    if keep(hour, user):
                        offline.write(json.dumps(row) + "\n")

    def run_it(self, *options, config=CONFIG):
        for name in ("served", "offline"):
            (self.folder / name).rename(self.folder / f"{name}.jsonl")
        done = self.replay(config, *options, served="served.jsonl", offline="offline.jsonl")
        for name in ("served", "offline"):
            (self.folder / f"{name}.jsonl").rename(self.folder / name)
        self.assertEqual(done.code, 0, done.err)
        return done

    def test_alike(self):
        self.write()
        self.assertEqual(self.run_it().alerts, [])

    def test_causes(self):
        def change(served, offline, hour, past):
            if hour < 20:
                return
            served["amount"] = past[-7]["amount"] if int(served["user"][1:]) % 3 == 0 else served["amount"]
            served["score"] = round(served["score"], 3)
            served["country"] = served["country"].lower()
            served["visits"] = 0 if int(served["user"][1:]) % 10 == 0 else served["visits"]

        self.write(change)
        whole = self.run_it()
        (opening,) = [a for a in whole.alerts if a["status"] == "open"]
        self.assertEqual((opening["kind"], opening["stream"], opening["severity"]),
                         ("skew.row", "served+offline", "warning"))  # fmt: skip
        said = {e["field"]: e["after"] for e in whole.alerts[-1]["evidence"]}
        self.assertIn("of 6 hours before (100% of those)", said["amount"])
        self.assertIn("rounded to 3 decimals (100% of those)", said["score"])
        self.assertIn("pairs (100%): but for case and spaces the texts are the same (100% of those)", said["country"])
        self.assertIn("was served whatever the offline side has", said["visits"])
        # Whatever the batches, and however the two are declared.
        for batch in (1, 77, 1000):
            self.assertEqual(whole.text["alerts"], self.run_it("--batch", batch).text["alerts"])
        at = CONFIG.index("  offline:"), CONFIG.index("detectors:")
        turned = CONFIG[: at[0]].replace("  served:", CONFIG[at[0] : at[1]] + "  served:") + CONFIG[at[1] :]
        self.assertEqual(whole.text["alerts"], self.run_it(config=turned).text["alerts"])

    def test_slices(self):
        """Who serves what differs: of all that differs, and where the whole is within what is allowed."""
        by = CONFIG.replace("window: {size: 6h}", "by: [country, [country, visits]], window: {size: 6h}")

        def many(served, offline, hour, past):
            if served["country"] == "JP" and served["user"].endswith("1"):
                served["amount"] *= 100

        self.write(many)
        whole = self.run_it(config=by)
        (opening,) = [a for a in whole.alerts if a["status"] == "open"]
        said = [a for a in whole.alerts if ", nearly all of them where country = JP (" in a["summary"]]
        (slice_of,) = [e for e in said[0]["evidence"] if e["type"] == "slice"]
        self.assertEqual(slice_of["slice"], {"country": "JP"})
        self.assertEqual((opening["kind"], opening["fields"]), ("skew.row", ["amount"]))
        self.assertEqual(whole.text["alerts"], self.run_it("--batch", 77, config=by).text["alerts"])

        def few(served, offline, hour, past):
            if served["country"] == "JP" and served["user"][-1] in "12" and hour % 3 == 0:
                served["amount"] *= 100

        self.write(few)
        loose = by.replace("by:", "mismatch: 3%, by:").replace("size: 6h", "size: 30h")
        (opening,) = [a for a in self.run_it(config=loose).alerts if a["status"] == "open"]
        self.assertEqual((opening["rule"], opening["slice"], opening["fields"]),
                         ("rows", {"country": "JP"}, ["amount"]))  # fmt: skip
        self.assertIn("where country = JP, in ", opening["summary"])
        self.write()
        self.assertEqual(self.run_it(config=by).alerts, [])

    def test_partners(self):
        self.write(keep=lambda hour, user: hour < 20 or user % 10)
        (opening,) = [a for a in self.run_it().alerts if a["status"] == "open"]
        self.assertEqual(opening["rule"], "unpaired_served")
        self.assertIn("of 600 records of served (", opening["summary"])
        self.assertIn("see whether the offline pipeline misses records or is behind", opening["summary"])
        # Silence, too, is told, once it has lasted for `within`; the file's end is none.
        self.write(keep=lambda hour, user: hour < 30 or hour == HOURS - 1)
        opened = [a for a in self.run_it().alerts if a["status"] == "open"]
        self.assertEqual([a["rule"] for a in opened], ["unpaired_served"])
        self.write(keep=lambda hour, user: hour < HOURS - 1)
        self.assertEqual(self.run_it().alerts, [])

    def test_other_times(self):
        def change(served, offline, hour, past):
            served["at"] += 1500

        self.write(change)
        (opening,) = [a for a in self.run_it().alerts if a["status"] == "open" and a["rule"] == "unpaired_served"]
        self.assertIn("at other times", opening["summary"])
        apart = CONFIG.replace("with: offline,", "with: offline, apart: 2s,")
        self.assertEqual(self.run_it(config=apart).alerts, [])

    def test_out_of_order(self):
        self.write()
        rows = (self.folder / "offline").read_text().splitlines(keepends=True)
        rows.sort(key=lambda row: json.loads(row)["user"])  # as pipelines write them
        (self.folder / "offline").write_text("".join(rows))
        alerts = self.run_it().alerts
        self.assertEqual({a["rule"] for a in alerts}, {"unpaired_served"})
        # They come when the first windows have been judged.
        said = [a for a in alerts if "came later than `lateness` allows and were left out" in a["summary"]]
        self.assertTrue(said, alerts[-1]["summary"])

    def test_check(self):
        path = self.file("weir.yaml", CONFIG.replace("with: offline,", "with: offline, tolerance: ['amoun: 1%', 'x'],"))
        done = self.weir("check", path)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no field 'amoun' is compared; did you mean 'amount'?", done.stdout + done.stderr)
        self.assertIn("expected a tolerance as in", done.stdout + done.stderr)
        path = self.file("weir.yaml", CONFIG.replace("    join: {to: served, within: 2h}\n", ""))
        done = self.weir("check", path)
        self.assertIn("the stream offline does not join served: give it `join: {to: served", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
