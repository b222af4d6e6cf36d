"""Free ports on loopback for the servers that Touchline starts."""

from __future__ import annotations

import random
import socket

_HOST = "127.0.0.1"
# Below the range that outgoing connections take theirs from: a restarted server, whose port the
# others know, finds it free.
_CANDIDATES = range(20_000, 32_000)


def port_is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1 at this port now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, port))
        except OSError:
            return False
    return True


def choose_ports(count: int) -> list[int]:
    """This many free ports, all different, that no other process chooses within the next minute.

    Raises OSError where there are not so many.
    """
    free: list[int] = []
    for port in random.sample(_CANDIDATES, len(_CANDIDATES)):
        if len(free) == count:
            return free
        if _reserve(port):
            free.append(port)
    raise OSError(f"no {count} free ports on {_HOST}")


def _reserve(port: int) -> bool:
    """Whether this port was free; then a connection that we closed lingers at it (TIME_WAIT).

    That keeps out who binds without SO_REUSEADDR, as this function, and lets in who binds with it,
    as servers do.
    """
    with socket.socket() as listener, socket.socket() as client:
        try:
            listener.bind((_HOST, port))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.listen(1)
            client.connect((_HOST, port))
        except OSError:
            return False
        connection, _ = listener.accept()
        connection.close()  # Before the client does: the linger is with who closes first.
        client.recv(1)
    return True
