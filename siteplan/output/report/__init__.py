"""The report: what a council reads on paper. One file, no script, no network; a browser makes a PDF of it."""

from pathlib import Path

from siteplan.doors import door
from siteplan.output.files import whole_file
from siteplan.output.outcome import Outcome
from siteplan.output.report.account import Account
from siteplan.output.report.page import render_page
from siteplan.output.report.pdf import find_chromium, print_pdf

__all__ = ["find_chromium", "print_pdf", "render_report", "write_report"]


@door()
def render_report(result: Outcome, *, language: str = "") -> str:
    """Write the report of a result as one HTML page for A4: question, answer, tables, maps, assumptions, sources.

    Everything but the sites may be missing; what is missing is not spoken of. Every text from the data is shown as it
    is and never read as markup. The same result gives the same bytes.

    Parameters
    ----------
    result
        Of a run, read back from its folder, or made by hand, such as `Result(sites, tables={"scores": scores})`.
        From its times and points come the people covered today, with the chosen sites and with all, and the coverage
        by commune; without them, that is the table `territories`. The tables `phases`, `scenarios`, `desks` and
        `commuting` are shown as they are where they are not those of a study.
    language
        `en` or `fr`; "" takes the study's, or else English.

    Returns
    -------
    str
        The page. It asks for nothing outside itself and holds no script.

    Raises
    ------
    InputError
        A layer without a CRS, or times that are not of its points.
    StudyError
        An unknown language.

    Examples
    --------
    >>> result = sp.Result(sites, tables={"scores": sp.reach(times, people, minutes=[15])})
    >>> page = sp.render_report(result)
    >>> "<h1>" in page
    True
    """
    result.refuse_metres()
    return render_page(Account.of(result, language))


@door()
def write_report(result: Outcome, path: str | Path, *, language: str = "") -> None:
    """Write the report that `render_report` makes of a result to a file, whole or not at all.

    Raises
    ------
    InputError, StudyError
        As for `render_report`, and StudyError for a folder that cannot be written.

    Examples
    --------
    >>> result = sp.Result.load("base")
    >>> sp.write_report(result, "report.html", language="fr")
    """
    page = render_report(result, language=language)
    with whole_file(path) as aside:
        aside.write_text(page, encoding="utf-8", newline="\n")
