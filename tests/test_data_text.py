import pytest

from data import text


def pieces(paragraph: str, language: str = "id") -> list[str]:
    return [paragraph[start:end] for start, end in text.split(paragraph, language)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Dr. H. Joko Susilo, S.H., M.Si. tiba di Jl. M.H. Thamrin No. 5 pada pukul 17.30 WIB (16/5/2022).",
        "Harga minyak Rp 1.250,50 per liter naik 3,5 persen.",
        "PT. Pindad dan CV. Maju Jaya diundang oleh Letjen. Budi.",
        "U.S. President Joseph R. Biden Jr. said the U.S. will act on Jan. 5.",
        '"Benarkah?" tanya dia kepada para wartawan.',
    ],
)
def test_abbreviations_dates_and_numbers_end_no_sentence(sentence: str) -> None:
    assert pieces(f"Ia datang. {sentence} Lalu pergi.") == ["Ia datang.", sentence, "Lalu pergi."]


@pytest.mark.parametrize(("opening", "closing"), [('"', '"'), ("“", "”")])
def test_a_quotation_is_split_inside_and_keeps_its_marks(opening: str, closing: str) -> None:
    paragraph = f"{opening}Kami netral. SCO bukan blok militer. Itu jelas,{closing} kata dia. {opening}Selesai.{closing} Ia pergi."
    assert pieces(paragraph) == [
        f"{opening}Kami netral.",
        "SCO bukan blok militer.",
        f"Itu jelas,{closing} kata dia.",
        f"{opening}Selesai.{closing}",
        "Ia pergi.",
    ]


@pytest.mark.parametrize("paragraph", ["", "   ", "...", "“”", "👍👍", "\n\t"])
def test_no_words_no_sentences(paragraph: str) -> None:
    assert pieces(paragraph) == []


def test_language_is_told_apart() -> None:
    assert text.detect_language("Para menteri membahas penarikan pasukan dari perbatasan.") == "id"
    assert text.detect_language("Ministers discussed the withdrawal of troops from the border.") == "en"


def test_look_alikes_become_one() -> None:
    assert text.normalise("‘Blok’ — “militer”\u00a0\u200bSCO") == text.normalise("'Blok' - \"militer\" SCO")
