"""The report: what a reader would rest on. Counts, their correction, and a page that is safe to open and to pass on."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import typer
from lxml import html
from test_serve_page import CHROMIUM, browser  # noqa: F401 (a fixture)

from conftest import ROOT, Cli, rows, shipped_rows, write_rows
from data import codebook
from data.codebook import Task
from data.text import normalise
from models import families, store
from models.decision import Decision
from serve.report.correct import Errors, Estimate, counts
from serve.report.makers import Known, Maker, Makers
from serve.report_cli import report

BOOK = codebook.load()
Make = Callable[..., "Page"]


class Page:
    """A report, and how it was told."""

    def __init__(self, code: int, path: Path, told: str) -> None:
        self.code, self.path, self.told = code, path, told
        self.source = path.read_text(encoding="utf-8") if path.exists() else ""
        self.tree = html.fromstring(self.source) if self.source else None

    def table(self, section: str, row_of: str = "Topic") -> dict[str, list[str]]:
        """The cells of a table by the head of their row; the table is the first in a section with such a first column."""
        for table in self.tree.get_element_by_id(section).iter("table"):
            head = [cell.text_content().strip() for cell in table.find("thead").iter("th", "td")]
            if head[0] == row_of:
                found = [[" ".join(cell.text_content().split()) for cell in row.iter("th", "td")] for row in table.find("tbody").iter("tr")]
                return {name: [cell for word, cell in zip(head[1:], cells, strict=True) if word] for name, *cells in found}
        raise AssertionError(f"no table of {row_of} in {section}")

    def claim(self, statement: str) -> str:
        """The id of the part about a claim."""
        (link,) = [link for link in self.tree.iter("a") if link.text_content() == statement]
        return str(link.get("href")).removeprefix("#")


@pytest.fixture
def make(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a report in this process, with no model registered anywhere."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'none.db'}")
    monkeypatch.setenv("COLUMNS", "300")

    def made(*labels: object, **options: Any) -> Page:
        try:
            report([str(given) for given in labels], tmp_path / "report.html", **options)
        except typer.Exit as done:
            told = capsys.readouterr()
            return Page(done.exit_code, tmp_path / "report.html", " ".join((told.out + told.err).split()))
        raise AssertionError("expected an exit code")

    return made


def record(
    number: int, text: str = "Satu kalimat.", topics: str = "", stances: str = "", article: str = "a", **further: Any
) -> dict[str, Any]:
    """A record as `sikap label` writes it; `topics` and `stances` are labels with a question mark where they go to review."""

    def entries(words: str) -> list[tuple[str, dict[str, Any]]]:
        decided = {word.rstrip("?"): "review" if word.endswith("?") else "yes" for word in words.split()}
        return [(word, {"probability": 0.9 if how == "yes" else 0.4, "decision": how}) for word, how in decided.items()]

    return {
        "id": f"{article}#{number}",
        "article": article,
        "index": number,
        "start": 0,
        "end": len(text),
        "text": text,
        "lang": "id",
        "topics": [{"id": word} | how for word, how in entries(topics)],
        "stances": [
            dict(zip(("claim", "stance"), word.split("/"), strict=True)) | {"tag": tag(word)} | how for word, how in entries(stances)
        ],
        "model": {"topics": "topics-linear@00000000", "stance": "stance-linear@00000000", "codebook": BOOK.reference},
    } | further


def tag(label: str) -> str:
    claim, side = label.split("/")
    return BOOK.tag(claim, side) if any(claim == known.id for known in BOOK.claims) else label


HANDMADE = [
    record(0, topics="terrorism military", stances="military-bloc/oppose"),
    record(1, topics="terrorism", stances="military-bloc/support sanctions/oppose?"),
    record(2, topics="terrorism?"),
    record(3),
    record(0, topics="military?", stances="military-bloc/oppose", article="b"),
    record(1, text='Dua, "kata dia";\nlalu tiga.', article="b"),
]


def written(form: str, records: list[dict[str, Any]], folder: Path) -> Path:
    """A file of labels in one of its forms."""
    lines = write_rows(folder / "labels.jsonl", records)
    if form == "jsonl":
        return lines
    path = folder / f"labels.{form}"
    if form == "parquet":
        duckdb.sql(f"COPY (FROM read_json('{lines}', format = 'newline_delimited')) TO '{path}'")
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            places = ["id", "article", "index", "start", "end", "text", "lang", *(["date", "outlet"] if "date" in records[0] else [])]
            names = ["topics", "topics_review", "stances", "stances_review", "model_topics", "model_stance", "codebook"]
            table = csv.DictWriter(file, [*places, *names])
            table.writeheader()
            for one in records:
                flat = {name: one[name] for name in places} | {"codebook": one["model"]["codebook"]}
                for end, decision in (("", "yes"), ("_review", "review")):
                    flat["topics" + end] = "; ".join(entry["id"] for entry in one["topics"] if entry["decision"] == decision)
                    flat["stances" + end] = "; ".join(entry["tag"] for entry in one["stances"] if entry["decision"] == decision)
                table.writerow(flat | {f"model_{name}": one["model"][name] for name in ("topics", "stance")})
    lines.unlink()
    return path


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_counts_are_those_of_the_records(make: Make, tmp_path: Path, form: str) -> None:
    page = make(written(form, HANDMADE, tmp_path))
    assert page.code == 0
    assert "6 sentences of 2 articles" in page.told
    assert page.table("topics") == {
        "Terrorism": ["2", "33 %", "1", "33 %"],
        "Military and defence": ["1", "17 %", "1", "50 %"],
    }
    assert page.table("claims", "Claim") == {
        "The organisation is a military bloc or alliance.": ["2", "1", "too few", "0"],
        "Sanctions are justified.": ["0", "0", "too few", "1"],
    }


def test_what_was_labelled_in_three_forms_gives_the_same_corrected_report(store: Cli, tmp_path: Path) -> None:
    tables = []
    for form in ("jsonl", "csv", "parquet"):
        assert store("label", ROOT / "data" / "samples", "--out", tmp_path / f"labels.{form}").returncode == 0
        done = store("report", tmp_path / f"labels.{form}", "--out", tmp_path / "report.html")
        assert done.returncode == 0, done.stderr
        assert "not corrected" not in done.stderr
        page = Page(0, tmp_path / "report.html", done.stdout)
        tables.append([page.table("topics"), page.table("claims", "Claim")])
    assert tables[0] == tables[1] == tables[2]
    assert any(re.fullmatch(r"\d+ \(\d+ to \d+\)( wide)?", cells[1]) for cells in tables[0][0].values())
    assert "In no sentence, not even for review" in page.source


def test_folders_patterns_and_what_stands_twice(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "labels [1]"
    folder.mkdir()
    write_rows(folder / "first.jsonl", HANDMADE[:4])
    write_rows(folder / "second.jsonl", HANDMADE[2:])
    for given in ([folder], [str(tmp_path / "lab*" / "*.jsonl")], [folder, folder / "first.jsonl"]):
        page = make(*given)
        assert "6 sentences of 2 articles" in page.told
        assert "2 sentences stood there before" in page.source


def test_text_is_never_markup(make: Make, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    evil = '"><script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'"></style></bdi>'
    records = [
        record(number, f"{evil} {number}", f"{evil.replace(' ', '')}", f"{word}/support {word}/oppose?", date="2024-05-01", outlet=evil)
        | {"article": evil, "lang": evil, "model": {"topics": evil, "stance": evil, "codebook": evil}}
        for number, word in enumerate(("military-bloc", "<script>alert(1)</script>".replace("/", "")))
    ]
    page = make(write_rows(tmp_path / "labels.jsonl", records))
    assert page.code == 0
    assert len(list(page.tree.iter("script"))) == 1
    assert not list(page.tree.iter("img"))
    assert f"{evil} 0" in page.tree.text_content()
    if CHROMIUM:
        opened = request.getfixturevalue("browser").new_page()
        opened.goto(page.path.as_uri())
        assert opened.title() == "Sikap: report on 2 sentences"
        opened.close()


def test_without_dates_and_outlets_the_page_says_so(make: Make, tmp_path: Path) -> None:
    page = make(write_rows(tmp_path / "labels.jsonl", [*HANDMADE, record(9, article="c", date=None, outlet=None)]))
    assert "The records have no dates" in page.source
    assert "The records name no outlets" in page.source
    assert "Over time" not in page.source
    assert "By outlet" not in page.source


def test_with_dates_and_outlets_there_are_series(make: Make, tmp_path: Path) -> None:
    days = ["2024-01-05", "2024-01-31T23:59:00+07:00", "2024-09-02", "infinity", "yesterday", None]
    outlets = ["Kompas", "Kompas", " Antara ", "Antara", "", None]
    records = [
        record(number, stances=f"sanctions/{'support' if number % 2 else 'oppose'}", date=day, outlet=outlet)
        for number, (day, outlet) in enumerate(zip(days, outlets, strict=True))
    ]
    page = make(write_rows(tmp_path / "labels.jsonl", records))
    assert "5 January 2024 to 2 September 2024" in page.source
    assert "3 sentences have no date that can be read" in page.source
    part = page.claim("Sanctions are justified.")
    by_month = page.table(part, "Month")
    assert next(iter(by_month)) == "January 2024"
    assert by_month["January 2024"] == ["1", "1", "2"]
    assert by_month["February 2024"] == ["0", "0", "0"]
    assert by_month["September 2024"] == ["1", "0", "1"]
    assert len(by_month) == 9
    assert page.table(part, "Outlet") == {"Antara": ["1", "1", "2"], "Kompas": ["1", "1", "2"], "outlet not known": ["1", "1", "2"]}


@pytest.mark.parametrize(("last", "unit", "many"), [("2024-05-12", "Day", 6), ("2024-08-01", "Week", 13), ("2031-01-01", "Year", 8)])
def test_periods_are_as_long_as_the_time_asks_for(make: Make, tmp_path: Path, last: str, unit: str, many: int) -> None:
    records = [record(number, stances="sanctions/support", date=day) for number, day in enumerate(["2024-05-07", last, last])]
    page = make(write_rows(tmp_path / "labels.jsonl", records))
    series = list(page.table(page.claim("Sanctions are justified."), unit).values())
    assert len(series) == many
    assert (series[0], series[-1]) == (["0", "1", "1"], ["0", "2", "2"])


def test_organisations_are_found_as_whole_words_of_the_language(make: Make, tmp_path: Path) -> None:
    found = {"SCO": 2, "NATO": 1, "UN": 2}
    texts = [
        ("id", "SCO bukan blok militer, kata NATO."),
        ("id", "Organisasi Kerja Sama Shanghai menolak SCO-nya sendiri."),
        ("id", "Para pelajar menempuh UN, dan SCOUT berkemah."),
        ("id", "Sidang PBB dibuka."),
        ("en", "The united nations and the UN's envoy spoke; nobody mentioned PBB."),
    ]
    records = [record(number, text, lang=language, stances="sanctions/oppose") for number, (language, text) in enumerate(texts)]
    page = make(write_rows(tmp_path / "labels.jsonl", records))
    by_name = {re.search(r"\((\w+)\)", name)[1]: int(cells[0]) for name, cells in page.table("read", "Organisation mentioned").items()}
    assert by_name == found
    assert len(page.table(page.claim("Sanctions are justified."), "Organisation")) == 3


def test_claims_with_both_sides_come_first(make: Make, tmp_path: Path) -> None:
    sides = {"sanctions": (30, 2), "military-bloc": (15, 12), "enlargement": (5, 5), "dialogue": (60, 30)}
    labels = [
        f"{claim}/{side}"
        for claim, many in sides.items()
        for side, count in zip(("support", "oppose"), many, strict=True)
        for _ in range(count)
    ]
    page = make(write_rows(tmp_path / "labels.jsonl", [record(number, stances=label) for number, label in enumerate(labels)]))
    assert [cells[2] for cells in page.table("claims", "Claim").values()] == ["0.89", "0.67", "0.12", "too few"]
    assert next(iter(page.table("claims", "Claim"))) == "The organisation is a military bloc or alliance."


def test_surest_and_most_doubtful_sentences_are_shown(make: Make, tmp_path: Path) -> None:
    records = [record(number, f"Kalimat {number}.", stances="sanctions/oppose" + "?" * (number % 2)) for number in range(40)]
    for number, one in enumerate(records):
        one["stances"][0]["probability"] = 0.5 + number / 100 if not number % 2 else number / 100
    records.append(record(99, "Kalimat 38.", article="copy", stances="sanctions/oppose"))
    page = make(write_rows(tmp_path / "labels.jsonl", records))
    quotes = [(quote.get("class"), quote.find("p").text) for quote in page.tree.iter("blockquote")]
    assert [text for kind, text in quotes if kind == "oppose"] == ["Kalimat 38.", "Kalimat 36.", "Kalimat 34."]
    assert [text for kind, text in quotes if kind == "review"] == ["Kalimat 39.", "Kalimat 37.", "Kalimat 35."]


@pytest.mark.parametrize(
    ("prevalence", "sensitivity", "specificity", "positives", "negatives", "read"),
    [(0.05, 0.8, 0.98, 300, 5000, 20_000), (0.01, 0.6, 0.99, 100, 15_000, 20_000), (0.3, 0.9, 0.95, 50, 200, 1000)],
)
def test_corrected_counts_hold_what_is_there_nineteen_times_of_twenty(
    prevalence: float, sensitivity: float, specificity: float, positives: int, negatives: int, read: int
) -> None:
    random = np.random.default_rng(1)
    there, held, off, raw = round(read * prevalence), [], [], []
    for _ in range(300):
        found, left = random.binomial(positives, sensitivity), random.binomial(negatives, specificity)
        errors = Errors([found, negatives - left, positives - found, left], random)
        said = random.binomial(there, sensitivity) + random.binomial(read - there, 1 - specificity)
        estimate = Estimate.of(counts([(said, read, errors)], random))
        held.append(estimate.low <= there <= estimate.high)
        off.append(estimate.value - there)
        raw.append(said - there)
    assert 0.93 <= np.mean(held) <= 0.995
    assert abs(np.mean(off)) < 0.05 * there
    assert abs(np.mean(off)) < abs(np.mean(raw))


def test_a_model_that_hardly_tells_a_label_is_not_corrected() -> None:
    random = np.random.default_rng(0)
    assert not Errors([5, 900, 95, 15_000], random).tells
    assert not Errors([0, 0, 0, 1000], random).tells
    assert Errors([60, 100, 40, 15_000], random).tells


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A topics model that was measured: of 200 sentences on terrorism it found half, of 800 others it took 40 for that."""
    texts = [normalise(row["text"]) for row in shipped_rows(limit=50)]
    labels = BOOK.labels(Task.topics)
    model = families.create("linear").fit(texts, np.eye(50, len(labels), dtype=np.int8))
    measured = {"terrorism": [100, 40, 100, 760], "military": [0, 0, 200, 800]}
    store.save(tmp_path / "model", Task.topics, model, BOOK, Decision(*np.full((3, len(labels)), -1)), {"measured": measured})
    return tmp_path / "model"


