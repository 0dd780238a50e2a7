"""The page: figures as one HTML file that needs nothing else.

Sentences of the news are strangers' text: everything is escaped, and a policy in the page forbids whatever would still ask for
something outside or run a script that is not the page's own.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from data.article import Fault
from serve.report.correct import Estimate
from serve.report.figures import ENOUGH, NOT_MEASURED, NOT_TOLD, Figures
from serve.report.makers import Makers
from serve.report.query import OTHERS, UNNAMED, Counts

HERE = Path(__file__).parent
STYLES = (HERE.parent / "page" / "page.css", HERE / "report.css")


@dataclass(frozen=True)
class Report:
    """All that the page tells."""

    counts: Counts
    figures: Figures
    makers: Makers
    files: list[Path]
    faults: list[Fault]
    repeated: int
    unknown_tags: dict[str, int]


def page(report: Report) -> str:
    """The page of a report."""
    loader = FileSystemLoader(HERE)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": number, "percent": percent, "estimate": estimate, "day": day, "period": period}
    counts = report.counts
    read = {kind: [(name, sum(counts.read[kind, name].values())) for name in names] for kind, names in counts.slices.items()}
    script = (HERE / "report.js").read_text(encoding="utf-8")
    return environment.get_template("report.html").render(
        report=report,
        counts=counts,
        figures=report.figures,
        read=read,
        style=Markup("\n".join(path.read_text(encoding="utf-8") for path in STYLES)),
        script=Markup(script),
        script_digest="sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        outlets=[name for name in counts.slices["outlet"] if name not in (OTHERS, UNNAMED)],
        makers=report.makers,
        enough=ENOUGH,
        not_measured=NOT_MEASURED,
        not_told=NOT_TOLD,
    )


def number(value: float) -> str:
    """A count; below ten one digit more where it is no whole number.

    >>> number(1234), number(0.44), number(12.6)
    ('1,234', '0.4', '13')
    """
    return f"{value:,.1f}" if value < 10 and value != round(value) else f"{value:,.0f}"


def percent(share: float) -> str:
    """A share of 0 to 1; two digits that tell something.

    >>> percent(0.1234), percent(0.0123), percent(0.00004), percent(0)
    ('12 %', '1.2 %', 'under 0.1 %', '0 %')
    """
    if 0 < share < 0.001:
        return "under 0.1 %"
    return f"{share:.1%}".replace("%", " %") if 0 < share < 0.0995 else f"{share:.0%}".replace("%", " %")


def estimate(found: Estimate) -> str:
    """A corrected count with its interval.

    >>> estimate(Estimate(120.2, 100.1, 143.0))
    '120 (100 to 143)'
    """
    return f"{found.value:,.0f} ({found.low:,.0f} to {found.high:,.0f})"


def day(value: date) -> str:
    """A day as it is read.

    >>> day(date(2024, 5, 3))
    '3 May 2024'
    """
    return f"{value.day} {value:%B %Y}"


def period(start: str, unit: str) -> str:
    """A period by its first day.

    >>> period("2024-05-06", "week"), period("2024-05-01", "month"), period("2024-01-01", "year")
    ('week of 6 May 2024', 'May 2024', '2024')
    """
    first = date.fromisoformat(start)
    return {"day": day(first), "week": f"week of {day(first)}", "month": f"{first:%B %Y}", "year": f"{first:%Y}"}[unit]
