"""Ports for servers that start later than they are chosen."""

from __future__ import annotations

import random
import socket

import pytest

from resources import ports
from resources.ports import choose_ports, port_is_free


def test_a_chosen_port_is_not_chosen_again_and_a_server_may_listen_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ports, "_CANDIDATES", random.sample(range(20_000, 32_000), 6))
    chosen = [*choose_ports(2), *choose_ports(2)]

    assert len(set(chosen)) == 4
    with pytest.raises(OSError, match="no 3 free ports"):
        choose_ports(3)
    for port in chosen:
        assert port_is_free(port)
        # Python's, Go's, gRPC's and uvicorn's servers all say SO_REUSEADDR.
        socket.create_server(("127.0.0.1", port)).close()


def test_a_port_that_somebody_listens_at_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports, "_CANDIDATES", [port])
        assert not port_is_free(port)
        with pytest.raises(OSError, match="no 1 free ports"):
            choose_ports(1)
