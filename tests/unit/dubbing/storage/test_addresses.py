"""Where a customer's URL may lead, form by form."""

from ipaddress import ip_address, ip_network

import pytest

from dubbing.storage.addresses import refusal

OPEN = (ip_network("10.20.0.0/16"), ip_network("fd00:20::/32"))
EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"])
def test_the_public_internet_may_be_asked(address: str) -> None:
    assert refusal(ip_address(address)) is None


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1", "192.0.2.1", "240.0.0.1"),
        *("fc00::1", "fd12:3456::1", "fec0::1", "2001:db8::1", "100::1"),
        *("::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::1"),
    ],
)
def test_private_networks_are_asked_only_where_the_operator_opens_them(address: str) -> None:
    assert refusal(ip_address(address)) is not None
    assert refusal(ip_address(address), OPEN) is not None
    assert refusal(ip_address(address), EVERYWHERE) is None


@pytest.mark.parametrize("address", ["10.20.3.4", "::ffff:10.20.3.4", "fd00:20::7"])
def test_what_the_operator_opens_may_be_asked(address: str) -> None:
    assert refusal(ip_address(address), OPEN) is None


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.1", "0.1.2.3", "::", "::1"),
        *("::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::1"),
        *("169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "fe80::1", "169.254.0.1"),
        *("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"),
        *("224.0.0.1", "255.255.255.255", "ff02::1"),
        "2001:0:a9fe:a9fe:0:0:80ff:fffe",  # Teredo: the client, 127.0.0.1, stands inverted at the end
    ],
)
def test_this_machine_and_metadata_are_never_asked_whatever_is_opened(address: str) -> None:
    assert refusal(ip_address(address), EVERYWHERE) is not None
