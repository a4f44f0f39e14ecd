"""Ours, the floor under it, and how others do the same work: each gives the seconds of one pass over the documents."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import xmlschema
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier

from conformance.checking import Item, Plan
from conformance.checking.judging import context_of, judge_one
from conformance.checking.runners import seldom_collected
from conformance.document import read
from conformance.signature.verify import verify_document
from tests.benchmarks.documents import PACK
from tests.interop.tools import HERE, TOOLS, built_in

DS = "{http://www.w3.org/2000/09/xmldsig#}"
_HASHES: dict[str, Any] = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
Pass = Callable[[], float]
"""One pass over all documents: its seconds."""


class Unavailable(Exception):
    """Not on this machine, and why."""


def timed(work: Callable[[], object]) -> float:
    """Seconds of CPU that ``work`` takes in this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


# ------------------------------------------------------------------------------------------------------------- ours


def ours(data: Sequence[bytes], plan: Plan) -> Pass:
    """Everything that ``hocba check`` does with a file but for reading it from the disk and printing."""

    def work() -> None:
        for one in data:
            checked = judge_one(Item("x", data=one), plan)
            assert not checked.error
            assert not any(finding.requirement.startswith("PL1-KY-006") for finding in checked.findings)

    def one_pass() -> float:
        with seldom_collected():
            return timed(work)

    return one_pass


def our_signatures(data: Sequence[bytes], plan: Plan) -> Pass:
    """Parsing, all signatures and the paths of their certificates: what others call verifying."""
    trust = context_of(plan).trust
    assert trust is not None

    def work() -> None:
        for one in data:
            document = read(one, PACK).document
            assert document is not None
            for signature in verify_document(document, PACK).signatures:
                assert signature.value_good
                assert all(reference.good for reference in signature.references)
                assert signature.leaf is not None
                extra = [each for each in signature.parsed.certificates if not isinstance(each, str)]
                assert trust.path(signature.leaf, extra, plan.judged_at).good

    return lambda: timed(work)


# ------------------------------------------------------------------------------------------------------------ floor


def bare(data: Sequence[bytes], _: Plan) -> Pass:
    """The barest program: parse, libxml2 schema, C14N and SHA-256 of each reference, the public-key operations.

    It judges nothing else: no form, no algorithm, no certificate, no revocation, no rule.
    """
    schema = _schema()
    keys: dict[str, Any] = {}

    def work() -> None:
        for one in data:
            root = etree.fromstring(one)
            assert schema.validate(root)
            index = {element.get("Id"): element for element in root.iter() if element.get("Id")}
            for signature in root.iter(f"{DS}Signature"):
                key, value, info, pad, chosen = _job(signature, keys)
                for reference in info.iter(f"{DS}Reference"):
                    said = base64.b64decode(next(reference.iter(f"{DS}DigestValue")).text or "")
                    assert hashlib.sha256(_canonical(index[(reference.get("URI") or "")[1:]])).digest() == said
                key.verify(value, _canonical(info), pad, chosen)

    return lambda: timed(work)


def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(PACK.path("document", "schema.xsd"))))


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False, with_tail=False)


def _job(signature: etree._Element, keys: dict[str, Any]) -> tuple[Any, bytes, etree._Element, Any, Any]:
    """Key, value, SignedInfo, padding and hash of a signature; ``keys``: those read already."""
    text = next(signature.iter(f"{DS}X509Certificate")).text or ""
    if text not in keys:
        keys[text] = x509.load_der_x509_certificate(base64.b64decode(text)).public_key()
    method = signature[0][1].get("Algorithm") or ""
    chosen = next(kind for bits, kind in _HASHES.items() if f"sha{bits}" in method.lower())()
    pad: Any = padding.PSS(padding.MGF1(chosen), padding.PSS.AUTO) if "MGF1" in method else padding.PKCS1v15()
    return keys[text], base64.b64decode(signature[1].text or ""), signature[0], pad, chosen


