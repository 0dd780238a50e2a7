"""What the OpenAPI description promises, held against a real server by schemathesis: requests that keep to it and requests that do not."""

import json
import subprocess
import sys
from pathlib import Path

from test_serve_app import Server

from conftest import Cli

EXAMPLES = 20  # of each operation, beside those that are made from the description one by one
CHECKS = """
[checks.positive_data_acceptance]  # no description can say which labels a model has, and whether a text has a sentence in it
enabled = false
[checks.negative_data_rejection]
expected-statuses = [400, 405, 413, 422]
"""


def test_the_server_keeps_to_its_description(store: Cli, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CHECKS)
    server = Server(store, "--quiet")
    try:
        command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.address}/openapi.json", "--no-color"]
        command += ["--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--generation-deterministic"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        operations = sum(len(methods) for methods in server.json("/openapi.json")["paths"].values())
        assert f"Tested: {operations}" in done.stdout
        assert json.loads(server.ask("/readyz")[1])["ready"]
    finally:
        server.stop()
    assert "Traceback" not in server.log.read_text()
