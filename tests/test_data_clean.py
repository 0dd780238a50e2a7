import pytest

from data.clean import paragraphs

HEADLINE = "Menteri Pertahanan Bahas Perbatasan di Astana"
PROSE = "Para menteri membahas keamanan perbatasan di Astana pada hari Rabu."


def kept(page: str) -> list[str]:
    return [page[start:end] for start, end in paragraphs(page)]


@pytest.mark.parametrize(
    "line",
    [
        "Baca Juga: Ramalan Zodiak Hari Ini, Gemini Banjir Rezeki",
        "BACA JUGA Artis Ini Menikah Lagi",
        "Read also: Ten recipes for the weekend",
        "Editor: Budi Santoso",
        "Penulis : Siti",
        "By Jane Doe",
        "Senin, 1 Juli 2024 15:53:15 WIB",
        "- 17 September 2021, 16:30 WIB",
        "July 4, 2024",
        "Komentar",
        "Tidak ada komentar",
        "Tags",
        "banner",
        "ILUSTRASI - Prajurit berjaga di pos perbatasan.*",
        "Prajurit berjaga di pos perbatasan kedua negara itu. /FOTO: Dok. Istimewa/",
        "Presiden berbicara di depan para menteri luar negeri (Reuters)",
        "Bagikan artikel ini ke temanmu",
        "Find Us On Social Media :",
        "Diberdayakan oleh Blogger.",
        "***",
        "(Uu.C003)",
    ],
)
def test_what_the_page_added_goes(line: str) -> None:
    assert kept(f"{HEADLINE}\n\n{PROSE}\n\n{line}\n\n{PROSE}") == [HEADLINE, PROSE, PROSE]


@pytest.mark.parametrize(
    "line",
    [
        "Foto-foto satelit menunjukkan penambahan pasukan di sana.",
        "Bagikan Hoaks di WhatsApp, Warga Bekasi Ditangkap Polisi",
        "Gambar itu diambil pada Senin oleh kantor berita setempat.",
        "Sumber keamanan mengatakan serangan terjadi sebelum fajar.",
        "Rusia - menurut Putin - siap membantu sekutunya kapan saja.",
        "Baca puisi menjadi acara penutup pertemuan para duta besar.",
        "By train the ministers travelled to the border town.",
        "Komentar presiden itu menuai protes dari Beijing.",
        "Russia - China ties are strong, the minister told reporters in Moscow.",
        "NATO - which has 32 members - will meet in July, its spokesman said.",
        "Tajikistan – Kyrgyzstan border clashes left dozens dead last week.",
        "Lanjut dia, situasi keamanan di sini sudah membaik sejak pekan lalu.",
        "The police showed what they had found. It was taken from the gunmen (photo and video recordings).",
        "Video: police said that the attackers came by night. Three men were killed.",
        "Tags were found on the smuggled rifles, police said.",
    ],
)
def test_what_only_looks_like_it_stays(line: str) -> None:
    assert line in kept(f"{HEADLINE}\n\n{PROSE}\n\n{line}")


@pytest.mark.parametrize(
    "dateline",
    [
        "Moskow (ANTARA News) - ",
        "JAKARTA, KOMPAS.com - ",
        "REPUBLIKA.CO.ID, JAKARTA -- ",
        "TEMPO.CO, Jakarta - ",
        "Liputan6.com, Jakarta - ",
        "Beijing, Radio Bharata Online - ",
        "PR CIREBON - ",
        "VIVA – ",
        "WASHINGTON (AP) — ",
        "NEW YORK, Jan 5 (Reuters) - ",
        "MOSCOW, March 11. /TASS/. ",
        "Tashkent -- ",
    ],
)
def test_a_dateline_is_cut_off_the_first_paragraph(dateline: str) -> None:
    assert kept(f"{HEADLINE}\n{dateline}{PROSE}") == [HEADLINE, PROSE]


@pytest.mark.parametrize("mark", ["***", "(*)", " (abc/def)", " (Reuters)", "*", " Baca juga: Resep sup labu untuk akhir pekan"])
def test_an_end_mark_is_cut_off(mark: str) -> None:
    assert kept(f"{HEADLINE}\n{PROSE}{mark}") == [HEADLINE, PROSE]


def test_a_first_paragraph_that_only_looks_like_a_dateline_stays_whole() -> None:
    for line in (
        "Russia - China ties are strong, the minister told reporters.",
        "NATO - which has 32 members - will meet in July, he said.",
    ):
        assert kept(line) == [line]


def test_text_wrapped_at_a_fixed_width_is_joined() -> None:
    page = (
        "The joint statement was published on Monday by the secretariat in\n"
        "Beijing after a long meeting of the ministers. Officials from\n"
        "Tajikistan said that more talks on the border would be held in\n"
        "Astana next month."
    )
    joined = page.replace("\n", " ")
    assert [" ".join(piece.split()) for piece in kept(page)] == [joined]


def test_headlines_of_other_articles_below_the_comments_go() -> None:
    page = f"{HEADLINE}\n{PROSE}\nBerita Lainnya\nForum Pangan Dunia Kedua Resmi Dibuka di Kota Roma\nbanner"
    assert kept(page) == [HEADLINE, PROSE]


def test_a_line_broken_in_mid_sentence_is_joined() -> None:
    assert kept(f"{HEADLINE}\n\nPara menteri membahas\nkeamanan perbatasan.") == [HEADLINE, "Para menteri membahas\nkeamanan perbatasan."]
