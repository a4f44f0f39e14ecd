"""schemathesis against the service in a process of its own: nothing it says breaks what its description says.

``make test-api``; the environment of ``make test`` has no schemathesis.
"""

from __future__ import annotations

import base64
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mock_moet.ministry import Settings
from mock_moet.server import Running
from tests.mock_moet.helpers import CONTROL, OTHER_SCHOOL, Client, Control, never_mind, transcript

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,unsupported_method"
)
EXAMPLES = 25


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A client of a real listener, with a record and an authorisation to be found."""
    with Running.start(Settings(control_token=CONTROL, judge=never_mind)) as running:
        http = httpx.Client(base_url=running.control_url, headers={"Authorization": f"Bearer {CONTROL}"})
        with http:
            made = Client(Control(http).open(label="schemathesis", judging="accept-all"))
            assert made.authenticate().status_code == 200
            content = base64.b64encode(transcript(str(uuid.UUID(int=7)))).decode()
            placed = http.post(f"/spaces/{made.space.space}/records", json={"content": content})
            assert placed.status_code == 201
            wanted = {"learner": "9900000001", "receiver": OTHER_SCHOOL}
            assert http.post(f"/spaces/{made.space.space}/authorisations", json=wanted).status_code == 201
            yield made
            made.http.close()


@pytest.mark.parametrize("authorised", [True, False])
def test_the_service_keeps_to_its_description(client: Client, authorised: bool, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    arguments = [
        str(program), "run", f"{client.space.baseUrl}/openapi.json", "--url", client.space.baseUrl,
        "--checks", CHECKS, "--max-examples", str(EXAMPLES if authorised else 3), "--seed", "1",
        "--phases", "examples,coverage,fuzzing", "--no-color", "--exclude-operation-id", "token",
        *(["-H", f"Authorization: Bearer {client.token}"] if authorised else []),
    ]  # fmt: skip
    # a batch with too many items is 413 here, which the tool does not count as a refusal by itself
    (tmp_path / "schemathesis.toml").write_text(
        "[checks]\nnegative_data_rejection.expected-statuses = "
        '["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "5xx"]\n'
    )
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=tmp_path, timeout=570, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
