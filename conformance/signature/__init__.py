"""Signatures: a test PKI, trust, signing for tests, and the verifier that judges (TT 15/2025/TT-BKHCN, XML-DSig, XAdES)."""
