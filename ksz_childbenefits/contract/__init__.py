"""The wire: namespaces, parsing, schemas, SOAP envelope, elements to domain values and back."""
