#!/usr/bin/env python3
"""Judges what the local Discord saw against what was asked for. Standard library only; shares no code with the product.

    history_checker.py REQUESTS.jsonl LOOPBACK.jsonl [--allow-pending] [--json]
    history_checker.py --self-test

REQUESTS.jsonl: one JSON object a line, written by whoever asks for restarts, in the order in which it asks.

    {"t": 1795261520502, "kind": "request", "id": "r1", "session": "agent:infra:…", "channel": "1000…100",
     "note": "config patched", "not_before_ready": true}
        A request was made. `t`: Unix milliseconds. `id`: unique. `session`: whose order counts (default: the channel).
        `channel`: where the notice belongs. `note`: what it must contain; notes must tell requests apart.
        `not_before_ready` (default true): nothing of it may be seen before READY or RESUMED of the bot's connection.
    {"t": …, "kind": "ack", "id": "r1"}
        The product promised it. Only promised requests must arrive; others may arrive, at most once.
        A request line with `"acknowledged": true` says both at once.
    {"t": …, "kind": "cancel", "id": "r1"}
        It was cancelled or replaced: it need not arrive, but still at most once.

LOOPBACK.jsonl: the event log of the local Discord. Used are `message_created`, `ready`, `resumed`, `close`, `stop`.

A notice ends in a line that carries its wake id: 22 letters and digits. The note may be in the message or in an
attached text file. One notice may carry several notes (coalesced). Messages by people are ignored.

Verdict, on standard output; exit code 0 if all holds, 1 if anything is violated, 2 if the input can't be read:

    lost          a promised request's note was never seen
    wrong-channel it was seen, but in another channel
    twice         a note was seen in more than one message
    wake-twice    one wake id was seen in more than one message
    no-wake-id    a bot's message has no wake id in its last line
    unasked       a bot's message carries no note that was asked for
    too-early     a message was made while its bot had no connection that was READY or RESUMED
                  (250 ms after one has ended, requests in flight are forgiven)
    before-asked  a message was made before its request (clocks of one machine: 50 ms of grace)
    order         notes of one session were seen in another order than they were promised in
"""

import argparse
import json
import re
import sys
from dataclasses import dataclass, field

WAKE_ID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{22}(?![0-9A-Za-z])")
GRACE_MS = 50
# A request in flight when the connection broke can't be recalled.
IN_FLIGHT_MS = 250


@dataclass
class Request:
    id: str
    t: int
    channel: str
    session: str
    note: str
    not_before_ready: bool = True
    place: int = 0
    acknowledged: bool = False
    cancelled: bool = False


@dataclass
class Seen:
    id: str
    t: int
    place: int
    channel: str
    text: str
    last_line: str
    wakes: list = field(default_factory=list)
    ready: bool = False


class BadInput(Exception):
    pass


def lines(text: str, name: str):
    rows = text.splitlines()
    for number, row in enumerate(rows, 1):
        if not row.strip():
            continue
        try:
            value = json.loads(row)
        except json.JSONDecodeError as error:
            if number == len(rows) and not text.endswith("\n"):
                return  # the writer was killed in the middle of its last line
            raise BadInput(f"{name}:{number}: no JSON: {error}") from error
        if not isinstance(value, dict):
            raise BadInput(f"{name}:{number}: no object")
        yield number, value


