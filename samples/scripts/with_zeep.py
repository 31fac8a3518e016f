"""The same with zeep[xmlsec] alone. Usage: with_zeep.py URL CREDENTIALS_FOLDER SSIN."""

import sys
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import xmlsec
import zeep
from zeep.wsse.signature import BinarySignature, verify_envelope
from zeep.wsse.utils import WSU, get_security_header, get_timestamp

SHA256 = (xmlsec.Transform.RSA_SHA256, xmlsec.Transform.SHA256)


class Signature(BinarySignature):
    """zeep's own, with a Timestamp in what is sent, and replies verified with the service's key."""

    def apply(self, envelope, headers):
        now = datetime.now(UTC)
        times = WSU.Created(get_timestamp(now)), WSU.Expires(get_timestamp(now + timedelta(0, 300)))
        get_security_header(envelope).append(WSU.Timestamp(*times))
        return super().apply(envelope, headers)

    def verify(self, envelope):
        verify_envelope(envelope, str(folder.parent / "service.pem"))


url, folder, ssin = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
me = tomllib.loads((folder / "customer.toml").read_text())
signature = Signature(str(folder / "key.pem"), str(folder / "certificate.pem"), None, *SHA256)
client = zeep.Client(f"{url}?wsdl", wsse=signature)
reply = client.service.consultFilesBySsin(
    informationCustomer={"customerIdentification": {"cbeNumber": me["cbe_number"]}},
    legalContext=me["legal_context"],
    criteria={
        "ssin": ssin,
        "period": {"beginMonth": (2017, 1, None), "endMonth": (2024, 12, None)},
    },
)
print(reply.status.value, reply.status.code)
for result in reply.results.resultByAuthenticSource if reply.results else []:
    print(result.authenticSource, result.status.value)