def test_counts_are_corrected_by_the_errors_of_the_model_that_is_named(make: Make, folder: Path, tmp_path: Path) -> None:
    name = store.reference(store.manifest_of(folder))
    made_by = {"topics": name, "stance": None, "codebook": BOOK.reference}
    said = ["terrorism military"] * 140 + [""] * 860  # 0.14 said: (0.14 + 0.95 - 1) / (0.5 + 0.95 - 1) = 0.2
    labels = write_rows(tmp_path / "labels.jsonl", [record(number, topics=topic, model=made_by) for number, topic in enumerate(said)])
    page = make(labels, topics=str(folder))
    value, low, high = map(int, re.fullmatch(r"(\d+) \((\d+) to (\d+)\)( wide)?", page.table("topics")["Terrorism"][1]).groups()[:3])
    assert 190 <= value <= 210
    assert 120 < low < 160
    assert 240 < high < 290
    assert page.table("topics")["Military and defence"][1] == "cannot tell"
    assert "Cannot tell:" in page.source

    uncorrected = make(labels)
    assert name in uncorrected.told
    assert "not corrected" in uncorrected.source
    assert uncorrected.table("topics")["Terrorism"][:2] == ["140", "14 %"]

    with pytest.raises(ValueError, match="expected a model that made these labels"):
        make(write_rows(tmp_path / "other.jsonl", HANDMADE), topics=str(folder))


