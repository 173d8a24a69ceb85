# SPDX-License-Identifier: Apache-2.0
"""The broker and the registry that scenarios share: `servers.py up PATH`, `servers.py down PATH`.

`up` returns when both answer; PATH then holds their addresses as JSON. They stop with `down`, or
by themselves after two hours. Scenarios that stop a server in the middle start their own.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading

from harness import Broker, Registry, unique, wait_until

LIFETIME = 2 * 3600


def serve(path):
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    with Broker() as broker, Registry() as registry:
        staged = path.with_name(path.name + ".new")
        staged.write_text(
            json.dumps(
                {"pid": os.getpid(), "bootstrap": broker.bootstrap, "registry": registry.url,
                 "registry_port": registry.port, "id": unique("servers")}
            )
        )  # fmt: skip
        staged.replace(path)
        stopped.wait(LIFETIME)
        broker.stop()
        registry.stop()
    path.unlink(missing_ok=True)


def up(path):
    down(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    log = path.with_suffix(".log")
    with open(log, "wb") as out:
        child = subprocess.Popen(
            [sys.executable, __file__, "serve", str(path)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip

    def ready():
        if child.poll() is not None:
            raise AssertionError(f"the servers did not start:\n{log.read_text()}")
        return path.exists()

    wait_until(ready, "the broker and the registry", 500)
    print(path.read_text())


def is_server(pid):
    """Whether that process is one of ours, and not another with a number used again."""
    try:
        return b"servers.py" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def down(path):
    if not path.exists():
        return
    pid = json.loads(path.read_text())["pid"]
    if is_server(pid):
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_server(pid), "the servers to stop", 200)
    path.unlink(missing_ok=True)


if __name__ == "__main__":
    {"up": up, "down": down, "serve": serve}[sys.argv[1]](pathlib.Path(sys.argv[2]).resolve())
