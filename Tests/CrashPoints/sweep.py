#!/usr/bin/env python3
"""Kills the real program at every input/output call, and lets every file call fail once. Standard library only.

    sweep.py quick|full --program .build/debug/reveille --shim .build/iofault.so [--only write|deliver] [--jobs 2]

`quick` kills before every call and lets every call fail once, in one way, taken in turn; `full` also kills after every call, lets
every call fail in every way, and lets disks stay broken. Two stories are told, each again for every point:

    write     `reveille sentinel write`, into a ledger that is not there yet, and into one that is
    deliver   a daemon's whole life: start, inbox, restart seen, wake, send, receipt, stop; sends on sockets are points too

After each point the program starts cleanly against the same local Discord and goes on until nothing is owed. Then must hold:

    acknowledged ⇒ exactly one message in the end, after READY, in its place (Tests/Support/history_checker.py judges)
    not acknowledged ⇒ none or one, never a torn one
    the ledger is sound (`reveille ledger check`)
    a call that failed ⇒ refused with an error and nothing promised, or promised and kept
    a failed fsync of the ledger ⇒ never acknowledged, and a daemon ends by itself: the file is not trusted any more

Each run writes down where it was struck; a sweep that struck less than it should has failed. Exit code 0, 1 where a promise was
broken, 2 where the sweep itself went wrong.
"""

import argparse
import json
import os
import pathlib
import queue
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Support"))
import history_checker  # noqa: E402

CHANNEL = 1000000000000000100
SESSION = f"agent:infra:discord:channel:{CHANNEL}"
TOKEN = "OTAwMDAwMDAwMDAwMDAxMDAw.loop.back"
PATIENCE_SECONDS = 40
FAULTS = ["EIO", "ENOSPC", "EROFS", "short"]
WRITES = {"write", "pwrite", "writev"}
SYNCS = {"fsync", "fdatasync"}
# Fewer points than this, and something was not looked at.
MINIMUM = {"write-new": 40, "write-old": 6, "deliver": 60}


class Broken(Exception):
    """A promise was broken."""


class Failed(Exception):
    """The sweep itself went wrong."""