def test_claims_that_a_reader_read_are_not_corrected_by_the_errors_of_another_model() -> None:
    makers = Makers([], [])
    errors = {f"{claim}/support": [50, 5, 50, 900] for claim in ("sanctions", "dialogue", "new")}
    makers.known = {"stance": Known(BOOK, errors, {"sanctions": 3, "dialogue": 300}), "reader": Known(BOOK, {}, {})}
    labels = {claim: (Task.stance, f"{claim}/support") for claim in ("sanctions", "dialogue", "new")}
    assert makers.measured(Maker("topics", "stance", "reader"), labels["dialogue"]) == ("stance", [50, 5, 50, 900])
    assert makers.measured(Maker("topics", "stance", "reader"), labels["sanctions"]) is None
    assert makers.measured(Maker("topics", "stance", "reader"), labels["new"]) is None
    assert makers.measured(Maker("topics", "unknown", "reader"), labels["dialogue"]) is None


def test_what_a_file_says_twice_or_wrongly_is_no_more_than_there_is(make: Make, folder: Path, tmp_path: Path) -> None:
    name = store.reference(store.manifest_of(folder))
    records = [record(number, topics="terrorism", stances="sanctions/support", model={"topics": name}) for number in range(3)]
    for number, one in enumerate(records):
        one["topics"].append({"id": "terrorism", "probability": 0.5, "decision": "review"})
        one["stances"][0]["probability"] = (float("nan"), 1e300, -1.0)[number]
    lines = write_rows(tmp_path / "labels.jsonl", records[1:])
    duckdb.sql(f"COPY (FROM read_json('{lines}', format = 'newline_delimited')) TO '{tmp_path}/labels.parquet'")
    duckdb.sql(
        f"COPY (SELECT * REPLACE (list_transform(stances, lambda x: struct_update(x, probability := 'NaN' :: DOUBLE)) AS stances) "
        f"FROM '{tmp_path}/labels.parquet') TO '{tmp_path}/nan.parquet'"
    )
    for path in (lines, tmp_path / "nan.parquet"):
        page = make(path, topics=str(folder))
        cells = page.table("topics")["Terrorism"]
        assert (cells[0], cells[-2:]) == ("2", ["0", "0 %"])
        assert not re.search(r"probability|nan", page.tree.get_element_by_id("claim-1").text_content())


