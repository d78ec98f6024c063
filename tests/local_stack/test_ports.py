"""Ports of processes that look for them at once."""

import pytest

from dev.local_stack import ports


@pytest.mark.parametrize("also_free", [0, 1000])
def test_each_has_a_part_of_its_own(monkeypatch: pytest.MonkeyPatch, also_free: int) -> None:
    monkeypatch.setattr(ports, "_range", ports._range)
    monkeypatch.setattr(ports, "_given", set())
    parts = []
    for number in range(3):
        ports.share_ports(number, 3)
        given = {ports.free_port(also_free) for _ in range(50)}
        parts.append(given | {port + also_free for port in given})
        assert parts[-1] <= set(ports._range)
    assert len(set.union(*parts)) == sum(map(len, parts))
    # One that takes the place of a worker that died.
    ports.share_ports(3, 3)
    assert ports._range[0] == ports.FIRST_PORT
