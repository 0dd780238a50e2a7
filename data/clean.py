"""Cleaning: which parts of a plain-text article, as web pages leave it, are its own words.

Related links, widgets, bylines, captions, date lines, datelines and end marks go; headline and paragraphs stay.
Nothing is rewritten: the result is a list of spans of the given text, so that offsets hold. HTML has its own way
(`data.html`), whose extracted text passes through here too.
"""

from __future__ import annotations

import re

from data.text import Span

_DAY = r"(?:senin|selasa|rabu|kamis|jum'?at|sabtu|minggu|ahad|monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
_MONTH = r"(?:jan|feb|mar|apr|mei|may|jun|jul|agu|aug|sep|okt|oct|nov|des|dec)[a-z]*\.?"
# A paragraph that begins with one of these is a link to another article.
_LINK = re.compile(
    r"\W*(?:(?:baca|lihat|simak|tonton)(?: juga| pula| selengkapnya)?\s*:|(?:baca|lihat|simak|tonton) (?:juga|pula|selengkapnya)\b"
    r"|(?:read|see|watch) (?:also|more)\b|also read\b|related(?: (?:articles?|stories|news|posts?))?\s*:)",
    re.IGNORECASE,
)
# So is one that matches one of these and is a single sentence.
_META = re.compile(
    "|".join(
        [
            # bylines, editors, sources
            r"(?:editor|penulis|reporter|pewarta|sumber|source|oleh|laporan|fotografer|penyunting|kontributor|redaktur|uploader"
            r"|penerjemah|author|written by|reporting by|editing by|tags?|topik|kategori|category|copyright)\s*(?:[:：©]|\(c\))",
            r"by (?-i:[A-Z][\w.'-]+ ?){1,4}$",
            r"(?:©|copyright\b|hak cipta\b)",
            # captions
            r"(?:ilustrasi|foto|photo|gambar|caption|image|video|infografis)(?:\s*[:|/]|\s+[-–—]\s|\W*$)",
            # a line that is only a date, with or without a time
            rf"[-–—|\s]*(?:{_DAY},?\s*)?"
            rf"(?:\d{{1,2}}[\s/.-]+(?:{_MONTH}|\d{{1,2}})[\s/.-]+\d{{2,4}}|{_MONTH}\s+\d{{1,2}},?\s+\d{{4}}|\d{{4}}-\d\d-\d\d)"
            r"[\s,|·•-]*(?:(?:pukul|at)?\s*\d{1,2}[:.]\d{1,2}(?:[:.]\d{1,2})?)?\s*(?:wib|wita|wit|gmt|utc|am|pm|est)?\W*$",
            # share and navigation
            r"(?:share|bagikan) (?:artikel|berita|ini|this|on|ke)\b|(?:follow|ikuti) (?:us|kami|our|kanal|saluran|channel)\b",
            r"(?:subscribe|berlangganan|gabung|join|dapatkan|download|unduh)\b[^.]{0,60}\b(?:newsletter|(?:whatsapp|telegram) channel"
            r"|(?:saluran|channel|grup) (?:whatsapp|telegram)|aplikasi kami|our app)\b",
            r"(?:scroll|klik|click|tap)\b[^.]{0,40}\b(?:to continue|untuk membaca|di sini|here)\W*$|lanjut(?:kan)? membaca\b",
            r"(?:find us on|diberdayakan oleh|powered by|artikel ini telah tayang|this article (?:was|first) )",
        ]
    ),
    re.IGNORECASE,
)
_TWO_SENTENCES = re.compile(r"\w[.!?][\"”]?\s+[A-Z\"“]")
_PHOTO_CREDIT = re.compile(
    r"[/(\[]\s*(?:(?:foto|photo|dok)\s*[.:/]|(?:ist|istimewa)\W|getty|shutterstock|pixabay|unsplash)[^)\]/]*[)\]/]?\W*$", re.IGNORECASE
)
_AGENCY = re.compile(r"\s*\((?:antara|reuters|afp|ap|epa|xinhua|tass|dpa|bbc|cnn|rtr|ant)\b[^)]{0,20}\)\W*$", re.IGNORECASE)