def test_the_page_needs_nothing_else(make: Make, tmp_path: Path) -> None:
    dated = [one | {"date": f"2024-0{1 + number}-01", "outlet": f"O{number}"} for number, one in enumerate(HANDMADE)]
    for records in (HANDMADE, dated, [record(0)]):
        page = make(write_rows(tmp_path / "labels.jsonl", records))
        links = [value for node in page.tree.iter() for name, value in node.items() if name in {"src", "href", "srcset", "action", "data"}]
        assert all(link.startswith("#") for link in links)
        assert all(page.tree.get_element_by_id(link[1:]) is not None for link in links)
        assert "url(" not in page.source
        assert "@import" not in page.source
        assert not re.search(r"\b(nan|NaN|None|inf|undefined)\b", page.tree.find(".//main").text_content())
        assert not re.search(r"(width|height):\D", page.source.partition("</style>")[2])


@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed (Debian: apt install chromium)")
def test_a_browser_shows_it_on_a_desk_on_a_phone_and_on_paper(make: Make, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    long = "Organisasi " + "A" * 300
    dated = [one | {"date": f"2024-0{1 + number}-01", "outlet": long} for number, one in enumerate(HANDMADE)]
    page = make(write_rows(tmp_path / "labels.jsonl", dated))
    opened = request.getfixturevalue("browser").new_page(viewport={"width": 1280, "height": 900})
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda line: wrong.append(line.text))
    opened.on("request", lambda asked: wrong.append(asked.url) if asked.url != page.path.as_uri() else None)
    opened.goto(page.path.as_uri())
    for width in (1280, 390):
        opened.set_viewport_size({"width": width, "height": 844})
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.locator("details:not([open])").count()
    opened.click("#unfold")
    assert not opened.locator("details:not([open])").count()
    assert opened.locator("article table").first.is_visible()
    opened.close()
    assert not wrong


