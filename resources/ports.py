"""Free ports on loopback for the servers that Touchline starts."""

from __future__ import annotations

import random
import socket

# Below the range that outgoing connections take theirs from: a restarted server, whose port the
# others know, finds it free.
_CANDIDATES = range(20_000, 32_000)


def port_is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1 at this port now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_ports(count: int) -> list[int]:
    """This many free ports, all different. Raises OSError where there are not so many."""
    free: list[int] = []
    for port in random.sample(_CANDIDATES, len(_CANDIDATES)):
        if len(free) == count:
            return free
        if port_is_free(port):
            free.append(port)
    raise OSError(f"no {count} free ports on 127.0.0.1")
