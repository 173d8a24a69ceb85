# SPDX-License-Identifier: Apache-2.0
"""The command line itself: every command's help, exit codes, and what is for terminals only."""

import os
import pty
import re
import subprocess

from program import START, WEIR, Program

CONFIG = """\
version: 1
app: commands
streams:
  s:
    topic: t
    format: json
    time: at
    fields:
      at: {type: long}
      amount: {type: double, range: [0, 10]}
alerts: {topic: a}
quarantine: {topic: q}
detectors:
  contract: {type: schema, stream: s}
"""


class Commands(Program):
    def setUp(self):
        super().setUp()
        self.config = self.file("weir.yaml", CONFIG)
        self.rows = self.file("s.jsonl", "".join(
            f'{{"at": {START + n * 1000}, "amount": {99 if n % 5 == 0 else 1}}}\n'
            for n in range(20000)))  # fmt: skip

    def replay(self, *more):
        return ("replay", "-c", self.config, "-i", f"s={self.rows}", *more)

    def test_every_command_has_help(self):
        listed = self.weir("--help")
        self.assertEqual(listed.returncode, 0)
        commands = re.findall(r"(?m)^  ([a-z]+)  +\S", listed.stdout)
        self.assertLessEqual({"run", "replay", "check", "profile", "compare", "show", "detectors",
                              "alerts", "demo", "generate"}, set(commands))  # fmt: skip
        for command in commands:
            done = self.weir(command, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), command)
            self.assertTrue(done.stdout.startswith(f"usage: weir {command}"), done.stdout)
            done = self.weir(command, "--nonsense")
            if command != "version":
                self.assertEqual((done.returncode, done.stdout), (2, ""), command)
                self.assertIn("nonsense", done.stderr)

    def test_exit_codes(self):
        self.assertEqual(self.weir().returncode, 2)
        self.assertEqual(self.weir("repaly").returncode, 2)
        self.assertEqual(self.weir("check", self.config).returncode, 0)
        self.assertEqual(self.weir("check", self.folder / "none.yaml").returncode, 2)
        self.assertEqual(self.weir(*self.replay("-q")).returncode, 0)
        self.assertEqual(self.weir(*self.replay("-q", "--fail-on", "info")).returncode, 3)
        self.rows.unlink()
        self.assertEqual(self.weir(*self.replay("-q")).returncode, 1)

    def on_terminal(self, *arguments, term="xterm"):
        """What it writes where standard output and error are a terminal."""
        master, slave = pty.openpty()
        child = subprocess.Popen([WEIR, *map(str, arguments)], stdin=slave, stdout=slave,
                                 stderr=slave, env={**os.environ, "TERM": term, "NO_COLOR": ""})  # fmt: skip
        os.close(slave)
        out = b""
        while True:
            try:
                some = os.read(master, 65536)
            except OSError:  # nobody has the other end any more
                break
            if not some:
                break
            out += some
        os.close(master)
        self.assertEqual(child.wait(60), 0)
        return out.decode()

    def test_caps_that_do_not_fit_into_the_memory(self):
        text = CONFIG.replace("amount: {", "route: {type: string, role: slice}\n      amount: {").replace(
            "stream: s}", "stream: s, duplicates: 1d, duplicate_keys: 100000000}"
        ) + "  silence: {type: outage, stream: s, by: [route]}\n"
        small = self.file("small.yaml", text + "limits: {memory: 64MiB}\n")
        done = self.weir("check", small)
        self.assertEqual(done.returncode, 0, done.stderr)  # it runs, within its limit
        for line, words in ((16, "limits.slices (10000) of its slices take"), (15, "for each partition")):
            self.assertRegex(done.stderr, rf"small.yaml:{line}:3: warning: detector .*{re.escape(words)}")
        self.assertEqual(done.stderr.count("limits.memory is 64 MiB"), 2)
        large = self.file("large.yaml", text + "limits: {memory: 8GiB}\n")
        self.assertEqual(self.weir("check", large).stderr, "")

    def test_colour_and_progress_are_for_terminals(self):
        shown = self.on_terminal(*self.replay())
        self.assertRegex(shown, r"\rreplaying \[[#.]{24}\] +\d+%")
        self.assertIn("\033[", shown)
        self.assertIn("schema.range", shown)
        done = self.weir(*self.replay())
        for plain in (self.on_terminal(*self.replay(), term="dumb"), done.stdout + done.stderr):
            self.assertIn("schema.range", plain)
            self.assertNotIn("\033[", plain)
            self.assertNotIn("replaying [", plain)
        self.assertEqual(self.on_terminal(*self.replay("-q")), "")


if __name__ == "__main__":
    import unittest

    unittest.main(verbosity=2)
