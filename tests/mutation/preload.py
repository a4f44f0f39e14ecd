"""Imported once, inherited by every mutant's process: libraries, and ours below what is mutated."""

import fastapi
import httpx
import hypothesis
import jsonschema
import lxml.etree
import pydantic
import pytest
import signxml
import sqlalchemy
import typer
import xmlschema
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

import conformance.pack

__all__ = [
    "fastapi", "httpx", "hypothesis", "jsonschema", "lxml", "pydantic", "pytest", "rsa", "signxml", "sqlalchemy",
    "typer", "x509", "xmlschema",
]  # fmt: skip

conformance.pack.default_pack()