def read_requests(text: str) -> dict:
    requests = {}
    for number, row in lines(text, "requests"):
        kind, name = row.get("kind"), row.get("id")
        if kind == "request":
            if name in requests:
                raise BadInput(f"requests:{number}: id {name!r} is used twice")
            missing = [key for key in ("id", "t", "channel", "note") if not row.get(key)]
            if missing:
                raise BadInput(f"requests:{number}: missing {', '.join(missing)}")
            requests[name] = Request(
                id=name,
                t=row["t"],
                channel=str(row["channel"]),
                session=row.get("session") or str(row["channel"]),
                note=row["note"],
                not_before_ready=row.get("not_before_ready", True),
                place=number,
                acknowledged=bool(row.get("acknowledged")),
            )
        elif kind in ("ack", "cancel"):
            if name not in requests:
                raise BadInput(f"requests:{number}: {kind} of {name!r}, which was never requested")
            if kind == "ack":
                requests[name].acknowledged = True
                requests[name].place = number
            else:
                requests[name].cancelled = True
        else:
            raise BadInput(f"requests:{number}: kind is {kind!r}; known: request, ack, cancel")
    notes = {}
    for request in requests.values():
        other = notes.setdefault(flat(request.note), request.id)
        if other != request.id:
            raise BadInput(f"requests: {other!r} and {request.id!r} have the same note; it must tell them apart")
    return requests


def flat(text: str) -> str:
    """Text without what Discord may change: runs of white space, and backslashes put before markdown or mentions."""
    return re.sub(r"[\s\\\u200b]+", " ", text).strip()


def read_log(text: str) -> list:
    """The bot's messages in the order in which they became visible, each with whether its bot was ready then."""
    live, ended, seen = {}, {}, []
    for place, row in lines(text, "log"):
        event = row.get("event")
        if event in ("ready", "resumed"):
            live[row.get("conn")] = str(row.get("bot"))
        elif event == "close":
            if row.get("conn") in live:
                ended[live.pop(row["conn"])] = row["t"]
        elif event == "stop":
            live.clear()
            ended.clear()
        elif event == "message_created" and row.get("bot"):
            content, author = row.get("content", ""), str(row.get("author"))
            files = [file.get("text") or "" for file in row.get("attachments", [])]
            stripped = content.rstrip().split("\n")
            seen.append(
                Seen(
                    id=row["id"],
                    t=row["t"],
                    place=place,
                    channel=str(row["channel"]),
                    text=flat("\n".join([content, *files])),
                    last_line=stripped[-1],
                    wakes=WAKE_ID.findall(stripped[-1]),
                    ready=author in live.values() or row["t"] - ended.get(author, row["t"] - 10**9) <= IN_FLIGHT_MS,
                )
            )
    return seen


def contains(text: str, note: str, notes: list) -> bool:
    """Whether the text carries this note, and not only a longer one that begins or ends with it."""
    if note not in text:
        return False
    rest = text
    for longer in notes:
        if len(longer) > len(note) and note in longer:
            rest = rest.replace(longer, " ")
    return re.search(r"(?<!\w)" + re.escape(note) + r"(?!\w)", rest) is not None


def judge(requests_text: str, log_text: str, allow_pending: bool = False) -> list:
    requests, seen = read_requests(requests_text), read_log(log_text)
    notes = [flat(request.note) for request in requests.values()]
    violations = []

    def violate(kind: str, what: str) -> None:
        violations.append((kind, what))

    carriers = {name: [] for name in requests}
    for message in seen:
        carried = [r for r in requests.values() if contains(message.text, flat(r.note), notes)]
        where = f"message {message.id} in {message.channel}"
        if not carried:
            violate("unasked", f"{where} carries no note that was asked for: {message.text[:80]!r}")
        if not message.wakes:
            violate("no-wake-id", f"{where} ends in {message.last_line[:80]!r}")
        for request in carried:
            carriers[request.id].append(message)
            if request.not_before_ready and not message.ready:
                violate("too-early", f"{where} was made before READY or RESUMED (request {request.id})")
            if message.t + GRACE_MS < request.t:
                violate("before-asked", f"{where} was made {request.t - message.t} ms before request {request.id}")

    by_wake = {}
    for message in seen:
        for wake in message.wakes[-1:]:
            by_wake.setdefault(wake, []).append(message)
    for wake, messages in by_wake.items():
        if len(messages) > 1:
            violate("wake-twice", f"wake {wake} is in messages {', '.join(m.id for m in messages)}")

    for request in requests.values():
        messages = carriers[request.id]
        right = [m for m in messages if m.channel == request.channel]
        for message in messages:
            if message.channel != request.channel:
                violate("wrong-channel", f"request {request.id} is for {request.channel}, seen in {message.channel}")
        if len(messages) > 1:
            violate("twice", f"request {request.id} is in messages {', '.join(m.id for m in messages)}")
        if request.acknowledged and not request.cancelled and not right and not allow_pending:
            violate("lost", f"request {request.id} ({request.note[:60]!r}) was promised and never seen in {request.channel}")

    latest = {}
    for request in sorted((r for r in requests.values() if r.acknowledged), key=lambda r: r.place):
        if not carriers[request.id]:
            continue
        first = carriers[request.id][0]
        key = (request.session, request.channel)
        before = latest.get(key)
        if before and first.place < before[1].place:
            violate("order", f"session {request.session}: {request.id} was seen before {before[0].id}, promised earlier")
        if not before or first.place >= before[1].place:
            latest[key] = (request, first)
    return violations


