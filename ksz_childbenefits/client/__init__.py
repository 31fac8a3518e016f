"""A zeep client for customers' scripts: signs what it sends, verifies whatever comes back.

``connect`` makes a client of a WSDL and credentials, ``connect_inscriptions`` one that maintains
the person repertory; ``Signature`` alone is the WS-Security plugin for a zeep client of one's own;
``errors`` draws what can go wrong as a tree.
"""

from ksz_childbenefits.client.connection import ChildBenefitsClient, connect
from ksz_childbenefits.client.credentials import Credentials, Tls, read_credentials
from ksz_childbenefits.client.errors import (
    ClientError,
    HttpRefusal,
    ServiceFault,
    ServiceUnreachable,
    UnreadableReply,
    UnsignedFault,
    UntrustedReply,
)
from ksz_childbenefits.client.inscriptions import (
    Inscription,
    InscriptionsClient,
    connect_inscriptions,
)
from ksz_childbenefits.client.signature import Signature

__all__ = [
    "ChildBenefitsClient",
    "ClientError",
    "Credentials",
    "HttpRefusal",
    "Inscription",
    "InscriptionsClient",
    "ServiceFault",
    "ServiceUnreachable",
    "Signature",
    "Tls",
    "UnreadableReply",
    "UnsignedFault",
    "UntrustedReply",
    "connect",
    "connect_inscriptions",
    "read_credentials",
]
