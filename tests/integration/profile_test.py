# SPDX-License-Identifier: Apache-2.0
"""A stretch of a topic gives the profile that a file of the same records gives."""

import json
import re

import harness
from harness import rfc3339, run_weir
from scenario import START, STEP, Scenario, message, payment


def at(number):
    """The time of that payment."""
    return rfc3339(START + number * STEP)


class Profile(Scenario):
    def show(self, path):
        shown = json.loads(run_weir("show", path, "--json").stdout)
        for field in shown["fields"]:
            # Whether values rise is of the order in each partition, which a file has not.
            del field["meaning"], field["meaning_confidence"]
        return json.loads(re.sub(r'"(file|path|made_at)": *[^,}]*,?', "", json.dumps(shown)))

    def test_a_topic_range_equals_a_file(self):
        app = self.app(partitions=2)
        messages = [message(payment(n, amount=float(n % 97)), partition=n % 2) for n in range(4000)]
        app.produce(messages)
        config = app.folder / "weir.yaml"
        config.write_text(app.config())
        rows = app.folder / "rows.jsonl"
        rows.write_bytes(b"".join(m["value"] + b"\n" for m in messages[1000:3000]))
        common = ("-c", config, "-s", "payments", "--quiet")
        of_file, of_topic = app.folder / "file.avro", app.folder / "topic.avro"
        run_weir("profile", *common, "-i", rows, "-o", of_file)
        run_weir("profile", *common, "--from", at(1000), "--to", at(3000),
                 "-o", of_topic)  # fmt: skip
        self.assertEqual(self.show(of_topic), self.show(of_file))

        none = run_weir("profile", *common, "--from", at(9000), "-o", of_topic, check=False)
        self.assertEqual(none.returncode, 1)
        self.assertIn("no records in that time", none.stderr)


if __name__ == "__main__":
    harness.main()
