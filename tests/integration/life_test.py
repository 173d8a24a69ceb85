# SPDX-License-Identifier: Apache-2.0
"""A member's life: it takes a new configuration, refuses a wrong one, stops within seconds."""

import time

import harness
from harness import run_weir, wait_until
from scenario import START, STEP, Scenario, message, opened, payment


class Life(Scenario):
    def feed(self, app, first, amount):
        """Sixty records; every tenth from the fifth on has that amount."""
        app.produce(message(payment(n, amount=amount if n % 10 == 5 else 1.0))
                    for n in range(first, first + 60))  # fmt: skip
        app.wait_consumed()

    def test_a_valid_configuration_takes_over_and_an_invalid_one_is_refused(self):
        app = self.app()
        member = app.start()
        self.feed(app, 0, 80.0)
        member.reload(app.config().replace("type: schema", "tipe: schema"))
        member.wait_log("tipe")
        member.wait_log("the new configuration is refused; the old one goes on")
        self.feed(app, 60, 80.0)
        self.assertEqual(app.quarantined(), {})
        member.reload(app.config(limit=50))
        member.wait_log("the new configuration takes over")
        self.feed(app, 120, 80.0)
        expected = {(0, n) for n in range(125, 180, 10)}
        wait_until(lambda: set(app.quarantined()) >= expected, "the narrower range to hold")
        self.assertEqual(set(app.quarantined()), expected)
        self.assertTrue(member.running)

    def test_a_reload_keeps_the_state_of_what_did_not_change(self):
        app = self.app()
        member = app.start()
        self.feed(app, 0, 900.0)
        member.reload(app.config(more="  more: {type: outage, stream: payments}"))
        member.wait_log("the new configuration takes over")
        self.feed(app, 60, 900.0)
        # Quiet for longer than an incident waits.
        app.produce(message(payment(n)) for n in range(120, 800))

        def incident(found):
            # Windows that have another detector now are told as incomplete, as they should be.
            return [a for a in found if a["kind"] == "schema.range"]

        alerts = incident(self.cluster.wait_alerts(
            app.alerts, lambda found: any(a["status"] == "resolved" for a in incident(found))
        ))  # fmt: skip
        self.assertEqual({a["fingerprint"] for a in alerts}, {alerts[0]["fingerprint"]})
        self.assertEqual([a["sequence"] for a in alerts], list(range(1, len(alerts) + 1)))
        self.assertEqual([a["status"] for a in alerts].count("open"), 1)
        self.assertEqual((alerts[-1]["status"], alerts[-1]["occurrences"]), ("resolved", 12))
        self.assertEqual(len(app.quarantined()), 12)

    def test_a_window_of_two_configurations_is_not_judged(self):
        """What the old one had summarised of it is gone: little of the window is left."""
        app = self.app()
        outages = "  outages: {{type: outage, stream: payments, window: {{size: 1m, lateness: 5s}}{by}}}"
        member = app.start(more=outages.format(by=""))
        steady = [message(payment(n)) for n in range(3000)]
        app.produce(steady[:1875])  # windows begin at the 20th second
        app.wait_consumed()
        # What no merger has looked at yet would be of two configurations as well.
        self.cluster.wait_settled(app.group, f"weir.{app.app}.partials")
        member.reload(app.config(more=outages.format(by=", by: [route]")))
        member.wait_log("the new configuration takes over")
        member.wait_log("restored at offset 1875")
        app.produce(steady[1875:2500])
        app.wait_consumed()
        alerts = self.cluster.wait_alerts(app.alerts, lambda found: opened(found, "weir.incomplete"))
        (incomplete,) = opened(alerts, "weir.incomplete")
        self.assertEqual(incomplete["window"]["start"], START + 1820 * STEP)
        app.produce(steady[2500:])
        app.produce([message(payment(n)) for n in range(7000, 7010)])  # an outage, now
        alerts = self.cluster.wait_alerts(
            app.alerts, lambda found: opened(found, "outage.silence")
        )
        self.assertEqual(len(opened(alerts, "weir.incomplete")), 1)
        for alert in alerts:
            if alert["kind"].startswith("outage."):
                self.assertGreaterEqual(alert["window"]["start"], START + 2900 * STEP)

    def test_it_stops_within_seconds_and_goes_on_where_it_was(self):
        app = self.app()
        member = app.start()
        self.feed(app, 0, 900.0)
        began = time.monotonic()
        self.assertEqual(member.stop(), 0)
        self.assertLess(time.monotonic() - began, 20)
        app.produce(message(payment(n, amount=900.0 if n == 65 else 1.0)) for n in range(60, 120))
        app.start("a")
        app.wait_consumed()
        wait_until(lambda: len(app.quarantined()) >= 7, "all bad records")
        self.assertEqual(set(app.quarantined()), {(0, n) for n in (5, 15, 25, 35, 45, 55, 65)})

    def test_a_wrong_configuration_does_not_start(self):
        app = self.app()
        path = app.folder / "wrong.yaml"
        path.write_text(app.config().replace("range: [0, 100]", "range: [100, 0]"))
        done = run_weir("run", "-c", path, check=False, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{path}:", done.stderr)


if __name__ == "__main__":
    harness.main()
