# SPDX-License-Identifier: Apache-2.0
"""Memory does not grow with the records: bench/replay.py's replay, ten times as long. The bench
has the sizes of the promise (1 and 10 million); these are a fifth of them."""

import pathlib
import shutil
import subprocess
import unittest

from program import BUILD, Program

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
RECORDS = 200_000


class Memory(Program):
    def peak(self, records):
        self.make("records.avro", records, 1)
        peaks = []
        for _ in range(2):  # the less an allocator was unlucky
            done = self.replay((BENCH / "replay.yaml").read_text(), records="records.avro")
            self.assertEqual((done.code, done.err), (0, ""))
            self.assertEqual(done.stats["records"], records)
            peaks.append(done.stats["peak_rss_bytes"])
        return min(peaks)

    def make(self, name, records, seed):
        subprocess.run([BUILD / "bench" / "records", name, str(records), str(seed), "null"],
                       cwd=self.folder, check=True, stdout=subprocess.DEVNULL)  # fmt: skip

    def test_ten_times_the_records(self):
        self.make("training.avro", RECORDS // 4, 7)
        shutil.copy(BENCH / "replay.yaml", self.folder)
        done = self.weir("profile", "-q", "-c", "replay.yaml", "-s", "records",
                         "-i", "training.avro", "-o", "profile.avro")  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        one, ten = self.peak(RECORDS), self.peak(10 * RECORDS)
        print(f"peak memory {one / 2**20:.1f} MiB and {ten / 2**20:.1f} MiB, ratio {ten / one:.3f}")
        self.assertLess(ten / one, 1.05)


if __name__ == "__main__":
    unittest.main()
