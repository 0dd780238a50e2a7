"""Pairs of text and target, and the claim bank that is made of them."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from conftest import ROOT, rows, shipped_rows, write_rows
from data import codebook, pairs, wordings
from data.corpus import CorpusError
from data.pairs import Pair
from data.text import normalise

BANK = ROOT / "data" / "bank"


def test_rows_of_stance_and_of_inference_read_alike(tmp_path: Path) -> None:
    content = [
        {"text": "They left.", "target": "the base", "stance": "oppose", "seen": 1},
        {"premise": "Hujan turun.", "hypothesis": "Hari basah.", "label": "entailment"},
        {"premise": "Hujan turun.", "hypothesis": "Hari kering.", "label": "contradiction"},
        {"premise": "Hujan turun.", "hypothesis": "Hari Senin.", "label": "neutral"},
    ]
    found = pairs.load([write_rows(tmp_path / "rows.jsonl", content)])
    assert [pair.stance for pair in found] == ["oppose", "support", "oppose", "none"]
    assert found[1] == Pair("Hujan turun.", "Hari basah.", "support")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "a", "target": "b", "stance": "against"}, r":2: field 'stance': expected one of support, oppose, none.*'against'"),
        ({"text": "a", "target": "", "stance": "none"}, r":2: field 'target': expected a text, found ''"),
        ({"text": "a", "claim": "b"}, r":2: expected the fields text, target, stance or premise.*found text, claim"),
    ],
)
def test_a_wrong_row_is_named(row: dict, said: str, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", [{"text": "a", "target": "b", "stance": "none"}, row])
    with pytest.raises(CorpusError, match=said):
        pairs.load([path])


def test_pairs_are_told_from_labelled_sentences(tmp_path: Path) -> None:
    labelled = write_rows(tmp_path / "labelled.jsonl", shipped_rows(limit=2))
    assert pairs.split([labelled, pairs.SHIPPED[0], ROOT / "data" / "corpus" / "train"]) == (
        [labelled, ROOT / "data" / "corpus" / "train"],
        [pairs.SHIPPED[0]],
    )


def test_the_bank_has_every_claim_in_both_languages_and_all_stances() -> None:
    claims = wordings.load(wordings.OF_BANK)
    assert len(claims) >= 150
    assert not claims.keys() & {claim.id for claim in codebook.load().claims}
    stances: dict[str, Counter[str]] = defaultdict(Counter)
    for split in ("train", "few", "test"):
        for row in rows(BANK / f"{split}.jsonl"):
            assert row["target"] == claims[row["claim"]].statement[row["lang"]]
            stances[row["claim"]][row["stance"]] += 1
    assert stances.keys() == claims.keys()
    assert all(stances[claim][stance] >= 6 for claim in claims for stance in pairs.STANCES)
    assert all(claim.wordings[language] and claim.negated[language] for claim in claims.values() for language in ("id", "en"))


def test_twenty_claims_are_held_out_whole() -> None:
    learned, few, test = ({row["claim"] for row in rows(BANK / f"{split}.jsonl")} for split in ("train", "few", "test"))
    assert len(test) == 20
    assert few == test
    assert not learned & test
    texts = [normalise(row["text"]) for split in ("train", "few", "test") for row in rows(BANK / f"{split}.jsonl")]
    assert len(set(texts)) == len(texts)
    with pytest.raises(CorpusError, match="claim bank's test"):
        pairs.refuse_test(pairs.load([BANK / "test.jsonl"]))
    pairs.refuse_test(pairs.load([BANK / "few.jsonl"]))


def test_every_claim_of_the_codebook_has_twelve_wordings_in_each_language() -> None:
    words = wordings.load(wordings.OF_CODEBOOK)
    book = codebook.load()
    assert list(words) == [claim.id for claim in book.claims]
    for claim in book.claims:
        for language in book.languages:
            assert len({claim.statement[language], *words[claim.id].wordings[language]}) > 12
            assert words[claim.id].negated[language]


def test_the_behaviour_suite_has_its_kinds_in_minimal_sets() -> None:
    cases = rows(pairs.BEHAVIOUR)
    kinds = Counter(case["kind"] for case in cases)
    assert len(kinds) == 9
    assert min(kinds.values()) >= 24
    claims = {claim.id for claim in codebook.load().claims}
    assert {case["claim"] for case in cases} == claims
    expected = defaultdict(set)
    for case in cases:
        expected[case["pair"]].add((case["claim"], case["expect"]))
    assert all(len(found) > 1 for found in expected.values()), "the cases of a set differ in what is expected"
    learned = {normalise(row["text"]) for row in shipped_rows()} | {normalise(pair.text) for pair in pairs.load(pairs.SHIPPED)}
    assert not learned & {normalise(case["text"]) for case in cases}