class Rig:
    """A folder with a configuration, and the program in it."""

    def __init__(self, options, name):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"reveille-crash-{name}-"))
        self.state = self.folder / "state"
        self.ledger = self.state / "ledger"
        self.struck_log = self.folder / "struck"
        (self.folder / "token").write_text(TOKEN)
        (self.folder / "token").chmod(0o600)
        self.state.mkdir(mode=0o700)
        self.loopback = None
        self.requests = []

    def close(self):
        self.end_discord()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ── Discord ──

    def start_discord(self):
        self.end_discord()
        self.discord_log = self.folder / "discord.jsonl"
        self.discord_log.unlink(missing_ok=True)
        self.loopback = subprocess.Popen(
            [self.options.program, "discord-loopback", "--identify-window", "1ms", "--log", self.discord_log],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        words = self.loopback.stderr.readline().split()
        if len(words) < 3:
            raise Failed("the local Discord did not start")
        configuration = {
            "ledger": {"directory": str(self.ledger)},
            "discord": {"accounts": {"default": {"tokenFile": str(self.folder / "token"), "apiBase": words[2].rstrip(",")}}},
            "log": {"format": "json"},
        }
        (self.folder / "reveille.json5").write_text(json.dumps(configuration))

    def end_discord(self):
        if self.loopback:
            self.loopback.terminate()
            self.loopback.wait()
            self.loopback.stderr.close()
            self.loopback = None

    def messages(self):
        rows = [json.loads(row) for row in self.discord_log.read_text().splitlines()]
        return [row for row in rows if row["event"] == "message_created" and row.get("bot")]

    # ── The program ──

    def environment(self, fault=None):
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder), "REVEILLE_RESTART_LOOP_STARTS": "0"}
        if fault is not None:
            self.struck_log.unlink(missing_ok=True)
            environment |= {"LD_PRELOAD": self.options.shim, "IOFAULT_ROOT": str(self.state), "IOFAULT_LOG": str(self.struck_log)}
            environment |= fault
        return environment

    def line(self, *arguments):
        return [self.options.program, *arguments, "--config", str(self.folder / "reveille.json5")]

    def run(self, *arguments, fault=None):
        try:
            return subprocess.run(
                self.line(*arguments), env=self.environment(fault), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired as hung:
            raise Broken(f"{arguments[0]} hung") from hung

    def struck(self):
        """What was met: (number, call, path, action)."""
        if not self.struck_log.exists():
            return []
        rows = []
        for row in self.struck_log.read_text().splitlines():
            number, call, rest = row.split(" ", 2)
            path, action = rest.rsplit(" ", 1)
            rows.append((int(number), call, path, action))
        return rows

    def write(self, note, fault=None):
        """Asks for a wake; notes what was promised. Returns (acknowledged, process)."""
        name = f"r{len(self.requests)}"
        self.requests.append({"t": int(time.time() * 1000), "kind": "request", "id": name, "channel": str(CHANNEL), "note": note})
        done = self.run("sentinel", "write", "--session", SESSION, "--note", note, "--json", fault=fault)
        acknowledged = '"durable":true' in done.stdout.replace(" ", "")
        if acknowledged:
            self.requests.append({"t": int(time.time() * 1000), "kind": "ack", "id": name})
        if done.returncode == 0 and not acknowledged:
            raise Broken(f"exit code 0 without an acknowledgement: {done.stdout!r}")
        if done.returncode > 0 and (acknowledged or "Error:" not in done.stderr):
            raise Broken(f"exit code {done.returncode}, acknowledged: {acknowledged}, said: {done.stderr!r}")
        return acknowledged, done

    def start_daemon(self, fault=None):
        self.daemon_log = open(self.folder / "daemon.log", "w+b")
        return subprocess.Popen(
            self.line("daemon"), env=self.environment(fault), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self.daemon_log)

    def said(self):
        self.daemon_log.flush()
        return (self.folder / "daemon.log").read_text(errors="replace")

    def owed(self):
        """Rows that something is still to be done about; None where that can't be read."""
        try:
            database = sqlite3.connect(f"file:{self.ledger}/ledger.sqlite?mode=ro", uri=True, timeout=5)
            try:
                return database.execute(
                    "SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM sentinel WHERE ended_ms IS NULL)"
                    " + (SELECT count(*) FROM wake WHERE ended_ms IS NULL)").fetchone()[0]
            finally:
                database.close()
        except sqlite3.Error:
            return None

    def live(self, daemon):
        """Waits until nothing is owed, or the daemon has ended by itself; then stops it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while daemon.poll() is None:
            if '"event":"ready"' in self.said() and self.owed() == 0:
                daemon.terminate()
                break
            if time.monotonic() > deadline:
                daemon.kill()
                daemon.wait()
                raise Broken(f"{self.owed()} things were still owed after {PATIENCE_SECONDS} s:\n{self.said()[-3000:]}")
            time.sleep(0.01)
        try:
            daemon.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired as hung:
            daemon.kill()
            daemon.wait()
            raise Broken("the daemon did not stop") from hung
        return daemon.returncode

    def finish(self, expected_messages=None):
        """A clean life until nothing is owed, then judgement."""
        code = self.live(self.start_daemon())
        if code != 0:
            raise Broken(f"the clean start afterwards ended with {code}:\n{self.said()[-2000:]}")
        check = self.run("ledger", "check", "--json")
        if check.returncode != 0 or not json.loads(check.stdout)["sound"]:
            raise Broken(f"the ledger is not sound: {check.stdout} {check.stderr}")
        requests = "".join(json.dumps(row) + "\n" for row in self.requests)
        violations = history_checker.judge(requests, self.discord_log.read_text())
        if violations:
            raise Broken("; ".join(f"{kind}: {what}" for kind, what in violations))

    # ── States of the disk ──

    def forget(self):
        """Nothing is there yet."""
        shutil.rmtree(self.ledger, ignore_errors=True)
        self.requests = []

    def photograph(self):
        # Each point gets a Discord of its own, which would not know the session of this one.
        database = sqlite3.connect(self.ledger / "ledger.sqlite")
        database.execute("DELETE FROM transport_session")
        database.commit()
        database.close()
        self.photo = {path.relative_to(self.ledger): path.read_bytes() for path in self.ledger.rglob("*") if path.is_file()}
        self.photo_requests = list(self.requests)

    def restore(self):
        """Back to the photograph, in place: a file of another inode would be known as a copy."""
        for path in list(self.ledger.rglob("*")):
            if path.is_file() and path.relative_to(self.ledger) not in self.photo:
                path.unlink()
        for name, contents in self.photo.items():
            with open(self.ledger / name, "r+b" if (self.ledger / name).exists() else "wb") as file:
                file.truncate(0)
                file.write(contents)
        self.requests = list(self.photo_requests)


# ── The stories ──


class WriteStory:
    """`sentinel write`, then a daemon that delivers what was acknowledged."""

    def __init__(self, is_new):
        self.name = "write-new" if is_new else "write-old"
        self.is_new = is_new
        self.net = False

    def prepare(self, rig):
        rig.start_discord()
        rig.forget()
        if not self.is_new:
            rig.write("before all")
            code = rig.live(rig.start_daemon())
            if code:
                raise Failed(f"no clean start: {rig.said()}")
            rig.photograph()

    def begin(self, rig):
        rig.start_discord()
        if self.is_new:
            rig.forget()
        else:
            rig.restore()
            # What was delivered before belongs to another Discord's history.
            rig.requests = []

    def act(self, rig, fault):
        """Returns (exit code, acknowledged, what was said)."""
        acknowledged, done = rig.write("struck", fault)
        return done.returncode, acknowledged, done.stderr

    def close(self, rig):
        acknowledged, done = rig.write("and one more")
        if not acknowledged:
            raise Broken(f"the next write is refused: {done.stderr}")
        rig.finish()


class DeliverStory:
    """A daemon's whole life with one wake."""

    name = "deliver"
    net = True

    def prepare(self, rig):
        rig.start_discord()
        rig.forget()
        rig.write("before all")
        if rig.live(rig.start_daemon()):
            raise Failed(f"no clean start: {rig.said()}")
        rig.requests = []
        rig.write("struck")
        rig.photograph()

    def begin(self, rig):
        rig.start_discord()
        rig.restore()

    def act(self, rig, fault):
        code = rig.live(rig.start_daemon(fault))
        return code, False, rig.said()

    def close(self, rig):
        rig.finish()


# ── The sweep ──


def fault(number, action, story, sticky=False):
    return {"IOFAULT_AT": str(number), "IOFAULT_DO": action, "IOFAULT_NET": "1" if story.net else "0", "IOFAULT_STICKY": "1" if sticky else "0"}


def judge(story, rig, number, action, sticky):
    """One point. Returns the call that was struck, or None where it was not reached."""
    story.begin(rig)
    code, acknowledged, said = story.act(rig, fault(number, action, story, sticky))
    struck = rig.struck()
    if not struck:
        if code != 0:
            raise Broken(f"not struck, and yet exit code {code}: {said[-2000:]}")
        story.close(rig)
        return None
    _, call, path, deed = struck[0]
    where = f"{call} {os.path.basename(path)} {deed}"
    try:
        if action.startswith("kill") and code != -signal.SIGKILL:
            raise Broken(f"should have been killed, but ended with {code}: {said[-2000:]}")
        if not action.startswith("kill") and code < 0:
            raise Broken(f"ended by signal {-code}: {said[-2000:]}")
        if deed == "failed" and call in SYNCS and not passed_over(rig, call, path) and (acknowledged or code == 0):
            raise Broken(f"{call} failed, and it went on (acknowledged: {acknowledged}, exit code {code}): {said[-2000:]}")
        if not action.startswith("kill") and code != 0 and "Error:" not in said:
            raise Broken(f"exit code {code} without a word: {said[-2000:]}")
        story.close(rig)
    except Broken as broken:
        raise Broken(f"{where}: {broken}") from None
    return where


def passed_over(rig, call, path):
    """SQLite syncs the folder of a log or journal with fdatasync and ignores the answer. The log's name is made durable by our own
    fsync before; so only that one counts."""
    return call == "fdatasync" and path == str(rig.ledger)


def plan(story, calls, mode):
    """What to do at which point."""
    points = []
    for number, call, _, _ in calls:
        points.append((number, "kill-before", False))
        if mode == "full":
            points.append((number, "kill-after", False))
        if call == "send":
            continue
        ways = [way for way in FAULTS if way != "short" or call in WRITES]
        if mode == "quick":
            ways = [ways[number % len(ways)]] + (["EIO"] if call in SYNCS else [])
        points += [(number, way, False) for way in dict.fromkeys(ways)]
        if mode == "full" and call in WRITES:
            points += [(number, way, True) for way in ("EIO", "ENOSPC")]
    points.append((calls[-1][0], "kill-after", False))
    return list(dict.fromkeys(points))


def sweep(story, options):
    scout = Rig(options, story.name)
    try:
        story.prepare(scout)
        story.begin(scout)
        code, _, said = story.act(scout, fault(0, "count", story))
        calls = scout.struck()
        if code != 0 or not calls:
            raise Failed(f"{story.name}: the run without a fault ended with {code}: {said[-2000:]}")
        story.close(scout)
    finally:
        scout.close()
    work, broken, reached, missed, lock = queue.Queue(), [], [], [], threading.Lock()
    points = plan(story, calls, options.mode)
    for point in points:
        work.put(point)

    def labour(index):
        rig = Rig(options, f"{story.name}-{index}")
        try:
            story.prepare(rig)
            while True:
                try:
                    number, action, sticky = work.get_nowait()
                except queue.Empty:
                    return
                label = f"{story.name} {number} {action}{' for good' if sticky else ''}"
                try:
                    where = judge(story, rig, number, action, sticky)
                    with lock:
                        (reached if where else missed).append((label, where))
                    if options.verbose:
                        print(f"ok {label}: {where or 'not reached'}", flush=True)
                except Broken as problem:
                    with lock:
                        broken.append(f"{label}: {problem}")
                        reached.append((label, str(problem)))
                    print(f"BROKEN {label}: {problem}", flush=True)
        except Exception as problem:  # the sweep's own fault: say so, and fail
            with lock:
                broken.append(f"{story.name}: {type(problem).__name__}: {problem}")
            print(f"FAILED {story.name}: {type(problem).__name__}: {problem}", flush=True)
        finally:
            rig.close()

    start = time.monotonic()
    workers = [threading.Thread(target=labour, args=(index,)) for index in range(options.jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    kinds = {}
    for _, call, _, _ in calls:
        kinds[call] = kinds.get(call, 0) + 1
    met = ", ".join(f"{count} {call}" for call, count in sorted(kinds.items(), key=lambda pair: -pair[1]))
    print(
        f"{story.name}: {len(calls)} calls ({met}); {len(points)} points, struck at {len(reached)}, not reached {len(missed)}, "
        f"broken {len(broken)}; {time.monotonic() - start:.0f} s", flush=True)
    if len(calls) < MINIMUM[story.name]:
        broken.append(f"{story.name}: only {len(calls)} calls were met, there should be {MINIMUM[story.name]} or more")
    # The order of a daemon's calls differs a little from run to run; more than this, and points were passed by.
    if len(missed) > len(points) // 20 + 2:
        broken.append(f"{story.name}: {len(missed)} of {len(points)} points were not reached: {missed[:5]}")
    return broken, len(reached)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["quick", "full"])
    parser.add_argument("--program", required=True, type=os.path.abspath)
    parser.add_argument("--shim", required=True, type=os.path.abspath)
    parser.add_argument("--only", choices=["write", "deliver"])
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1) + 1)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    stories = [WriteStory(True), WriteStory(False), DeliverStory()]
    if options.only:
        stories = [story for story in stories if story.name.startswith(options.only)]
    broken, struck = [], 0
    for story in stories:
        try:
            more, count = sweep(story, options)
        except (Failed, Broken) as problem:
            print(f"FAILED {story.name}: {problem}")
            return 2
        broken += more
        struck += count
    for line in broken:
        print(f"BROKEN {line.splitlines()[0]}")
    print(f"crash sweep ({options.mode}): struck at {struck} points, {len(broken)} promises broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
