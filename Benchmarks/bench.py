#!/usr/bin/env python3
"""Measures the table of goals, each figure beside something else in the same run. Standard library only.

    bench.py --program RELEASE/reveille --bench RELEASE/library-bench --nothing RELEASE/nothing --python VENV/bin/python [--quick]

The two sides take turns, so that what else the machine does strikes both. Prints one table: what, goal, figure, beside, verdict.
Nothing here fails a build: figures are for people to judge.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
TOKEN = "OTAwMDAwMDAwMDAwMDAxMDAw.loop.back"
CHANNEL = 1000000000000000100
READY_AFTER = "100ms"
SESSION = f"agent:infra:discord:channel:{CHANNEL}"
ROWS = []


def part(values, fraction):
    values = sorted(values)
    return values[int((len(values) - 1) * fraction)]


def p50(values):
    return part(values, 0.5)


def p99(values):
    return part(values, 0.99)


def row(what, goal, figure, beside, good):
    ROWS.append((what, goal, figure, beside, good))
    print(f"  {'ok  ' if good else 'MISS'} {what}: {figure} (goal {goal}; beside: {beside})", flush=True)


class House:
    """A folder with a configuration, and a local Discord."""

    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="reveille-bench-", dir=options.folder))
        (self.folder / "token").write_text(TOKEN)
        (self.folder / "token").chmod(0o600)
        self.ledger = self.folder / "ledger"
        (self.folder / "control.token").write_text("0123456789abcdef0123456789abcdef")
        (self.folder / "control.token").chmod(0o600)
        self.port = 0
        self.loopback = None
        self.configure("http://127.0.0.1:9/api/v10")

    def configure(self, rest):
        self.rest = rest
        (self.folder / "reveille.json5").write_text(json.dumps({
            "ledger": {"directory": str(self.ledger)},
            "discord": {"accounts": {"default": {"tokenFile": str(self.folder / "token"), "apiBase": rest}}},
            "log": {"format": "json"},
            "control": {"port": self.port, "socket": str(self.folder / "control.sock"), "tokenFile": str(self.folder / "control.token")},
            "restart": {"cooldown": "0s", "loopStarts": 0},
        }))

    def discord(self, *flags):
        self.log = self.folder / "discord.jsonl"
        self.loopback = subprocess.Popen(
            [self.options.program, "discord-loopback", "--identify-window", "1ms", "--log", self.log, *flags],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        words = self.loopback.stderr.readline().split()
        self.configure(words[2].rstrip(","))
        self.gateway = words[4]

    def events(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def wait_event(self, test, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for event in self.events():
                if test(event):
                    return event
            time.sleep(0.002)
        raise TimeoutError("the local Discord did not see it")

    def line(self, *arguments):
        return [self.options.program, *arguments, "--config", str(self.folder / "reveille.json5")]

    def environment(self):
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder)}

    def run(self, *arguments):
        return subprocess.run(
            self.line(*arguments), env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)

    def write(self, note, channel=CHANNEL):
        self.run("sentinel", "write", "--session", f"agent:infra:discord:channel:{channel}", "--note", note)

    def daemon(self, until):
        """Starts one; returns it and the time until its log holds that text."""
        start = time.monotonic_ns()
        process = subprocess.Popen(
            self.line("daemon"), env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for line in process.stderr:
            if until in line:
                took = (time.monotonic_ns() - start) / 1e6
                # Nobody may be held up by a full pipe.
                threading.Thread(target=process.stderr.read, daemon=True).start()
                return process, took
        raise RuntimeError(f"the daemon ended with {process.wait()} before {until}")

    def close(self):
        if self.loopback:
            self.loopback.terminate()
            self.loopback.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def stop(process, number=signal.SIGTERM):
    process.send_signal(number)
    process.wait(30)


def timed(line, environment=None):
    start = time.monotonic_ns()
    # posix_spawn, not fork: a fork's cost grows with this process.
    pid = os.posix_spawn(line[0], line, environment or {"PATH": "/usr/bin:/bin"}, file_actions=[
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    _, status = os.waitpid(pid, 0)
    took = (time.monotonic_ns() - start) / 1e6
    if status:
        raise RuntimeError(f"{line[0]} ended with status {status}")
    return took


# ── The rows ──


def library(options):
    with contextlib.closing(House(options)) as house:
        out = subprocess.run([options.bench, house.folder], capture_output=True, text=True, check=True).stdout
        figures = json.loads(out)
    ratio50 = figures["ours_p50"] / figures["floor_p50"]
    ratio99 = figures["ours_p99"] / figures["floor_p99"]
    row(
        "durable sentinel, library call, p50 / p99", "≤ 2 × / ≤ 3 ×", f"{ratio50:.2f} × / {ratio99:.2f} ×",
        f"{figures['ours_p50']:.0f} / {figures['ours_p99']:.0f} µs against {figures['floor_p50']:.0f} / {figures['floor_p99']:.0f} µs "
        "for a bare append + fdatasync", ratio50 <= 2 and ratio99 <= 3)


def whole_process(options):
    with contextlib.closing(House(options)) as house:
        house.write("warm up")
        # The first daemon makes the ledger whole; then it is down.
        process, _ = house.daemon(b'"event":"ready"')
        stop(process)
        write = house.line("sentinel", "write", "--session", SESSION, "--note", "n" * 200)
        times = {"write": [], "nothing": [], "version": [], "node": []}
        node = shutil.which("node")
        for _ in range(30 if options.quick else 100):
            times["write"].append(timed([os.fspath(word) for word in write], house.environment()))
            times["nothing"].append(timed([options.nothing]))
            times["version"].append(timed([options.program, "--version"]))
            if node:
                times["node"].append(timed([node, str(HERE / "Beside/sentinel.mjs"), str(house.folder / "node.json")]))
    ours, empty = p50(times["write"]), p50(times["nothing"])
    beside = f"{empty:.1f} ms for an empty program, {p50(times['version']):.1f} ms for --version"
    row("reveille sentinel write, whole process, p50", "≤ 3 × an empty program", f"{ours:.1f} ms = {ours / empty:.2f} ×", beside, ours <= 3 * empty)
    if node:
        other = p50(times["node"])
        row("the same", "≤ 1/8 of Node", f"1/{other / ours:.1f}", f"{other:.1f} ms for a Node script with fsync", ours * 8 <= other)


def start_to_ready(options):
    count = 200 if options.quick else 1000
    with contextlib.closing(House(options)) as house:
        for number in range(count):
            house.write(f"pending {number}", CHANNEL + number % 200)
        process, _ = house.daemon(b'"event":"ready"')
        stop(process)
        ours, empty = [], []
        for _ in range(10 if options.quick else 25):
            process, took = house.daemon(b'"event":"ready"')
            stop(process)
            ours.append(took)
            empty.append(timed([options.nothing]))
    row(
        f"daemon start → able to say READY, {count} pending", "≤ 45 ms", f"{p50(ours):.1f} ms (p99 {p99(ours):.1f})",
        f"{p50(empty):.1f} ms for an empty program", p50(ours) <= 45)


def client(options, script, house, *more):
    start = time.monotonic_ns()
    process = subprocess.Popen(
        [options.python, HERE / "Beside" / script, house.rest, house.gateway, TOKEN, str(CHANNEL), *more],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in process.stdout:
        if line.startswith("ready"):
            return process, (int(line.split()[1]) - start) / 1e6
    raise RuntimeError(f"{script} ended with {process.wait()}")


def start_to_gateway(options):
    with contextlib.closing(House(options)) as house:
        house.discord()
        ours, theirs, hikari = [], [], []
        for _ in range(3 if options.quick else 7):
            # Without a stored session: all three identify.
            forget_session(house)
            process, took = house.daemon(b'"reason":"ready"')
            ours.append(took)
            stop(process)
            for script, list_ in (("discordpy_bench.py", theirs), ("hikari_bench.py", hikari)):
                process, took = client(options, script, house, "stay")
                list_.append(took)
                stop(process, signal.SIGKILL)
    ratio = p50(ours) / min(p50(theirs), p50(hikari))
    row(
        "process start → gateway READY handled", "≤ 0.1 ×", f"{p50(ours):.0f} ms = {ratio:.2f} ×",
        f"discord.py {p50(theirs):.0f} ms, hikari {p50(hikari):.0f} ms", ratio <= 0.1)


def forget_session(house):
    path = house.ledger / "ledger.sqlite"
    if path.exists():
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("DELETE FROM transport_session")
            database.commit()


def gate_to_message(options):
    gates, readies, theirs = [], [], []
    with contextlib.closing(House(options)) as house:
        # For both sides: no real Discord says READY sooner, and what can be done before it is to be done by then.
        house.discord("--channels", "60", "--ready-after", READY_AFTER)
        for number in range(8 if options.quick else 40):
            forget_session(house)
            # A channel of its own each time: no rate limit has a say.
            house.write("wake up", CHANNEL + number)
            before = len(house.events())
            process, _ = house.daemon(b'"event":"deliveryDelivered"')
            stop(process)
            events = house.events()[before:]
            ready = next(event for event in events if event["event"] in ("ready", "resumed"))
            message = next(event for event in events if event["event"] == "message_created")
            # The gate opens with READY or with the last answer that the route's check needs, whichever comes later.
            answer = [event for event in events if event["event"] == "response" and event["n"] < message["n"]][-1]
            gates.append((message["mono"] - max(answer["mono"], ready["mono"])) / 1e6)
            readies.append((message["mono"] - ready["mono"]) / 1e6)
            # Faster restarts than these meet Discord's limits on looking at a guild, which a new process can't know of.
            time.sleep(0.6)
        for number in range(3 if options.quick else 10):
            before = len(house.events())
            process, _ = client(options, "discordpy_bench.py", house, "send")
            message = house.wait_event(lambda event: event["event"] == "message_created" and event["n"] > before)
            stop(process, signal.SIGKILL)
            ready = next(event for event in house.events()[before:] if event["event"] == "ready")
            theirs.append((message["mono"] - ready["mono"]) / 1e6)
            time.sleep(1.1)
    row(
        "gate opens → message at the server, p50 / p99", "≤ 1 ms / ≤ 5 ms", f"{p50(gates):.2f} / {p99(gates):.2f} ms",
        f"counted from READY or the last answer of the route's check, whichever is later; from READY: {p50(readies):.1f} ms", p50(gates) <= 1 and p99(gates) <= 5)
    ratio = p50(readies) / p50(theirs)
    row(
        f"READY → message at the server (READY {READY_AFTER} after the connection, the route checked by then)", "≤ 0.2 ×", f"{p50(readies):.1f} ms = {ratio:.2f} ×",
        f"discord.py {p50(theirs):.1f} ms, with the send in on_connect", ratio <= 0.2)


def memory(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {key: int(re.search(key + r":\s*(\d+)", text).group(1)) / 1024 for key in ("VmRSS", "RssAnon")}


def switches(pid):
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            total += sum(int(number) for number in re.findall(r"ctxt_switches:\s*(\d+)", (task / "status").read_text()))
    return total


def idle(options):
    seconds = 20 if options.quick else 60
    with contextlib.closing(House(options)) as house:
        house.discord()
        daemon, _ = house.daemon(b'"reason":"ready"')
        other, _ = client(options, "discordpy_bench.py", house, "stay")
        time.sleep(5)
        ours, theirs = memory(daemon.pid), memory(other.pid)
        before, beats = switches(daemon.pid), len([event for event in house.events() if event["event"] == "heartbeat"])
        their_before = switches(other.pid)
        time.sleep(seconds)
        woken, their_woken = switches(daemon.pid) - before, switches(other.pid) - their_before
        beats = len([event for event in house.events() if event["event"] == "heartbeat"]) - beats
        # A restart with a live session.
        identifies = sum(event["event"] == "identify" for event in house.events())
        stop(daemon)
        again, _ = house.daemon(b'"reason":"ready"')
        identifies = sum(event["event"] == "identify" for event in house.events()) - identifies
        stop(again)
        stop(other, signal.SIGKILL)
    row(
        "connected and idle, resident memory", "RSS ≤ 40 MiB, RssAnon ≤ 10 MiB", f"RSS {ours['VmRSS']:.1f} MiB, RssAnon {ours['RssAnon']:.1f} MiB",
        f"discord.py RSS {theirs['VmRSS']:.1f} MiB, RssAnon {theirs['RssAnon']:.1f} MiB", ours["VmRSS"] <= 40 and ours["RssAnon"] <= 10)
    row(
        f"idle, context switches in {seconds} s", "only heartbeats and the inbox look", f"{woken}",
        f"{beats} heartbeats of both clients; discord.py {their_woken}", woken <= 60)
    row("restart with a live Discord session", "0 identifies", f"{identifies} identifies", "–", identifies == 0)


def name(number, mark):
    """An identifier of 22 characters."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    digits = ""
    for _ in range(21):
        number, digit = divmod(number, 62)
        digits = alphabet[digit] + digits
    return mark + digits