# ── Self-test: good histories pass, and each bad one is rejected for its own reason ──────────────────────────────────

BOT, ROOM, OTHER = "900", "100", "101"
WAKES = ["A" * 21 + str(digit) for digit in range(10)]


def ask(name, note, channel=ROOM, t=1_000, ack=True, **more):
    rows = [{"t": t, "kind": "request", "id": name, "session": "s", "channel": channel, "note": note, **more}]
    return rows + ([{"t": t + 1, "kind": "ack", "id": name}] if ack else [])


def ready(conn=1, event="ready"):
    return [{"t": 1_500, "event": event, "conn": conn, "bot": BOT}]


def gone(conn=1):
    return [{"t": 1_600, "event": "close", "conn": conn}]


def post(name, text, wake=0, channel=ROOM, t=2_000, bot=True, files=()):
    content = text if wake is None else f"{text}\n-# wake {WAKES[wake]}"
    attachments = [{"filename": "note.md", "text": file} for file in files]
    return [
        {"t": t, "event": "message_created", "id": name, "channel": channel, "author": BOT if bot else "1", "bot": bot}
        | {"content": content, "attachments": attachments}
    ]


def dump(rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def self_test() -> int:
    one, two = ask("r1", "note one"), ask("r2", "note two", t=1_010)
    cases = [
        ("nothing asked, nothing seen", [], [], None),
        ("one asked, one seen", one, ready() + post("m1", "note one"), None),
        ("after a resume", one, ready() + gone() + ready(2, "resumed") + post("m1", "note one"), None),
        ("two notes in one notice", one + two, ready() + post("m1", "- note one\n- note two"), None),
        ("the note in a file", one, ready() + post("m1", "long, see note.md", files=["x\nnote one\ny"]), None),
        ("people may say anything", one, ready() + post("m0", "note one", None, bot=False) + post("m1", "note one"), None),
        ("a request without promise may be lost", ask("r1", "note one", ack=False), ready(), None),
        ("a cancelled one may be lost", one + [{"t": 3, "kind": "cancel", "id": "r1"}], ready(), None),
        ("one note within another", ask("r1", "note") + ask("r2", "note two"), ready() + post("m1", "note")
         + post("m2", "note two", 1), None),
        ("in order", one + two, ready() + post("m1", "note one") + post("m2", "note two", 1), None),
        ("other channels have their own order", one + ask("r2", "note two", OTHER), ready()
         + post("m2", "note two", 1, OTHER) + post("m1", "note one"), None),
        ("before ready, where that was allowed", ask("r1", "note one", not_before_ready=False), post("m1", "note one"), None),
        ("in flight when the connection broke", one, ready() + gone() + post("m1", "note one", t=1_700), None),
        ("lost", one, ready(), "lost"),
        ("lost: only a longer note was seen", ask("r1", "note") + ask("r2", "note two"), ready() + post("m1", "note two"), "lost"),
        ("wrong channel", one, ready() + post("m1", "note one", channel=OTHER), "wrong-channel"),
        ("seen twice", one, ready() + post("m1", "note one") + post("m2", "note one", 1), "twice"),
        ("seen twice though never promised", ask("r1", "note one", ack=False), ready() + post("m1", "note one")
         + post("m2", "note one", 1), "twice"),
        ("one wake twice", one + two, ready() + post("m1", "note one") + post("m2", "note two", 0), "wake-twice"),
        ("no wake id", one, ready() + post("m1", "note one", None), "no-wake-id"),
        ("wake id not in the last line", one, ready() + post("m1", f"{WAKES[0]}\nnote one", None), "no-wake-id"),
        ("unasked", one, ready() + post("m1", "note one") + post("m2", "surprise", 1), "unasked"),
        ("before ready", one, post("m1", "note one") + ready(), "too-early"),
        ("between two connections", one, ready() + gone() + post("m1", "note one"), "too-early"),
        ("after another bot's ready", one, [{"t": 1, "event": "ready", "conn": 1, "bot": "901"}] + post("m1", "note one"), "too-early"),
        ("before it was asked", one, ready() + post("m1", "note one", t=900), "before-asked"),
        ("out of order", one + two, ready() + post("m2", "note two", 1) + post("m1", "note one"), "order"),
    ]
    failed = 0
    for name, requests, log, expected in cases:
        kinds = {kind for kind, _ in judge(dump(requests), dump(log))}
        wrong = kinds != set() if expected is None else expected not in kinds
        failed += wrong
        print(f"{'WRONG' if wrong else 'ok   '} {name}: expected {expected or 'no violation'}, found {sorted(kinds) or 'none'}")
    bad_inputs = [
        ("no JSON", "{\n", ""),
        ("no object", "[]\n", ""),
        ("unknown kind", '{"kind":"wish"}\n', ""),
        ("ack of nothing", '{"kind":"ack","id":"x"}\n', ""),
        ("same note twice", dump(one + ask("r2", "note one")), ""),
        ("torn line inside the log", "", '{"event":"rea\n{"event":"stop"}\n'),
    ]
    for name, requests, log in bad_inputs:
        try:
            judge(requests, log)
            failed += 1
            print(f"WRONG bad input accepted: {name}")
        except BadInput as error:
            print(f"ok    bad input refused: {name}: {error}")
    if judge(dump(one), dump(ready() + post("m1", "note one")) + '{"event":"mess'):
        failed += 1
        print("WRONG a torn last line of the log is not the product's fault")
    print(f"self-test: {'FAILED, ' + str(failed) + ' wrong' if failed else 'passed'}")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requests", nargs="?")
    parser.add_argument("log", nargs="?")
    parser.add_argument("--allow-pending", action="store_true", help="promised requests may still be on their way")
    parser.add_argument("--json", action="store_true", help="print the verdict as one JSON object")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    if not options.requests or not options.log:
        parser.error("two files are needed (or --self-test)")
    try:
        with open(options.requests, encoding="utf-8") as file:
            requests_text = file.read()
        with open(options.log, encoding="utf-8") as file:
            log_text = file.read()
        violations = judge(requests_text, log_text, options.allow_pending)
        requests, seen = read_requests(requests_text), read_log(log_text)
    except (BadInput, OSError, UnicodeDecodeError) as error:
        print(f"input: {error}", file=sys.stderr)
        return 2
    promised = sum(request.acknowledged for request in requests.values())
    if options.json:
        rows = [{"kind": kind, "what": what} for kind, what in violations]
        print(json.dumps({"requests": len(requests), "promised": promised, "messages": len(seen), "violations": rows}))
    else:
        for kind, what in violations:
            print(f"VIOLATION {kind}: {what}")
        verdict = f"{len(violations)} VIOLATIONS" if violations else "all hold"
        print(f"{len(requests)} requests ({promised} promised), {len(seen)} messages: {verdict}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
