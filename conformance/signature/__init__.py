"""Making and verifying signatures, certificates, trust and revocation; policy comes from the pack."""