def earlier(body, milliseconds):
    """The same body as if all of it had happened that much earlier."""
    body = re.sub(r'"wallMilliseconds":(\d+)', lambda found: f'"wallMilliseconds":{int(found[1]) - milliseconds}', body)
    return re.sub(r'"boottimeMicroseconds":(\d+)', lambda found: f'"boottimeMicroseconds":{int(found[1]) - milliseconds * 1000}', body)


def fill(ledger, ended, live):
    """Copies one ended and one live wake many times, by SQL: the ended ones spread over the 30 days that they are kept."""
    with contextlib.closing(sqlite3.connect(ledger / "ledger.sqlite", isolation_level=None)) as database:
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA synchronous=OFF")
        database.execute("BEGIN")
        models = []
        for condition in ("IS NOT NULL", "IS NULL"):
            wake = dict(database.execute(f"SELECT * FROM wake WHERE ended_ms {condition} LIMIT 1").fetchone())
            delivery = dict(database.execute("SELECT * FROM delivery WHERE id = ?", [wake["id"] + "n"]).fetchone())
            sentinel = dict(database.execute("SELECT * FROM sentinel WHERE wake = ?", [wake["id"]]).fetchone())
            models.append((("wake", wake, ""), ("delivery", delivery, "n"), ("sentinel", sentinel, "")))
        copy_rows(database, models[0], ended, "0", lambda number: 3_600_000 + (ended - number) * 30 * 86_400_000 // ended)
        copy_rows(database, models[1], live, "1", lambda number: 0)
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def copy_rows(database, model, count, mark, age):
    wake = model[0][1]["id"]
    for table, source, tail in model:
        columns = list(source)
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"

        def rows():
            for number in range(count):
                other, before = name(number, mark), age(number)
                body = earlier(source["body"], before).replace(wake, other)
                if table == "sentinel":
                    body = body.replace(source["id"], other)
                sequence = number + (2_000_000 if mark == "1" else 10)
                body = re.sub(r'"sequence":\d+', f'"sequence":{sequence}', body)
                changed = {"id": other + tail, "body": body, "sum": None, "wake": other, "sequence": sequence}
                for column in ("opened_ms", "ended_ms", "requested_ms"):
                    if source.get(column):
                        changed[column] = source[column] - before
                yield [changed.get(column, source[column]) for column in columns]

        database.executemany(statement, rows())


def large(options):
    ended, live = (100_000, 1_000) if options.quick else (1_000_000, 10_000)
    with contextlib.ExitStack() as stack:
        houses = {key: stack.enter_context(contextlib.closing(House(options))) for key in ("full", "pending", "empty")}
        for key in ("full", "pending"):
            # One wake that has ended, one that is open: the models of all others.
            house = houses[key]
            house.discord()
            house.write("ended")
            process, _ = house.daemon(b'"event":"wakeEnded"')
            stop(process)
            house.configure("http://127.0.0.1:9/api/v10")
            house.write("open")
        for house in houses.values():
            process, _ = house.daemon(b'"event":"ready"')
            stop(process)
        fill(houses["full"].ledger, ended, live)
        fill(houses["pending"].ledger, 1, live)
        times = {key: [] for key in houses}
        for _ in range(5 if options.quick else 15):
            for key, house in houses.items():
                process, took = house.daemon(b'"event":"ready"')
                stop(process)
                times[key].append(took)
        size = (houses["full"].ledger / "ledger.sqlite").stat().st_size / 2**20
    full, pending, empty = (p50(times[key]) for key in ("full", "pending", "empty"))
    row(
        f"start with {ended:,} finished and {live:,} pending wakes", "≤ 2 × an empty ledger", f"{full:.0f} ms = {full / empty:.2f} ×",
        f"{empty:.1f} ms with an empty ledger; {pending:.0f} ms with the pending ones alone, so the finished ones cost "
        f"{full / pending:.2f} ×; {size:.0f} MiB", full <= 2 * empty)


def control_bench(options, *arguments):
    program = pathlib.Path(options.bench).with_name("control-bench")
    lines = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=True).stdout.splitlines()
    return {key: value for line in lines for key, value in json.loads(line).items()}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def control(options):
    """Round trips of health and wakes.list, beside a bare WebSocket server that the same client calls."""
    with contextlib.closing(House(options)) as house:
        house.port = free_port()
        house.discord()
        daemon, _ = house.daemon(b'"event":"ready"')
        try:
            times = control_bench(options, "rpc", house.folder / "control.sock", house.port, "0123456789abcdef0123456789abcdef")
        finally:
            stop(daemon)
    for way in ("unix", "tcp"):
        for method in ("health", "wakes"):
            ours, bare = ([times[f"{way}_{key}_{part}"] for part in ("p50", "p99")] for key in (method, "bare"))
            row(
                f"{'wakes.list' if method == 'wakes' else method} over {way}, p50 / p99", "told, no goal",
                f"{ours[0]} / {ours[1]} µs = {ours[0] / bare[0]:.2f} × / {ours[1] / bare[1]:.2f} ×",
                f"a bare WebSocket server that answers {times['bytes']} bytes, by the same client: {bare[0]} / {bare[1]} µs; "
                f"TCP echo of as many bytes: {times[way + '_echo_p50']} µs", True)


