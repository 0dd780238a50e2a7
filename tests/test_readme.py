"""The README keeps its word: its commands exist, and the excerpt is what the demo prints."""

import re
from pathlib import Path

import pytest

from conftest import ROOT, Cli, rows

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^(?:\.venv/bin/)?sikap ((?:data )?\w+)(.*)$", README, re.MULTILINE)


@pytest.mark.parametrize(("command", "rest"), COMMANDS, ids=[f"{command}{rest}" for command, rest in COMMANDS])
def test_commands_and_options_exist(empty_cli: Cli, command: str, rest: str) -> None:
    help_text = empty_cli(*command.split(), "--help").stdout
    assert "Usage" in help_text
    for option in re.findall(r"--[\w-]+", rest):
        assert option in help_text


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_excerpt_is_real_output(cli: Cli, tmp_path: Path) -> None:
    assert cli("label", ROOT / "data" / "samples", "--out", tmp_path / "labels.jsonl").returncode == 0
    records = rows(tmp_path / "labels.jsonl")
    sentences = "\n".join(record["text"] for record in records)
    names = {entry.get("id", entry.get("tag")) for record in records for entry in record["topics"] + record["stances"]}
    excerpt = [[cell.strip() for cell in line.strip("│").split("│")] for line in README.splitlines() if line.startswith("│")]
    assert len(excerpt) > 5
    for sentence, *labels in excerpt:
        assert sentence in sentences
        assert {re.sub(r"\??( ?\d\.\d\d)?$", "", label) for label in labels} - {""} <= names
