# SPDX-License-Identifier: Apache-2.0
"""The payments stream on a cluster is the one in the files."""

import collections
import pathlib
import tempfile
import unittest

import harness
from harness import Cluster, run_weir, unique


class Generate(unittest.TestCase):
    def test_files_and_topics_hold_the_same(self):
        cluster = Cluster(harness.shared_servers()[0])
        prefix = unique("generate") + "."
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            common = ["--weeks", 2, "--rate", 40, "--partitions", 3]
            run_weir("generate", *common, "--output", f"transactions={folder}/t",
                     "--output", f"labels={folder}/l")  # fmt: skip
            run_weir("generate", *common, "--bootstrap", cluster.bootstrap,
                     "--topic-prefix", prefix)  # fmt: skip
            for stream, name in (("t", "features"), ("l", "labels")):
                messages = cluster.read(prefix + name)
                lines = (folder / stream).read_bytes().splitlines()
                self.assertEqual(len(messages), len(lines))
                self.assertEqual(sorted(m.value() for m in messages), sorted(lines))
                self.assertEqual({m.partition() for m in messages}, {0, 1, 2})
                stamps = collections.defaultdict(list)
                for message in messages:
                    stamps[message.partition()].append(message.timestamp()[1])
                for found in stamps.values():
                    self.assertEqual(found, sorted(found))
                first = messages[0]
                self.assertIn(first.key().decode(), first.value().decode())

    def test_too_few_partitions_are_told(self):
        cluster = Cluster(harness.shared_servers()[0])
        prefix = unique("narrow") + "."
        cluster.create_topic(prefix + "features", partitions=1)
        done = run_weir("generate", "--weeks", 0.01, "--partitions", 2, "--topic-prefix", prefix,
                        "--bootstrap", cluster.bootstrap, check=False)  # fmt: skip
        self.assertEqual(done.returncode, 1)
        self.assertIn("has 1 partitions", done.stderr)


if __name__ == "__main__":
    harness.main()