def floor(data: Sequence[bytes], _: Plan) -> Pass:
    """What no checker in one process can do without, and only that: the calls into C are timed, nothing between them.

    Parse, libxml2 schema, C14N and SHA-256 of every part once (however many signatures refer to it), C14N of every
    SignedInfo, the public-key operations.
    """
    schema = _schema()
    keys: dict[str, Any] = {}

    def one_pass() -> float:
        total, clock = 0.0, time.process_time
        for one in data:
            began = clock()
            root = etree.fromstring(one)
            schema.validate(root)
            total += clock() - began
            index = {element.get("Id"): element for element in root.iter() if element.get("Id")}
            parts: dict[str, etree._Element] = {}
            jobs = []
            for signature in root.iter(f"{DS}Signature"):
                jobs.append(_job(signature, keys))
                for reference in signature[0].iter(f"{DS}Reference"):
                    parts[reference.get("URI") or ""] = index[(reference.get("URI") or "")[1:]]
            began = clock()
            for element in parts.values():
                hashlib.sha256(_canonical(element)).digest()
            for key, value, info, pad, chosen in jobs:
                key.verify(value, _canonical(info), pad, chosen)
            total += clock() - began
        return total

    return one_pass


# ----------------------------------------------------------------------------------------------------- other people


def script(data: Sequence[bytes], anchors: Path) -> Pass:
    """A straightforward script: xmlschema, then signxml for each signature with its path to the trust anchors (PEM)."""
    schema = xmlschema.XMLSchema(str(PACK.path("document", "schema.xsd")), allow="local")

    def work() -> None:
        for one in data:
            root = etree.fromstring(one)
            assert schema.is_valid(root)
            for box in root.iter(f"{{{PACK.binding.namespace}}}{PACK.signature.box}"):
                signature = next(box.iter(f"{DS}Signature"))
                XMLVerifier().verify(
                    root,
                    ca_pem_file=str(anchors),
                    id_attribute="Id",
                    expect_config=SignatureConfiguration(
                        location=f".//*[@Id='{box.get('Id')}']/",
                        expect_references=len(list(signature[0].iter(f"{DS}Reference"))),
                    ),
                )

    return lambda: timed(work)


def python_xmlsec(data: Sequence[bytes], _: Plan) -> Pass:
    """python-xmlsec over libxmlsec1: signatures alone."""
    try:
        import xmlsec
    except Exception as error:  # not installed, or built for another libxml2 than lxml's
        raise Unavailable(f"{type(error).__name__}: {error}") from error

    def work() -> None:
        for one in data:
            root = etree.fromstring(one)
            xmlsec.tree.add_ids(root, ["Id"])
            for signature in root.iter(f"{DS}Signature"):
                text = next(signature.iter(f"{DS}X509Certificate")).text or ""
                context = xmlsec.SignatureContext()
                context.key = xmlsec.Key.from_memory(base64.b64decode(text), xmlsec.constants.KeyDataFormatCertDer)
                context.verify(signature)

    return lambda: timed(work)


def xmlsec1(paths: Sequence[Path]) -> Pass:
    """The ``xmlsec1`` program, one process a signature, as scripts use it: wall time."""
    tool = TOOLS["xmlsec1"]
    if absent := tool.missing():
        raise Unavailable(absent)
    verifier = HERE / tool.source / "verify.sh"

    def one_pass() -> float:
        began = time.perf_counter()
        done = subprocess.run(
            ["sh", str(verifier), *map(str, paths)],
            capture_output=True, text=True, check=True, timeout=600,
        )  # fmt: skip
        took = time.perf_counter() - began
        _all_good(done.stdout.splitlines())
        return took

    return one_pass


def santuario(paths: Sequence[Path]) -> Pass:
    """Apache Santuario in one warm JVM, its start not counted: wall time."""
    tool = TOOLS["santuario"]
    if absent := tool.missing():
        raise Unavailable(absent)
    command = [word.format(built=built_in(tool)) for word in tool.verify]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def one_pass() -> float:
        assert process.stdin is not None
        assert process.stdout is not None
        lines: list[str] = []
        began = time.perf_counter()
        for path in paths:
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            while not (line := process.stdout.readline().rstrip("\n")).endswith("\tend"):
                lines.append(line)
        took = time.perf_counter() - began
        _all_good(lines)
        return took

    for _ in range(8):  # the JVM compiles what runs often
        one_pass()
    return one_pass


def _all_good(lines: Sequence[str]) -> None:
    wrong = [line for line in lines if line.split("\t")[2] != "ok"]
    if wrong or not lines:
        raise Unavailable(f"does not verify our documents: {wrong[0] if wrong else 'nothing'}"[:160])
