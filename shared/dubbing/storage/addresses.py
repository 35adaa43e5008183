"""Where a customer's URL may lead: to the public internet, and to what the operator has opened.

What counts is the address that is connected to, however the URL writes it: as a name, as 127.1, as 2130706433 or 0x7f000001. An
IPv6 address that carries an IPv4 address (mapped, compatible, 6to4, Teredo, NAT64) is judged by what it carries.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NEVER = {
    "this machine": ("0.0.0.0/8", "127.0.0.0/8", "::/128", "::1/128"),
    # Metadata of most clouds is link-local; the others have addresses of their own: Alibaba, Azure, Oracle, AWS, Google.
    "a link-local address": ("169.254.0.0/16", "fe80::/10"),
    "a cloud's metadata": ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"),
    "no single machine": ("224.0.0.0/4", "255.255.255.255", "ff00::/8"),
}
_REFUSED = [(ip_network(network), what) for what, networks in _NEVER.items() for network in networks]
_LAST_32_BITS = [ip_network(network) for network in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48")]


def refusal(address: Address, opened: Iterable[Network] = ()) -> str | None:
    """Why an address must not be connected to, in words; None where it may.

    Args:
        address: as it was resolved.
        opened: private networks that the operator has opened.
    """
    judged = _carried(address)
    for network, what in _REFUSED:
        if judged in network or address in network:
            return f"it is {what}"
    public = judged.is_global and not (isinstance(judged, IPv6Address) and judged.is_site_local)
    if public or any(judged in network for network in opened):
        return None
    return "it is in a private network that the operator has not opened"


def _carried(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in _LAST_32_BITS) and int(address) > 1:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)
