# SPDX-License-Identifier: Apache-2.0
"""Everything that threads of a member do at once: two workers, a second member that joins and
leaves, a configuration that takes over, pages that are asked for. Under ThreadSanitizer too."""

import re
import threading
import urllib.error
import urllib.request

import harness
from harness import wait_until
from members_test import Feed
from scenario import Scenario


class Pages(threading.Thread):
    """Asks for a member's pages until it is told to stop."""

    def __init__(self, member):
        super().__init__(daemon=True)
        port = re.search(r"listen: 127\.0\.0\.1:(\d+)", member.config_path.read_text())[1]
        self.url, self.answers, self.stopped = f"http://127.0.0.1:{port}", 0, threading.Event()

    def run(self):
        while not self.stopped.wait(0.05):
            for page in ("/metrics", "/healthz", "/"):
                try:
                    with urllib.request.urlopen(self.url + page, timeout=30) as answer:
                        self.answers += bool(answer.read())
                except (urllib.error.URLError, ConnectionError):  # not up yet, or going down
                    pass


class Threads(Scenario):
    def test_all_at_once(self):
        app = self.app(partitions=4)
        feed = Feed(app)
        first = app.start("a", more="workers: 2\n")
        pages = Pages(first)
        feed.start()
        pages.start()
        self.cluster.wait_members(app.group, app.topic, 1)
        feed.wait_more()
        second = app.start("b", more="workers: 2\n")
        self.cluster.wait_members(app.group, app.topic, 2)
        feed.wait_more()
        text = first.config_path.read_text()
        first.reload(text.replace("workers: 2", "workers: 3"))
        first.wait_log("the new configuration takes over")
        feed.wait_more()
        self.assertEqual(second.stop(60), 0, second.log()[-4000:])
        self.cluster.wait_members(app.group, app.topic, 1)
        feed.wait_more()
        feed.finish()
        app.wait_consumed()
        bad = app.offsets_of(lambda value: b"900.0" in value)
        wait_until(lambda: len(app.quarantined()) >= len(bad), "all bad records", 90)
        self.assertEqual(set(app.quarantined()), bad)
        self.assertGreater(pages.answers, 10)
        pages.stopped.set()
        pages.join()
        self.assertEqual(first.stop(60), 0, first.log()[-4000:])


if __name__ == "__main__":
    harness.main()
