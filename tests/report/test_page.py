"""The page parses, is whole in itself, escapes what users wrote, and renders without an error."""

import base64
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from gds.errors import UserError
from gds.provenance import run_record
from gds.report import figures
from gds.report.page import NOT_CLINICAL, Page, format_interval

VOID = {"meta", "img", "br", "hr", "link", "input"}
NASTY = "<script>alert('x')</script> & \"quoted\" {{ 7 * 7 }}"


class Reader(HTMLParser):
    """Checks nesting, and gathers tags, their attributes and the text."""

    def __init__(self, html):
        super().__init__()
        self.open, self.found, self.text = [], [], ""
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def full_page():
    page = Page(f"ALS {NASTY}", NASTY)
    page.add_section(NASTY, f"First.\n\n{NASTY}")
    table = pd.DataFrame(
        {"method": [NASTY, "ridge"], "auroc": [0.74123, np.nan], "n": [12345, 7], "good": [True, False]}
    )
    page.add_table(table, f"Caption {NASTY}", {"auroc": ".2f"})
    curve = pd.DataFrame(
        {"value": [0.5, 0.7], "lower": [np.nan, 0.6], "upper": [np.nan, 0.8]}, index=["a", "b"]
    )
    page.add_figure(figures.metric_by_method(curve, "AUROC", chance=0.5), NASTY, NASTY)
    page.add_verdict(NASTY, "caution")
    page.add_number("0.741", f"AUROC {NASTY}", "note")
    page.add_record(run_record(0, command_line=NASTY))
    return page


def test_it_is_one_well_formed_file_without_the_network(tmp_path):
    full_page().write(tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text()
    reader = Reader(html)
    assert not re.search(r"https?:|//[a-z]", html)
    assert not reader.all("script")
    assert not reader.all("link")
    assert all(image["src"].startswith("data:image/") and image["alt"] for image in reader.all("img"))
    assert [attributes["lang"] for attributes in reader.all("html")] == ["en"]
    for tag in ("main", "header", "footer", "h1", "figure", "figcaption", "caption", "details"):
        assert len(reader.all(tag)) == 1, tag
    assert NOT_CLINICAL in " ".join(reader.text.split())


def test_what_users_wrote_stays_text():
    html = full_page().html()
    assert "<script>" not in html
    text = " ".join(Reader(html).text.split())
    assert text.count("<script>alert('x')</script>") >= 8
    assert text.count("{{ 7 * 7 }}") >= 8
    assert "49" not in [word for word in text.split() if word == "49"]


def test_images_are_whole_pictures(monkeypatch):
    page = Page("figures")
    frequencies = np.linspace(0, 1, 50)
    page.add_figure(figures.allele_frequencies(frequencies, frequencies), "c", "a")
    monkeypatch.setattr("gds.report.page.LARGEST_SVG", 1000)  # heavy ones become PNG
    page.add_figure(figures.allele_frequencies(frequencies, frequencies), "c", "a")
    svg, png = (image["src"].partition(",") for image in Reader(page.html()).all("img"))
    assert svg[0] == "data:image/svg+xml;base64"
    assert base64.b64decode(svg[2]).lstrip().startswith(b"<?xml")
    assert png[0] == "data:image/png;base64"
    assert base64.b64decode(png[2]).startswith(b"\x89PNG")


def test_the_same_content_gives_the_same_bytes():
    assert full_page().html().split("How to run")[0] == full_page().html().split("How to run")[0]


def test_cells():
    page = Page("table")
    page.add_table(
        pd.DataFrame(
            {
                "a": [1234567, 2],
                "b": [0.12345, np.nan],
                "c": [1e-7, 0.0],
                "d": ["x", None],
                "e": [True, False],
            },
            index=pd.Index(["p", "q"], name="method"),
        ),
        "caption",
        {"b": "+.1f"},
    )
    html = page.html()
    cells = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", html)
    assert cells == [
        "method", "a", "b", "c", "d", "e", "p", "1,234,567", "+0.1", "1e-07", "x", "yes",
        "q", "2", "–", "0.000", "–", "no",
    ]  # fmt: skip
    assert '<th scope="row"' in html


def test_narrow_figures_stand_in_pairs():
    page = Page("pairs")
    labels, p = np.array([0, 1]), {"p": np.array([0.2, 0.8])}
    for _ in range(3):
        page.add_figure(figures.roc_curves(labels, p), "c", "a")
    assert page.html().count('class="pair"') == 1


def test_numbers_and_verdicts_come_first_whenever_they_are_added():
    text = Reader(full_page().html()).text
    assert text.index("0.741") < text.index("Caution") < text.index("First.")


def test_mistakes_are_told():
    page = Page("x")
    with pytest.raises(UserError, match="expected one of good, caution"):
        page.add_verdict("v", "great")
    with pytest.raises(UserError, match="column 'typo'"):
        page.add_table(pd.DataFrame({"a": [1]}), "c", {"typo": ".2f"})


def test_intervals_as_text():
    assert format_interval(0.7412, 0.7, 0.78) == "0.741 (0.700–0.780)"
    assert format_interval(0.7412, np.nan, np.nan, digits=2) == "0.74"
    assert format_interval(np.nan, np.nan, np.nan) == "–"


@pytest.mark.parametrize("width", [390, 1100])
def test_chromium_renders_it(tmp_path, width):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium on this machine: the page is not rendered")
    full_page().write(tmp_path / "report.html")
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0",
            f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900", "--virtual-time-budget=2000",
            f"--screenshot={tmp_path / 'page.png'}", "--dump-dom", str(tmp_path / "report.html"),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr
    assert NOT_CLINICAL in " ".join(done.stdout.split())
    from matplotlib.image import imread

    pixels = imread(tmp_path / "page.png")[..., :3]
    assert pixels.shape[0] > 500
    assert pixels.std() > 0.02  # something is drawn
