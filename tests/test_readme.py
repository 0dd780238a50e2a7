"""The README keeps its word: its commands exist, and the excerpt is what the demo prints."""

import re

import pytest

from conftest import ROOT, Cli

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^(?:\.venv/bin/)?sikap (\w+)(.*)$", README, re.MULTILINE)


@pytest.mark.parametrize(("command", "rest"), COMMANDS, ids=[f"{command}{rest}" for command, rest in COMMANDS])
def test_commands_and_options_exist(empty_cli: Cli, command: str, rest: str) -> None:
    help_text = empty_cli(command, "--help").stdout
    for option in re.findall(r"--[\w-]+", rest):
        assert option in help_text


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_excerpt_is_real_output(cli: Cli, tmp_path) -> None:
    assert cli("label", ROOT / "data" / "samples", "--out", tmp_path / "labels.jsonl").returncode == 0
    shown = " ".join(re.sub(r"[│┃?]|\d\.\d\d", " ", cli("show", tmp_path / "labels.jsonl").stdout).split())
    excerpt = re.findall(r"^│ (\S.*?) +│", README, re.MULTILINE)
    assert excerpt
    for line in excerpt:
        assert line.strip() in shown