# A label of the page that stands alone in a line.
_LABEL = re.compile(
    r"\W*(?:ads|advertisement|back to top|bagikan|banner|beranda|berita|cari|cetak|close|editor|facebook|header ads|home|iklan"
    r"|internasional|international|kategori|leave a comment|log ?in|menu|nasional|news|next|previous|print|search|sebelumnya"
    r"|selanjutnya|share|sponsored|sumber|topik|tulis komentar|tutup|tweet|twitter|whatsapp|x)\W*$",
    re.IGNORECASE,
)
# After one of these, lines without an end mark are headlines of other articles.
_FOOTER = re.compile(
    r"(?:komentar|comments?|tags?|terkait|terkini|terpopuler|artikel (?:pilihan|terkait)"
    r"|berita (?:lainnya|terkait|terkini|populer|pilihan)|tidak ada komentar|no comments"
    r"|related (?:news|articles|stories)|more news|most read|recommended|rekomendasi)\W*$",
    re.IGNORECASE,
)
_INLINE_LINK = re.compile(
    r"\s*(?:[(\[]\s*(?:(?:baca|lihat|simak) juga|(?:read|see) also)\s*:[^)\]]*[)\]]\W*"
    r"|(?<![(\[])\b(?:(?:baca|lihat|simak) juga|(?:read|see) also)\s*:.*)$",
    re.IGNORECASE,
)
_END_MARK = re.compile(
    r"\s*(?:\*+|\(\*+\)|\[\*\]|[■□●]|\([a-z]\w{0,3}[./][\w./]{1,12}\)|\((?:red|tim|end)\)|\[\w{2,4}\]|-end-|#{2,})\s*$", re.IGNORECASE
)
_ENDED = re.compile(r"[.?!…][\"”’')\]]*$|[.?!…,][\"”]\s*\w[^.]*$|[\"”]\s*$")

_DOMAIN = r"(?i:[\w-]+\.(?:com|co\.id|co|id|net|news|org|tv)(?:/\w+)?)"
_OUTLET = r"(?:ANTARA|KBRN|VIVA|INILAH|Antara|Reuters|Xinhua|Sputnik|Bernama|Kyodo|Yonhap)"
_PLACE = r"[A-Z][\w.'-]*(?: [A-Z][\w.'-]*){0,3}"
_DASH = r"\s*(?:-{1,3}|[–—])"
# Always in front of a capital, a quotation or a figure; a bare "Russia - China ties" is no dateline.
_DATELINE = re.compile(
    r"\s*(?:"
    rf"(?:{_PLACE}(?:, [\w .]{{1,20}})?,? ?)?"
    rf"\((?:{_OUTLET}|{_DOMAIN}|[A-Z]{{2,}}|[A-Z][a-z]+)[^)]{{0,30}}\)(?:{_DASH}|:)"  # Moskow (ANTARA News) -
    rf"|(?:{_DOMAIN}|{_OUTLET}),?\s*(?:{_PLACE})?(?: \([^)]{{1,20}}\))?(?:{_DASH}(?=\s)|\s*[:|])"  # TEMPO.CO, Jakarta -
    rf"|[A-Z]{{6,}}(?:, [A-Z][\w .]{{2,30}})?{_DASH}(?=\s)"  # JAKARTA, KOMPAS -
    rf"|[A-Z]{{2,}} [A-Z][A-Z .'-]{{2,30}}(?:, [A-Z][\w .]{{2,30}})?{_DASH}(?=\s)"  # PR CIREBON -
    rf"|{_PLACE}, [A-Z][\w.]*(?: [A-Z][\w.]*){{0,4}}{_DASH}(?=\s)"  # Beijing, Radio Bharata Online -
    rf"|{_PLACE}\s+--(?=\s)"  # Tashkent --
    r"|[A-Z][A-Z .'-]+, (?:[A-Z][a-z]+\.? \d{1,2}\. )?/[A-Za-z ]+/\.?(?:\s*[-–—]{1,2})?"  # MOSCOW, March 11. /TASS/.
    r")\s*(?=[A-Z\d\"“'(])"
)


