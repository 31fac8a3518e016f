"""Which source knows a child? Usage: with_client.py URL CREDENTIALS_FOLDER SSIN."""

import sys
from pathlib import Path

from ksz_childbenefits.client import connect, read_credentials

url, folder, ssin = sys.argv[1:]
client = connect(f"{url}?wsdl", read_credentials(Path(folder)))
reply = client.consult(ssin, begin="2017-01", end="2024-12")
print(reply.status.value, reply.status.code)
for result in reply.results.resultByAuthenticSource if reply.results else []:
    print(result.authenticSource, result.status.value)
