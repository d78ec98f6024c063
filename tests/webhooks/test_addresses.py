"""Which addresses messages go to, tried as somebody would who wants to reach what only we reach."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address

import pytest

from webhooks import transport
from webhooks.addresses import NO_CONNECTION, fault_of_url, is_allowed, is_public
from webhooks.transport import Transport, TryFailed

PUBLIC = "93.184.215.14"


@pytest.fixture
def production(settings):
    settings.PRODUCTION = True


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255",
        "192.168.1.1", "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200",
        "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "203.0.113.9", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "168.63.129.16",
        "::", "::1", "::7f00:1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254",
        "ff02::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
        # IPv4 in IPv6: mapped, 6to4, Teredo, NAT64 of its own and of a private prefix
        "::ffff:127.0.0.1", "::ffff:93.184.215.14", "2002:7f00:1::", "2002:5db8:d70e::",
        "2001:0:53aa:64c::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
    ],
)  # fmt: skip
def test_it_is_not_public(production, address):
    assert not is_public(ip_address(address))
    assert not is_allowed(address)


@pytest.mark.parametrize(
    "address", [PUBLIC, "8.8.8.8", "2606:2800:21f:cb07::1", "2a00:1450::1", "64:ff9b::5db8:d70e"]
)
def test_it_is_public(production, address):
    assert is_public(ip_address(address))
    assert is_allowed(address)


def test_development_may_send_to_its_own_machine():
    assert is_allowed("127.0.0.1")
    assert fault_of_url("http://127.0.0.1:9000/hook") is None


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "//example.com/", "example.com", "https://",
        "https:///path", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1:8443/",
        "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest", "https://user@example.com/",
        "https://user:pass@example.com/", "https://example.com/#part", "https://example.com:22/",
        "https://example.com:80/", "https://example.com:0/", "https://example.com:99999/",
        "https://example.com:x/", "https://exa mple.com/", "https://example.com/\n",
        "https://exämple.com/", "https://example.com\\@10.0.0.1/", "https://[fe80::1%25eth0]/",
        "https://[::1/", "", "https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://0/",
    ],
)  # fmt: skip
def test_a_url_is_refused_where_it_is_set(production, url):
    assert fault_of_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com", "https://example.com/hook?of=kyna&b=%20", "https://example.com:443/",
        "https://example.com:8443/hook", f"https://{PUBLIC}/", "https://[2606:2800:21f:cb07::1]/",
    ],
)  # fmt: skip
def test_a_url_is_taken(production, url):
    assert fault_of_url(url) is None


def post(url: str, resolve=None, seconds: float = 10.0) -> object:
    async def once() -> object:
        transport = Transport(resolve)
        try:
            return await transport.post(url, {}, "{}", seconds=seconds)
        finally:
            await transport.close()

    return asyncio.run(once())


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "2130706433", "0x7f.1", "127.1", "0"],
)
def test_no_form_of_the_own_machine_is_connected_to(production, receiver, host):
    with pytest.raises(TryFailed, match=NO_CONNECTION):
        post(f"http://{host}:{receiver.server_port}/")
    assert receiver.received == []


@pytest.mark.parametrize("others", [[PUBLIC], ["::ffff:127.0.0.1", PUBLIC], []])
def test_one_address_that_is_not_public_refuses_the_name(production, receiver, others):
    async def resolve(host: str) -> Sequence[str]:
        return [*others, "127.0.0.1"]

    with pytest.raises(TryFailed) as failed:
        post(f"http://evil.example:{receiver.server_port}/", resolve)
    assert str(failed.value) == NO_CONNECTION
    first = "::ffff:127.0.0.1" if len(others) == 2 else "127.0.0.1"
    assert failed.value.detail == f"The address {first} of evil.example is not public."
    assert receiver.received == []


class Names:
    """A resolver whose answer to each question is the next of `answers`."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.questions = answers, 0

    async def resolve(self, host: str) -> Sequence[str]:
        self.questions += 1
        return [self.answers[min(self.questions, len(self.answers)) - 1]]


def test_a_name_that_changes_its_answer_reaches_nothing(production, receiver):
    """Public where it is checked, and ours a moment later: it is resolved once a connection."""
    url, names = f"http://rebind.example:{receiver.server_port}/", Names(PUBLIC, "127.0.0.1")
    # The connection goes to the address that was checked, where nobody answers.
    with pytest.raises(TryFailed, match=NO_CONNECTION) as first:
        post(url, names.resolve, seconds=0.5)
    assert names.questions == 1
    with pytest.raises(TryFailed, match=NO_CONNECTION) as second:
        post(url, names.resolve)
    assert names.questions == 2
    assert "not public" not in first.value.detail
    assert second.value.detail == "The address 127.0.0.1 of rebind.example is not public."
    assert receiver.received == []


def test_the_name_is_what_the_receiver_is_asked_for(receiver):
    url = f"http://hook.example:{receiver.server_port}/in?a=%2F"
    assert post(url, Names("127.0.0.1").resolve) == (200, "thanks")
    [received] = receiver.received
    assert received.headers["host"] == f"hook.example:{receiver.server_port}"
    assert received.path == "/in?a=%2F"


@contextmanager
def filtered() -> Iterator[int]:
    """A port of this machine whose queue is full, so that nobody answers who connects."""
    with socket.socket() as listener, ExitStack() as full:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = full.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_a_customer_reads_nothing_of_what_refuses_a_connection(production, monkeypatch):
    """Staff read which it was. For the last two this machine counts as public."""
    told = {}

    def tell(what: str, url: str, resolve=None) -> None:
        with pytest.raises(TryFailed) as failed:
            post(url, resolve, seconds=0.5)
        told[what] = (str(failed.value), failed.value.detail)

    async def unknown(host: str) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def never(host: str) -> Sequence[str]:
        await asyncio.sleep(3600)
        return []

    tell("literal", "http://10.1.2.3/")
    tell("name", "http://db.internal/", Names("10.1.2.3").resolve)
    tell("unknown", "http://db.internal/", unknown)
    tell("unanswered", "http://db.internal/", never)
    monkeypatch.setattr(transport, "is_allowed", lambda address: True)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        tell("refused", f"http://127.0.0.1:{port}/")
    with filtered() as silent:
        tell("filtered", f"http://127.0.0.1:{silent}/")
    assert {text for text, _ in told.values()} == {NO_CONNECTION}
    assert {what: detail for what, (_, detail) in told.items() if what != "refused"} == {
        "literal": "The address 10.1.2.3 is not public.",
        "name": "The address 10.1.2.3 of db.internal is not public.",
        "unknown": "The name db.internal can't be resolved: Name or service not known.",
        "unanswered": "No connection within 0.5 s.",
        "filtered": "No connection within 0.5 s.",
    }
    assert f"('127.0.0.1', {port})" in told["refused"][1]
