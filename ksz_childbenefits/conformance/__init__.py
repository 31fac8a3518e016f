"""The conformance kit: the samples, signed freshly, sent to a service, and its answers judged.

It is a customer's view of the wire (SECURITY 1 to 4, 6; DOMAIN 5). It signs with a small signer of
its own and verifies with signxml, so that it is an oracle for the service and not its mirror.
``samples/README.md`` describes the cases.
"""
