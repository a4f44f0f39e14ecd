"""Which certificate the software under test shows: recorded for the report, never judged here."""

from __future__ import annotations

import hashlib
import ssl
from urllib.parse import urlsplit

PATIENCE = 5.0
"""Seconds for a handshake."""


def fingerprint(url: str) -> str:
    """SHA-256 (hex) of the server's certificate; empty without TLS, or when no handshake comes about."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return ""
    try:
        pem = ssl.get_server_certificate((parts.hostname, parts.port or 443), timeout=PATIENCE)
    except (OSError, ValueError):
        return ""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