_WRAP = (50, 110)  # characters of a full line in text that was wrapped at a fixed width


def paragraphs(text: str) -> list[Span]:
    """Spans of the paragraphs that belong to the article, in order, datelines and end marks cut off.

    >>> page = "Rapat Digelar di Astana\\n\\nASTANA (Reuters) - Para menteri bertemu.\\nBaca Juga: Ramalan bintang\\nEditor: Budi"
    >>> [page[a:b] for a, b in paragraphs(page)]
    ['Rapat Digelar di Astana', 'Para menteri bertemu.']
    """
    kept: list[Span] = []
    prose = in_footer = False
    for start, end in _lines(text):
        line = text[start:end]
        if _FOOTER.match(line):
            in_footer = prose
            continue
        if _is_boilerplate(line):
            continue
        end = _cut_end(line) + start
        if end <= start:
            continue
        words = len(text[start:end].split())
        if not _ENDED.search(text[start:end]):
            # A line without an end mark is the headline, a subheading, a caption or a link; short ones are no sentences.
            if in_footer or words < (3 if not kept else 6):
                continue
        elif words >= 4:
            in_footer = False
            if not prose:
                prose = True
                dateline = _DATELINE.match(text, start, end)
                start = dateline.end() if dateline else start
        kept.append((start, end))
    return kept


def _lines(text: str) -> list[Span]:
    """Lines without surrounding space; one that was broken in the middle of a sentence is joined to the next."""
    raw: list[Span] = []
    for match in re.finditer(r"[^\n\r\f\v\u2028\u2029]+", text):
        piece = match.group()
        start, end = match.start() + len(piece) - len(piece.lstrip()), match.start() + len(piece.rstrip())
        if start < end:
            raw.append((start, end))
    ended = [bool(_ENDED.search(text[max(start, end - 80) : end])) for start, end in raw]
    # A text whose full lines mostly end in mid-sentence, none of them long, was wrapped at a fixed width.
    full = [is_end for (start, end), is_end in zip(raw, ended, strict=True) if end - start >= _WRAP[0]]
    wrapped = len(full) >= 3 and sum(full) < len(full) / 2 and max(end - start for start, end in raw) <= _WRAP[1]

    lines: list[Span] = []
    last: Span = (0, 0)
    last_ended = True
    for span, is_end in zip(raw, ended, strict=True):
        start = span[0]
        adjacent = bool(lines) and text[last[1] : start].count("\n") == 1 and not last_ended and text[last[1] - 1] not in ":;"
        if adjacent and (text[start].islower() or (wrapped and last[1] - last[0] >= _WRAP[0])):
            lines[-1] = (lines[-1][0], span[1])
        else:
            lines.append(span)
        last, last_ended = span, is_end
    return lines


def _is_boilerplate(line: str) -> bool:
    if _LABEL.match(line) or not any(character.isalpha() for character in line):
        return True
    agency = _AGENCY.search(line[-60:])  # behind a sentence it is an end mark, behind anything else a picture's credit
    if agency and not _ENDED.search(line[-60:][: agency.start()]):
        return True
    if _LINK.match(line) or _PHOTO_CREDIT.search(line[-200:]):
        return True
    return bool(_META.match(line)) and not _TWO_SENTENCES.search(line)


def _cut_end(line: str) -> int:
    """Length of the line without links to other articles and end marks behind its last sentence."""
    link = _INLINE_LINK.search(line)
    line = line[: link.start()] if link else line
    while mark := _END_MARK.search(line[-40:]) or _AGENCY.search(line[-40:]):
        line = line[: len(line[:-40]) + mark.start()]
    return len(line.rstrip())
