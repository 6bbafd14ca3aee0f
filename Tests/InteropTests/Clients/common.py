"""What both clients share: they print one JSON object per line and nothing else on standard output."""

import json
import sys


def say(event: str, **fields) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


def arguments() -> tuple[str, str, str, int]:
    """REST base without version, gateway URL, token, channel."""
    rest, gateway, token, channel = sys.argv[1:5]
    return rest, gateway, token, int(channel)


def mode() -> str:
    return sys.argv[5]
