from pathlib import Path

import pytest
import yaml

from data import codebook
from data.codebook import CodebookError, Task


def content() -> dict:
    return yaml.safe_load(codebook.DEFAULT_PATH.read_text(encoding="utf-8"))


def written(folder: Path, changed: dict) -> Path:
    path = folder / "codebook.yaml"
    path.write_text(yaml.safe_dump(changed, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def test_labels_keep_the_order_of_the_file(tmp_path: Path) -> None:
    changed = content()
    changed["topics"].reverse()
    expected = [topic["id"] for topic in changed["topics"]]
    assert codebook.load(written(tmp_path, changed)).labels(Task.topics) == expected


def test_saved_and_loaded_is_the_same(tmp_path: Path) -> None:
    book = codebook.load()
    codebook.save(book, tmp_path / "again.yaml")
    assert codebook.load(tmp_path / "again.yaml") == book


def test_a_changed_tag_changes_the_digest(tmp_path: Path) -> None:
    changed = content()
    changed["claims"][0]["support"]["tag"] = "an alliance"
    assert codebook.load(written(tmp_path, changed)).digest != codebook.load().digest


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda book: book["topics"].append(book["topics"][0]), ["topics", "terrorism", "more than once"]),
        (lambda book: book["claims"].append(book["claims"][2]), ["claims", "joint-counter-terrorism", "more than once"]),
        (lambda book: book["claims"][3].pop("oppose"), ["claims[3] (joint-counter-narcotics).oppose", "required"]),
        (lambda book: book["topics"][1].update(colour="red"), ["topics[1] (extremism).colour"]),
        (lambda book: book["topics"][1].update(id="two words"), ["topics[1] (two words).id"]),
    ],
)
def test_an_error_names_file_and_entry(tmp_path: Path, change, words: list[str]) -> None:
    changed = content()
    change(changed)
    path = written(tmp_path, changed)
    with pytest.raises(CodebookError) as error:
        codebook.load(path)
    for word in [str(path), *words]:
        assert word in str(error.value)


@pytest.mark.parametrize("raw", [b"topics: [", b"\xff\xfe\x00", b"- just\n- a list\n"])
def test_what_is_no_codebook_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "codebook.yaml"
    path.write_bytes(raw)
    with pytest.raises(CodebookError, match=r"codebook\.yaml"):
        codebook.load(path)