def held_daemon(house, listener):
    """A daemon whose socket is handed in, as a service manager would: sd_listen_fds(3)."""
    line = f'export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=control; exec 3<&{listener.fileno()}; exec "$@"'
    process = subprocess.Popen(
        ["sh", "-c", line, "sh", *house.line("daemon")], env=house.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, pass_fds=[listener.fileno()])
    for text in process.stderr:
        if b'"event":"ready"' in text:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return process
    raise RuntimeError(f"the daemon ended with {process.wait()}")


def calls(options):
    """1,000 calls a second from one process and 10 by the command line, through 50 restarts."""
    seconds = 6 if options.quick else 60
    with contextlib.closing(House(options)) as house:
        house.discord()
        path = str(house.folder / "held.sock")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(4096)
            daemon = held_daemon(house, listener)
            over = threading.Event()
            lines = {"all": 0, "failed": []}

            def by_hand():
                environment = {**house.environment(), "REVEILLE_CONTROL_SOCKET": path}
                started, begin = [], time.monotonic()
                while not over.wait(max(0, begin + len(started) / 10 - time.monotonic())):
                    started.append(subprocess.Popen(
                        [options.program, "call", "health", "--wait", "30s"], env=environment, stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
                for process in started:
                    words = process.communicate()[1]
                    lines["all"] += 1
                    if process.returncode:
                        lines["failed"].append(words.strip())

            found = {}
            load = threading.Thread(target=lambda: found.update(control_bench(options, "calls", path, seconds, 1_000)))
            hand = threading.Thread(target=by_hand)
            load.start(), hand.start()
            restarts = 5 if options.quick else 50
            begin = time.monotonic()
            for number in range(restarts):
                time.sleep(max(0, begin + (number + 1) * (seconds - 2) / restarts - time.monotonic()))
                stop(daemon)
                daemon = held_daemon(house, listener)
            load.join()
            over.set()
            hand.join()
            stop(daemon)
    # A reason is a close code of the gateway's, or a 503 to who had not become a WebSocket yet.
    bare = sum(count for reason, count in found["waits"].items() if re.search(r"\((1000|1005|1006)\b|connection .*ended", reason))
    refused = sum(count for reason, count in found["waits"].items() if re.search("nobody listens|too many wait", reason))
    failed = sum(found["failed"].values())
    row(
        f"calls through {restarts} restarts: failed", "0", f"{failed} of {found['calls'] + failed}, and {len(lines['failed'])} of {lines['all']} by the command line",
        f"{(found['calls'] + failed) / found['seconds']:.0f} calls a second; p50 {found['p50'] / 1000:.1f}, p99 {found['p99'] / 1000:.0f}, "
        f"longest {found['max'] / 1000:.0f} ms; {dict(list(found['failed'].items())[:3])} {lines['failed'][:2]}", failed == 0 and not lines["failed"])
    waits = {reason.replace(str(house.folder), "…"): count for reason, count in found["waits"].items()}
    row("the same: closes without a reason / refused connections", "0 / 0", f"{bare} / {refused}", f"waits by reason: {waits}", bare + refused == 0)


def patch(options):
    """From the answer to config.patch to the wake in Discord, less the delay, with Discord ready at once."""
    rounds = 3 if options.quick else 20
    times = []
    with contextlib.closing(House(options)) as house:
        # A channel of its own each time, as in "gate": no rate limit has a say.
        house.discord("--channels", "60")
        daemon, _ = house.daemon(b"ready")
        environment = {**house.environment(), "REVEILLE_CONTROL_SOCKET": str(house.folder / "control.sock")}

        def call(method, params):
            done = subprocess.run(
                [options.program, "call", method, "--json", "--params", "-"], env=environment, input=json.dumps(params), text=True,
                capture_output=True, check=True)
            return json.loads(done.stdout)

        for number in range(rounds):
            note = f"patched for the {number}th time."
            digest = call("config.get", {})["hash"]
            call("config.patch", {
                "raw": json.dumps({"wake": {"holdFor": f"{number + 1}h"}}), "baseHash": digest, "note": note,
                "sessionKey": f"agent:infra:discord:channel:{CHANNEL + number}",
                "restartDelayMs": 200})
            answered = time.time()
            daemon.wait()
            daemon, _ = house.daemon(b"ready")
            event = house.wait_event(lambda event: event["event"] == "message_created" and note in event.get("content", ""))
            times.append(event["t"] - answered * 1000 - 200)
            # As in "gate" too.
            time.sleep(0.6)
        stop(daemon)
    row(
        "config.patch answered → wake in Discord, less the delay, p50 / p99", "told, no goal", f"{p50(times):.0f} / {p99(times):.0f} ms",
        f"{rounds} rounds; the daemon's stop, start and connection are in it, its supervisor's pause is not", True)


class Beside:
    """The daemon beside a stand-in for a gateway of March 2026, which holds the bot's session."""

    def __init__(self, options, ready_after, generation="march2026", down="300ms"):
        self.house = House(options)
        self.house.discord("--channels", "60")
        folder = self.house.folder
        (folder / "claw.token").write_text("0123456789abcdef0123456789abcdef")
        (folder / "claw.token").chmod(0o600)
        self.claw = subprocess.Popen(
            [options.program, "openclaw-loopback", "--generation", generation, "--state-dir", folder / "claw", "--token-file",
             folder / "claw.token", "--discord-api", self.house.rest, "--discord-token-file", folder / "token",
             "--discord-ready-after", ready_after, "--down-time", down, "--restart-cooldown", "0s"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.seen = []
        self.port = json.loads(self.claw.stdout.readline())["port"]
        threading.Thread(target=self.follow, daemon=True).start()
        (folder / "reveille.json5").write_text(json.dumps({
            "ledger": {"directory": str(self.house.ledger)}, "log": {"format": "json"}, "control": {"port": 0},
            "gateways": {"main": {
                "address": f"ws://127.0.0.1:{self.port}", "stateDirectory": str(folder / "claw"),
                "tokenFile": str(folder / "claw.token"), "discordTokenFile": str(folder / "token"),
                "discordApiBase": self.house.rest}}}))
        self.daemon, _ = self.house.daemon(b"in a new life")

    def follow(self):
        for line in self.claw.stdout:
            self.seen.append(json.loads(line))

    def post(self, deed, body="{}"):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/loopback/{deed}", body.encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(request).read()

    def wait(self, test, seconds=150):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for event in list(self.seen):
                if test(event):
                    return event
            time.sleep(0.002)
        raise TimeoutError("the gateway did not see it")

    def close(self):
        stop(self.daemon)
        stop(self.claw)
        self.house.close()


def woken_beside(options, ready_after, rounds, adopted=False):
    """Restarts of the gateway; returns from its Discord's readiness to the notice and to the turn, and from its port to our hello."""
    notices, turns, hellos, doubles = [], [], [], 0
    with contextlib.closing(Beside(options, ready_after)) as beside:
        for number in range(rounds):
            channel, note = CHANNEL + number, f"round {number} of {ready_after}"
            session = f"agent:infra:discord:channel:{channel}"
            first = beside.wait(lambda event: event["event"] == "discord_ready" and event["life"] == number + 1)
            beside.house.run(
                "sentinel", "write", "--target", "gateway:main", "--session", session, "--note", note)
            beside.post("restart")
            life = first["life"] + 1
            ready = beside.wait(lambda event: event["event"] == "discord_ready" and event["life"] == life)
            port = beside.wait(lambda event: event["event"] == "listening" and event["life"] == life)
            hello = beside.wait(lambda event: event["event"] == "hello" and event["life"] == life)
            posted = beside.wait(lambda event: event["event"] == "send_posted" and event["source"] == "send" and note in event["text"])
            turn = beside.wait(lambda event: event["event"] == "turn" and note in event["text"])
            notices.append(posted["t"] - ready["t"])
            turns.append(turn["t"] - ready["t"])
            hellos.append(hello["t"] - port["t"])
            time.sleep(0.6)
        for number in range(rounds):
            note = f"round {number} of {ready_after}"
            doubles += sum(event["event"] == "send_posted" and note in event["text"] and event["source"] == "send" for event in beside.seen) - 1
            doubles += sum(event["event"] == "turn" and note in event["text"] for event in beside.seen) - 1
    return notices, turns, hellos, doubles


def beside_gateway(options):
    """Beside a gateway of March 2026 whose Discord is ready late: every restart wakes its session, once."""
    seen = []
    for ready_after, rounds in [("500ms", 20), ("3s", 10), ("30s", 3), ("100s", 2)]:
        if options.quick:
            rounds = 2
            if ready_after in ("30s", "100s"):
                continue
        notices, turns, hellos, doubles = woken_beside(options, ready_after, rounds)
        seen += hellos
        row(
            f"beside a gateway whose Discord is ready after {ready_after}: ready → notice / turn, p50 (most)", "all, none twice",
            f"{p50(notices):.0f} ({max(notices)}) / {p50(turns):.0f} ({max(turns)}) ms",
            f"{rounds} of {rounds} woken, {doubles} twice; its own ping at 750 ms", doubles == 0)
    row(
        "the gateway's port is open → we know its new life, p50 (most)", "told, no goal", f"{p50(seen):.0f} ({max(seen)}) ms",
        f"{len(seen)} restarts, tried every 150 ms", True)


def jobs(options):
    """What 10,000 jobs cost while none is due: two daemons side by side, one with them, one without."""
    seconds, count = (20, 10_000) if options.quick else (660, 10_000)
    with contextlib.ExitStack() as stack:
        houses = {key: stack.enter_context(contextlib.closing(House(options))) for key in ("full", "empty")}
        house = houses["full"]
        house.run("cron", "add", "--cron", "0 9 1 1 *", "--tz", "UTC", "--session", SESSION, "--message", "a new year")
        for house in houses.values():
            house.discord()
            process, _ = house.daemon(b'"reason":"ready"')
            stop(process)
        with contextlib.closing(sqlite3.connect(houses["full"].ledger / "ledger.sqlite", isolation_level=None)) as database:
            identity, job, due, body = database.execute("SELECT id, name, next_ms, body FROM job").fetchone()
            database.execute("BEGIN")
            database.executemany(
                "INSERT INTO job VALUES (?, ?, ?, ?, NULL)",
                ((name(number, "2"), job, due, body.replace(identity, name(number, "2"))) for number in range(count - 1)))
            database.execute("COMMIT")
        starts = {key: [] for key in houses}
        for _ in range(5):
            for key, house in houses.items():
                process, took = house.daemon(b'"event":"ready"')
                stop(process)
                starts[key].append(took)
        daemons = {key: house.daemon(b'"reason":"ready"')[0] for key, house in houses.items()}
        time.sleep(5)
        before = {key: (switches(process.pid), cpu(process.pid)) for key, process in daemons.items()}
        time.sleep(seconds)
        woken = {key: switches(process.pid) - before[key][0] for key, process in daemons.items()}
        spent = {key: (cpu(process.pid) - before[key][1]) * 1000 for key, process in daemons.items()}
        held = {key: memory(process.pid)["RssAnon"] for key, process in daemons.items()}
        for process in daemons.values():
            stop(process)
    row(
        f"{count:,} jobs, idle for {seconds} s", "as without them, but for a look at the clock every 10 min",
        f"{woken['full']} context switches, {spent['full']:.0f} ms of processor time, RssAnon {held['full']:.1f} MiB",
        f"without jobs {woken['empty']}, {spent['empty']:.0f} ms, {held['empty']:.1f} MiB", woken["full"] <= woken["empty"] + 40)
    full, empty = p50(starts["full"]), p50(starts["empty"])
    row(f"start with {count:,} jobs", "≤ 2 × an empty ledger", f"{full:.0f} ms = {full / empty:.1f} ×", f"{empty:.1f} ms without", full <= 2 * empty)


def cpu(pid):
    """Seconds of processor time so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def turns(options):
    """From the wake's order to the agent's first instruction, with the gate open; beside it, the same command started by hand."""
    told, bare = [], []
    with contextlib.closing(House(options)) as house:
        house.discord()
        agent, seen = house.folder / "agent.sh", house.folder / "seen"
        agent.write_text(f"#!/bin/sh\ndate +%s%N >{seen}.new && mv {seen}.new {seen}\n")
        agent.chmod(0o755)
        path = house.folder / "reveille.json5"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"agents": {"infra": {"run": [str(agent)]}}}))
        daemon, _ = house.daemon(b'"reason":"ready"')
        for number in range(10 if options.quick else 60):
            for ours, line in ((told, house.line("send", SESSION, f"turn {number}")), (bare, [str(agent)])):
                seen.unlink(missing_ok=True)
                began = time.time_ns()
                subprocess.run(line, env=house.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
                while not seen.exists():
                    time.sleep(0.0005)
                ours.append((int(seen.read_text()) - began) / 1e6)
            time.sleep(0.3)
        stop(daemon)
    row(
        "`reveille send` begins → the agent's command runs, p50 / p99", "–", f"{p50(told):.1f} / {p99(told):.1f} ms = {p50(told) / p50(bare):.1f} ×",
        f"the command started by hand {p50(bare):.1f} / {p99(bare):.1f} ms", True)


def frames(options):
    """Random and mutated frames through the codec and the server's machine."""
    count = 200_000 if options.quick else 10_000_000
    done = control_bench(options, "frames", count)
    row(
        f"{count:,} random and mutated frames", "no crash, no hang", f"{count / done['seconds']:,.0f} a second",
        f"{done['accepted']:,} read, {done['refused']:,} refused, {done['connections_closed']:,} connections closed", True)


ALL = {
    "library": library, "process": whole_process, "ready": start_to_ready, "gateway": start_to_gateway, "gate": gate_to_message,
    "idle": idle, "large": large, "jobs": jobs, "turns": turns,
    "control": control, "calls": calls, "patch": patch, "frames": frames, "beside": beside_gateway,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("program", "bench", "nothing"):
        parser.add_argument("--" + name, required=True, type=os.path.abspath)
    parser.add_argument("--python", type=os.path.abspath, help="a Python with discord.py and hikari; without it their rows are left out")
    parser.add_argument("--folder", help="where ledgers are made; a real disk, not a tmpfs")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: for trying the script out")
    parser.add_argument("--only", nargs="*", choices=ALL, default=list(ALL))
    options = parser.parse_args()
    for name in options.only:
        if name in ("gateway", "gate", "idle") and not options.python:
            print(f"  left out: {name}, which needs discord.py and hikari")
            continue
        print(f"{name} …", flush=True)
        try:
            ALL[name](options)
        except Exception as problem:  # the other rows are worth having
            ROWS.append((name, "–", f"could not be measured: {type(problem).__name__}: {problem}", "–", False))
            print(f"  MISS {name}: {type(problem).__name__}: {problem}", flush=True)
    print("\n| what | goal | figure | beside it, in the same run | |\n| --- | --- | --- | --- | --- |")
    for what, goal, figure, beside, good in ROWS:
        print(f"| {what} | {goal} | {figure} | {beside} | {'reached' if good else 'missed'} |")
    print("\nIn virtual time, by `make sim` and the rate limiter's tests: 10,000 wakes to 200 channels, and an hour of outage.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
