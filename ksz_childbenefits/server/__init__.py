"""The HTTP server: bounded protocol → door → WSGI application of spyne (SECURITY 1)."""