def test_what_is_broken_is_left_out_and_told(make: Make, tmp_path: Path) -> None:
    lines = [json.dumps(one) for one in HANDMADE]
    broken = ['{"id": "cut of', "[]", '{"text": "no labels"}', json.dumps(HANDMADE[0] | {"topics": "terrorism"}), "\udcff"]
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join([*lines[:3], *broken, *lines[3:]]) + "\n", encoding="utf-8", errors="surrogateescape")
    page = make(path, tmp_path / "missing.jsonl")
    assert page.code == 1
    assert "6 sentences of 2 articles" in page.told
    for told in ("5 of 11 rows are no records", "missing.jsonl: no such file"):
        assert told in page.told
        assert told in page.source
    assert page.table("topics")["Terrorism"][0] == "2"


def test_broken_lines_of_a_table_are_left_out_and_told(make: Make, tmp_path: Path) -> None:
    path = written("csv", HANDMADE, tmp_path)
    path.write_bytes(path.read_bytes().replace(b"a#2,a,", b"a#2,a,\xff,,,"))
    page = make(path)
    assert page.code == 1
    assert "5 sentences" in page.told
    assert "1 lines cannot be read as CSV" in page.told


def test_a_table_that_a_spreadsheet_saved_again_can_be_read(make: Make, tmp_path: Path) -> None:
    path = written("csv", HANDMADE, tmp_path)
    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows(table)
    assert make(path).table("topics")["Terrorism"] == ["2", "33 %", "1", "33 %"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("labels.txt", "text", "expected one of .jsonl, .csv, .parquet, found .txt"),
        ("labels.jsonl", "", "expected records that `sikap label` wrote, found none"),
        ("labels.jsonl", '{"id": "1", "text": "Not labelled."}\n', "expected records that `sikap label` wrote, found rows with id, text"),
        ("labels.jsonl", "no JSON", "found no JSON objects"),
        ("labels.csv", "id,text\n1,a\n", "with the fields text, topics, stances; found id, text"),
        ("labels.parquet", "no Parquet", "labels.parquet: "),
        ("missing.csv", None, "no such file"),
    ],
)
def test_what_is_wrong_is_told(empty_cli: Cli, tmp_path: Path, name: str, content: str | None, told: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    done = empty_cli("report", tmp_path / name, "--out", tmp_path / "report.html")
    assert done.returncode == 2
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "report.html").exists()


def test_labels_are_never_written_over(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "labels.jsonl", HANDMADE)
    with pytest.raises(ValueError, match="expected an HTML file to write"):
        report([str(path)], path)
    assert rows(path) == HANDMADE
