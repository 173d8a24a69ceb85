# SPDX-License-Identifier: Apache-2.0
"""Silence, which no record tells: it ends the windows of a live stream, and of no other."""

import time

import harness
from harness import wait_until
from scenario import Scenario, message, payment

WINDOWS = "outputs: {{windows: {{topic: {}.windows}}}}\ndefaults: {{window: {{size: 2s, lateness: 1s}}}}"
DAY = 86_400_000


class Silence(Scenario):
    def begin(self, newest):
        """An app whose two partitions got twenty records, the last at `newest`; its member."""
        app = self.app(partitions=2)
        member = app.start(more=WINDOWS.format(app.app))
        app.produce(
            message({**payment(n), "at": newest - (19 - n) * 1000}, partition=n % 2)
            for n in range(20)
        )
        return app, member

    def ends(self, app):
        topic = f"{app.app}.windows"
        read = self.cluster.read_json(topic) if self.cluster.partitions(topic) else []
        return [window["end"] for window in read]

    def test_silence_closes_the_windows_of_a_live_stream_only(self):
        now = int(time.time() * 1000)
        live, one = self.begin(now)
        past, other = self.begin(now - 10 * DAY)
        # Nothing but the clock can close the window that the newest record is in.
        wait_until(lambda: max(self.ends(live), default=0) > now, "the last window", 120)
        past.wait_consumed()
        self.assertLess(max(self.ends(past), default=0), now - 10 * DAY)
        self.assertEqual((one.stop(), other.stop()), (0, 0))

    def test_a_partition_that_falls_silent_does_not_hold_the_others(self):
        app, member = self.begin(1_700_000_000_000)
        wait_until(lambda: self.cluster.committed(app.group, app.topic) == {0: 10, 1: 10},
                   "the records to be read", 120)  # fmt: skip
        later = 1_700_000_000_000 + 60_000

        def closed():
            return max(self.ends(app), default=0) >= later - 2000

        def more():
            nonlocal later
            later += 1000
            app.produce([message({**payment(99), "at": later}, partition=0)])
            return closed()

        wait_until(more, "windows to close on one partition's records", 60, 0.3)
        self.assertEqual(member.stop(), 0)


if __name__ == "__main__":
    harness.main()
