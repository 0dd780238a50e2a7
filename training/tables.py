"""Tables that the commands of this room print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from data.console import plain

if TYPE_CHECKING:
    from training.behaviour import Behaviour
    from training.comparison import Comparison
    from training.evaluate import Evaluation, PairEvaluation, Score


def figures(title: str, evaluation: Evaluation, baselines: dict[str, Evaluation]) -> Table:
    """An evaluation: labels, then all of them together, beside the baselines; `ranking` is the average precision."""
    table = Table("label", title=title)
    for name in ("precision", "recall", "F1", "95 % interval", "ranking", "sentences"):
        table.add_column(name, justify="right", no_wrap=True)
    for label, score in evaluation.labels.items():
        if score.support:
            table.add_row(plain(label), *_cells(score), f"{score.support:,}")
    table.add_section()
    table.add_row("[bold]micro[/]", *_cells(evaluation.micro), f"{evaluation.sentences:,}")
    table.add_row("macro", *_cells(evaluation.macro), "")
    for language, part in evaluation.languages.items():
        table.add_row(f"micro, {language}", *_cells(part.micro), f"{part.sentences:,}")
    for name, baseline in baselines.items():
        table.add_row(f"[dim]micro, {name}[/]", *_cells(baseline.micro), "")
    return table


def more_figures(evaluation: Evaluation) -> Table:
    """What an evaluation tells beside precision and recall."""
    table = Table("", "", show_header=False, box=None, padding=(0, 2))
    rows = {
        "all labels of a sentence right": evaluation.exact_match,
        "likeliest label right": evaluation.likeliest,
        "sentences with a label for review": evaluation.review,
        "true labels that are yes or review": evaluation.kept,
        "calibration error": evaluation.calibration_error,
        "calibration error of what is shown": evaluation.shown_error,
    }
    for name, figure in rows.items():
        digits = 3 if "error" in name else 2
        table.add_row(name, f"{figure.value:.{digits}f} ({figure.low:.{digits}f} to {figure.high:.{digits}f})")
    for claim, figure in evaluation.claims.items():
        table.add_row(f"[dim]mean F1 of both sides, {plain(claim)}[/]", f"[dim]{figure}[/]")
    return table


def pair_figures(title: str, evaluation: PairEvaluation) -> Table:
    """An evaluation on rows of text and target."""
    table = Table("stance", title=title)
    for name in ("precision", "recall", "F1", "rows"):
        table.add_column(name, justify="right")
    for stance, score in evaluation.stances.items():
        table.add_row(stance, *(f"{figure.value:.2f}" for figure in (score.precision, score.recall, score.f1)), f"{score.support:,}")
    table.add_section()
    rows = {
        "[bold]macro, of the stances that occur[/]": evaluation.macro_f1,
        "mean of support and oppose": evaluation.sides_f1,
        "accuracy": evaluation.accuracy,
    }
    for name, figure in rows.items():
        table.add_row(name, "", "", f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})", f"{evaluation.rows:,}")
    return table


def behaviour(title: str, found: Behaviour, failed: int) -> Table:
    """Pass rates by kind, with as many failed cases of each as are wanted."""
    table = Table("kind", "passed", "cases", "rate", title=title)
    for kind, (passed, cases) in found.kinds.items():
        table.add_row(kind, str(passed), str(cases), f"{passed / cases:.2f}")
        for case in [case for case in found.failed if case["kind"] == kind][:failed]:
            table.add_row(f"[dim]  {plain(case['text'])}\n  {case['claim']}: expected {case['expect']}, found {case['found']}[/]")
    table.add_section()
    verdict = "[green]passes[/]" if found.passes else "[red]fails[/]"
    passed, cases = (sum(column) for column in zip(*found.kinds.values(), strict=True))
    table.add_row(f"all: {verdict}", str(passed), str(cases), f"[bold]{found.rate:.2f}[/]")
    return table


def comparison(title: str, found: Comparison) -> Table:
    """Two models side by side: F1 by label and overall, and what the second gains."""
    table = Table("", title=title)
    for name in ("first", "second", "gain", ""):
        table.add_column(name, justify="right")
    first, second = found.evaluations
    values = {
        "micro F1": (first.micro.f1.value, second.micro.f1.value),
        "average precision": tuple(
            part.micro.average_precision.value if part.micro.average_precision else 0.0 for part in found.evaluations
        ),
        "calibration": (-first.calibration_error.value, -second.calibration_error.value),
        "behaviour": tuple(part.rate if part else 0.0 for part in found.behaviour),
    } | {label: (first.labels[label].f1.value, second.labels[label].f1.value) for label in first.labels}
    for name, gain in sorted(found.gains.items(), key=lambda item: item[0] in first.labels):
        verdict = "[red]worse[/]" if gain.high < 0 else "[green]better[/]" if gain.low > 0 else ""
        one, two = (f"{abs(value):.3f}" for value in values[name])
        change = f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
        table.add_row("calibration error" if name == "calibration" else plain(name), one, two, change, verdict)
    return table


def disagreements(found: Comparison, most: int) -> Table:
    """Sentences of which the two models say different things; a tick stands behind the one that is right."""
    table = Table(
        "label", "first", "second", "sentence", title=f"{len(found.disagreements):,} disagreements, the surest first", show_lines=True
    )
    for row in found.disagreements[:most]:
        said = [
            f"{row[who]} {row[f'{who}_probability']:.2f}" + (" ✓" if (row[who] == "yes") == row["given"] else "")
            for who in ("first", "second")
        ]
        table.add_row(plain(row["label"]), *said, plain(row["text"]))
    return table


def _cells(score: Score) -> list[str]:
    ranking = f"{score.average_precision.value:.2f}" if score.average_precision else ""
    f1 = score.f1
    return [f"{score.precision.value:.2f}", f"{score.recall.value:.2f}", f"{f1.value:.2f}", f"{f1.low:.2f} to {f1.high:.2f}", ranking]
