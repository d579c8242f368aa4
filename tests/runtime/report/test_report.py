"""The report: numbers that can be checked by hand, nothing fetched, nothing injected."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from nanomorph.cli.main import main
from nanomorph.journal import Journal
from nanomorph.report import write_report
from nanomorph.report.collect import collect
from nanomorph.report.findings import QUANTITIES, Findings, Sizes, Task
from nanomorph.report.gallery import MAX_PICTURES, choose
from nanomorph.report.notices import notices_of
from nanomorph.report.sizes import sizes_in
from nanomorph.report.statistics import Sample, _middles, fit_lognormal, median_ratio, summarize
from nanomorph.report.tasks import task_sections
from nanomorph.report.words import REASONS, count, reason_in_words, three_digits, title
from nanomorph.results import rows_of, write_overlay
from nanomorph.results.wires import write_wires
from nanomorph.sources import Rejected
from runs import item

ABOUT = {"Command": "nanomorph batch <in>"}
EVIL = "<script>alert(1)</script>&\"'.tif"


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory, make_analysis, tasks) -> tuple[Path, str]:
    """Six calibrated micrographs, a stack without pixel size, one of evil name; an alias, two set aside."""
    analyses = [make_analysis(f"{n}.tif", sides=(10, 20, 30)) for n in range(6)]
    stack = make_analysis("stack.mrc", nm_per_px=None, n_frames=40, label="singular")
    analyses.append(replace(stack, micrograph=replace(stack.micrograph, n_other_images=1)))
    evil = make_analysis(EVIL, decision="uncertain", confidence=0.55, shape_decision="unknown")
    out = tmp_path_factory.mktemp("run")
    with Journal.open(out / "journal.sqlite") as journal:
        for analysis in [*analyses, evil]:
            write_overlay(out, analysis, tasks)
            journal.record(item(analysis.micrograph.source), rows_of(analysis))
        journal.alias(item("x.emi"), of="0.tif")
        journal.quarantine(Rejected(f"bad/{EVIL}", "truncated", "ends after <b>40 %</b>"))
        journal.quarantine(Rejected("odd.tif", "never-heard-of", ""))
        return out, write_report(journal, out, ABOUT).read_text(encoding="utf-8")


@pytest.fixture
def page(whole_run) -> str:
    return whole_run[1]


class Links(HTMLParser):
    """Everything that a browser would fetch or follow, and whether all elements are closed."""

    VOID = frozenset({"meta", "img", "br", "path", "use", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name in ("src", "href", "srcset", "xlink:href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, _, attributes):
        self.found += [value for name, value in attributes if name in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_nothing_is_fetched_from_anywhere(page):
    links = Links()
    links.feed(page)
    assert not links.open
    assert links.found
    outside = [link for link in links.found if not re.match(r"data:image/jpeg;base64,|#|overlays/", link)]
    assert not outside
    assert "http" not in re.sub(r"base64,[^\"]*", "", page)
    assert "@import" not in page
    assert "<script" not in page


def test_names_and_details_are_escaped(page):
    assert "alert(1)" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#x27;.tif" in page
    assert "<b>40 %</b>" not in page
    assert "nanomorph batch &lt;in&gt;" in page


def test_counts_of_the_run(page):
    text = " ".join(re.sub(r"<[^>]+>", " ", page.partition("<main>")[2]).split())
    assert "8 micrographs measured, 22 domains outlined." in text
    assert "2 inputs could not be used and were set aside" in text
    assert "1 micrograph is uncertain at best: please look." in text
    assert "Uncertain labels: 1 of Nanowire morphology." in text
    assert "1 micrograph has no pixel size" in text
    assert "1 file holds several frames: only the first was measured." in text
    assert "1 file holds images of different sizes or types: only the largest was measured." in text
    assert "network 7 88 % 1 uncertain" in text
    assert "singular 1 12 %" in text
    assert "The end of the file is missing. Copy it again." in text
    assert "Never heard of." in text
    assert "bundle b1 on cpu, fp32" in text
    assert "Not measured twice: 1 file that belongs to or repeats another" in text


def test_a_mixture_of_dark_and_bright_material_is_named(journal, tmp_path, make_analysis):
    contrasts = {"a.tif": -0.4, "b.tif": -0.3, "c.tif": 0.05, "odd.tif": 0.5}
    for name, contrast in contrasts.items():
        analysis = make_analysis(name)
        journal.record(item(name), rows_of(replace(analysis, field=analysis.field | {"material_contrast": contrast})))
    text = write_report(journal, tmp_path, ABOUT).read_text(encoding="utf-8")
    assert "1 micrograph shows its material brighter than the background, 2 darker." in text
    assert "<ul class='names'><li>odd.tif</li></ul>" in text


def test_much_that_is_left_out_is_named(journal, tmp_path, make_analysis):
    for name, share in {"a.tif": 0.0, "b.tif": 0.1, "odd.tif": 0.11}.items():
        analysis = make_analysis(name)
        journal.record(item(name), rows_of(replace(analysis, field=analysis.field | {"left_out_fraction": share})))
    text = write_report(journal, tmp_path, ABOUT).read_text(encoding="utf-8")
    assert "In 1 micrograph more than a tenth of the material was left out as debris." in text
    assert "<ul class='names'><li>odd.tif</li></ul>" in text


def test_domains_of_both_contrasts_in_one_micrograph_are_named(journal, tmp_path, make_analysis):
    for name, contrasts in {"a.tif": [-0.4, -0.2], "b.tif": [-0.4, 0.05], "odd.tif": [-0.4, 0.3]}.items():
        analysis = make_analysis(name)
        table = analysis.domain_table | {"contrast": np.array(contrasts)}
        journal.record(item(name), rows_of(replace(analysis, domain_table=table)))
    text = write_report(journal, tmp_path, ABOUT).read_text(encoding="utf-8")
    assert "In 1 micrograph some domains are darker, others brighter than the background." in text
    assert "<ul class='names'><li>odd.tif</li></ul>" in text


def test_all_doubts_about_contrast_are_one_notice(journal, tmp_path, make_analysis):
    """Two dark, one bright, and that one and a third have domains of both kinds."""
    cells = {"a.tif": (-0.4, [-0.4, -0.4]), "b.tif": (-0.4, [-0.4, 0.3]), "odd.tif": (0.5, [0.5, -0.2])}
    for name, (of_field, of_domains) in cells.items():
        analysis = make_analysis(name)
        table = analysis.domain_table | {"contrast": np.array(of_domains)}
        field = analysis.field | {"material_contrast": of_field}
        journal.record(item(name), rows_of(replace(analysis, domain_table=table, field=field)))
    text = write_report(journal, tmp_path, ABOUT).read_text(encoding="utf-8")
    assert text.count("<li class='notice'>") == 1
    assert "1 micrograph shows its material brighter than the background, 2 darker. In 2 micrographs some" in text
    assert "<ul class='names'><li>odd.tif</li><li>b.tif</li></ul>" in text


def test_what_needs_no_doubt_has_no_box(journal, tmp_path, make_analysis):
    journal.record(item("a.tif"), rows_of(make_analysis("a.tif")))
    assert "class='notice" not in write_report(journal, tmp_path, ABOUT).read_text(encoding="utf-8")


def test_a_file_of_frames_and_of_other_images_is_named_once(page):
    notice = page[page.index("1 file holds several frames") :].partition("</li></ul>")[0]
    assert "1 file holds images of different sizes or types: only the largest was measured.</strong>" in notice
    assert notice.count("stack.mrc") == 1


def test_material_of_one_kind_needs_no_word(page):
    assert "than the background" not in page


def test_sizes_in_the_table(page):
    """Network: six times widths of 5, 10, 15 nm and once 5, 10 nm: 20 domains, median 10 nm."""
    row = re.search(r"<tr><th scope='row'[^>]*><i></i>network</th>(.*?)</tr>", page)
    cells = re.findall(r"<td>(.*?)</td>", row[1])
    assert cells[:2] == ["20", "7"]
    assert cells[2].startswith("<b>10.0</b>")


def test_domains_unlike_everything_have_a_row_of_sizes_too():
    findings = Findings({"shape": Task(("disc", "rod"), by_domain=True)}, names={0: "a.tif"})
    findings.tasks["shape"].accepted["disc"] = 1
    for label, number in (("disc", 3), ("unknown", 2)):
        sizes = findings.sizes["shape", "nm", label]
        sizes.micrographs += [0] * number
        sizes.weights += [1.0] * number
        for values in sizes.values.values():
            values += [5.0] * number
    text = task_sections(findings, {"disc": "#111111", "rod": "#222222"}, lambda _: None)
    rows = re.findall(r"<tr><th scope='row' style='--c:(#\w+)'><i></i>(\w+)</th><td>(\d+)</td><td>1</td>", text)
    assert rows == [("#111111", "disc", "3"), ("#b4bdc7", "unknown", "2")]


def test_charts_are_inline_and_take_the_pages_colours(page):
    # Histogram and cumulative curve of either task in nm and of the folders; a strip of points for either task in nm,
    # and one for the two particle labels of the stack, in px.
    assert page.count("<svg aria-hidden") == 6
    assert page.count("<svg class='strip'") == 3
    assert "var(--muted)" in page
    assert "#010203" not in page
    assert "xmlns" not in page
    assert not re.findall(r"<g id=", page)


def test_same_journal_same_page(whole_run):
    out, page = whole_run
    with Journal.open(out / "journal.sqlite") as journal:
        assert write_report(journal, out, ABOUT).read_text(encoding="utf-8") == page


def test_an_empty_run_and_one_without_overlays(tmp_path, journal, make_analysis):
    page = write_report(journal, tmp_path).read_text(encoding="utf-8")
    assert "Nothing was found to measure." in page
    journal.record(item("a.tif"), rows_of(make_analysis("a.tif", decision="unknown", label="", sides=())))
    page = write_report(journal, tmp_path).read_text(encoding="utf-8")
    assert "1 micrograph measured, 0 domains outlined." in page
    assert "None of the micrographs resembles what this task was trained on" in page
    assert "<img" not in page
    # A disk that was full left an empty file.
    (tmp_path / "overlays").mkdir(exist_ok=True)
    (tmp_path / "overlays" / "a.tif.png").touch()
    assert "<img" not in write_report(journal, tmp_path).read_text(encoding="utf-8")


def test_gallery_shows_every_label_and_the_doubtful_first(journal, tmp_path, make_analysis):
    for n in range(30):
        decision = ("accepted", "uncertain", "unknown")[n % 3]
        analysis = make_analysis(
            f"{n}.tif", decision=decision, confidence=0.5 + n / 100, label=("network", "singular")[n % 2],
            shape_decision="unknown",
        )  # fmt: skip
        journal.record(item(f"{n}.tif"), rows_of(analysis))
    clear, doubtful = choose(collect(journal, tmp_path).examples)
    assert [(one.leading.label, one.name) for one in clear[:2]] == [
        ("network", "24.tif"),
        ("singular", "27.tif"),
    ]
    assert [one.name for one in doubtful[:3]] == ["1.tif", "4.tif", "7.tif"]
    assert [one.leading.decision for one in doubtful] == ["uncertain"] * 10 + ["unknown"] * 2
    assert len(clear) + len(doubtful) <= MAX_PICTURES


def test_median_of_resampled_micrographs():
    """Ten micrographs, each with ten equal widths: the interval is that of ten values, not of a hundred."""
    values = np.repeat(np.arange(1.0, 11.0), 10)
    by_micrograph = summarize(Sample.of(values, np.repeat(np.arange(10), 10)))
    assert (by_micrograph.n, by_micrograph.n_micrographs, by_micrograph.median) == (100, 10, 5.5)
    assert by_micrograph.by_micrograph
    by_domain = summarize(Sample.of(values, np.zeros(100, int)))
    assert not by_domain.by_micrograph
    assert by_micrograph.high - by_micrograph.low > 1.5 * (by_domain.high - by_domain.low)
    assert by_micrograph.low < 5.5 < by_micrograph.high


def test_a_weighted_median_is_that_of_repeated_values():
    random = np.random.default_rng(0)
    values = np.sort(random.normal(size=31))
    weights = random.integers(0, 4, (50, 31))  # sums both even and odd, weights of zero also at the ends
    lower, upper = _middles(weights)
    repeated = [float(np.median(np.repeat(values, row))) for row in weights]
    assert ((values[lower] + values[upper]) / 2).tolist() == repeated


def test_domains_count_by_their_weight():
    """Of 1, 2 and 10 the last counts five times: half of the weight is reached there."""
    sample = Sample(np.array([1.0, 2.0, 10.0]), np.zeros(3, int), np.array([1.0, 1.0, 5.0]))
    assert summarize(sample).median == 10
    assert fit_lognormal(sample).median == pytest.approx(2 ** (1 / 7) * 10 ** (5 / 7))
    assert fit_lognormal(sample).distance == pytest.approx(ndtr_distance(sample))


def ndtr_distance(sample):
    """The largest gap between the weighted steps at 1, 2 and 10 (up to 1/7, 2/7, 1) and the fitted curve."""
    from scipy.stats import norm

    logs, share = np.log(sample.values), np.array([1, 1, 5]) / 7
    mean = logs @ share
    curve = norm.cdf((logs - mean) / np.sqrt((logs - mean) ** 2 @ share))
    return max(np.abs(curve - [1 / 7, 2 / 7, 1]).max(), np.abs(curve - [0, 1 / 7, 2 / 7]).max())


def test_medians_of_nothing_and_of_one():
    assert summarize(Sample.of(np.array([np.nan]), np.array([0]))).n == 0
    one = summarize(Sample.of(np.array([3.0, np.nan]), np.array([0, 1])))
    assert (one.n, one.median) == (1, 3.0)
    assert np.isnan(one.low)
    five, six = (summarize(Sample.of(np.arange(1.0, n + 1), np.arange(n))) for n in (5, 6))
    assert np.isnan(five.low)
    assert 1 <= six.low < 3.5 < six.high <= 6


def test_words():
    assert [three_digits(x) for x in (0.001234, 12.34, 4560.7, 0.0, float("nan"))] == [
        "0.00123",
        "12.3",
        "4,561",
        "0",
        "–",
    ]
    assert (count(1, "domain"), count(2300, "domain")) == ("1 domain", "2,300 domains")
    assert title("nanowire-morphology") == "Nanowire morphology"
    assert reason_in_words("zero-tail") == REASONS["zero-tail"]


def test_a_point_leads_to_its_picture_in_the_page(page):
    """Eight micrographs, all with overlays: every point of a strip has its picture here, and closes again."""
    strips = "".join(re.findall(r"<svg class='strip'.*?</svg>", page, re.DOTALL))
    targets = re.findall(r"<a href='#(m[0-9a-f]{12})'", strips)
    assert strips.count("<circle") == len(targets) > 8
    assert all(f'id="{target}"' in page for target in targets)
    assert page.count('class="close" href="#points"') == page.count("<img")
    assert 'id="points"' in page


def test_lognormal_of_known_sizes():
    """Quantiles of a log-normal of median 20 and geometric standard deviation 1.5."""
    from scipy.stats import lognorm

    values = lognorm.ppf((np.arange(2000) + 0.5) / 2000, s=np.log(1.5), scale=20)
    fit = fit_lognormal(Sample.of(values, np.zeros(len(values))))
    assert fit.median == pytest.approx(20, rel=1e-3)
    assert fit.spread == pytest.approx(1.5, rel=2e-3)
    assert fit.distance < 0.002
    assert fit.cumulative(np.array([20.0]))[0] == pytest.approx(0.5, abs=1e-3)
    assert not fit.poor
    assert fit_lognormal(Sample.of(np.array([5.0, 5.0, 5.0]), np.zeros(3))) is None
    assert fit_lognormal(Sample.of(np.array([5.0, np.nan, 6.0]), np.zeros(3))) is None


def test_a_lognormal_of_two_populations_is_called_poor():
    """Sixty of 10 and forty of 40: the fit's median, 17, is the size of none, and it misses 60 % by .14 to .34."""
    of_two = fit_lognormal(Sample.of(np.repeat([10.0, 40.0], [60, 40]), np.zeros(100)))
    assert of_two.median == pytest.approx(10**0.6 * 40**0.4)
    assert of_two.poor
    # Ten values are a tenth off any curve by chance alone.
    few = fit_lognormal(Sample.of(np.array([8.0, 8, 9, 10, 12, 12, 12, 13, 14, 15]), np.zeros(10)))
    assert few.distance > 0.15
    assert not few.poor


def test_ratio_of_medians():
    ids = np.repeat(np.arange(8), 5)
    first = np.linspace(8, 12, 40)
    ratio = median_ratio(Sample.of(first, ids), Sample.of(3 * first, ids))
    assert ratio.ratio == pytest.approx(3)
    assert ratio.low < 3 < ratio.high
    assert ratio.by_micrograph
    # Of five values not even the whole range covers the median in 95 of 100 samples.
    assert median_ratio(Sample.of(first, ids), Sample.of(np.arange(1.0, 6.0), np.arange(5))) is None
    assert median_ratio(Sample.of(first, ids), Sample.of(np.arange(1.0, 7.0), np.arange(6))) is not None


@pytest.fixture
def two_runs(tmp_path, make_analysis, tasks) -> list[Path]:
    """Six micrographs of domains of 10, 20, 30 px at 0.5 nm/px, and six at 1 nm/px: sizes of the second are double."""
    outs = []
    for name, nm in (("sample-1", 0.5), ("sample-2", 1.0)):
        out = tmp_path / name
        with Journal.open(out / "journal.sqlite") as opened:
            for n in range(6):
                analysis = make_analysis(f"{'ab'[n % 2]}/{n}.tif", nm_per_px=(nm, nm), sides=(10, 20, 30))
                write_overlay(out, analysis, tasks)
                opened.record(item(analysis.micrograph.source), rows_of(analysis))
        outs.append(out)
    return outs


def test_report_command_rebuilds_and_compares(two_runs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(two_runs[0])]) == 0
    one = (two_runs[0] / "report.html").read_text(encoding="utf-8")
    assert "6 micrographs measured, 18 domains outlined." in one
    folders = one.partition("<h2>By folder</h2>")[2]
    assert re.findall(r"<i></i>(a|b)</th><td>(\d+)</td><td>(\d+)</td>", folders)[:2] == [
        ("a", "9", "3"),
        ("b", "9", "3"),
    ]
    assert main(["report", *map(str, two_runs), "--out", "cmp.html"]) == 0
    page = (tmp_path / "cmp.html").read_text(encoding="utf-8")
    ratios = page.partition("Ratios of medians")[2]
    assert re.search(r"<i></i>sample-2</th><td><b>2.00</b>", ratios)
    said = page.partition("For a methods section")[2]
    assert re.findall(r"<h3>(.*?)</h3><p class='methods'>Micrographs were segmented", said) == ["sample-1", "sample-2"]
    links = Links()
    links.feed(page)
    assert not links.open
    assert not [link for link in links.found if not re.match(r"data:image/jpeg;base64,|#|sample-[12]/overlays/", link)]
    assert "<script" not in page
    assert main(["report", str(tmp_path)]) == 2
    assert "holds no run" in capsys.readouterr().err


def test_a_folder_is_no_file_for_the_page(whole_run, tmp_path, capsys):
    assert main(["report", str(whole_run[0]), "--out", str(tmp_path)]) == 2
    assert "that is a folder, give the name of a file" in capsys.readouterr().err


@pytest.mark.parametrize(("edges", "sizes"), [("leave-out", [20.0]), ("weight", [20.0]), ("count", [10.0, 20.0])])
def test_sizes_follow_the_choice_about_edges(journal, tmp_path, make_analysis, edges, sizes):
    analysis = make_analysis("a.tif", nm_per_px=(1.0, 1.0), sides=(10, 20))
    analysis.domain_table["touches_edge"] = np.array([True, False])
    analysis.domain_table["edge_weight"] = np.array([np.nan, 3.0])
    journal.remember("edges", edges)
    journal.record(item("a.tif"), rows_of(analysis))
    findings = collect(journal, tmp_path)
    sample = findings.folders["nm", ""].sample("width_median")
    assert sample.values.tolist() == sizes
    assert sample.weight.tolist() == ([3.0] if edges == "weight" else [1.0] * len(sizes))
    assert findings.n_edge_fields == (edges == "count")


def with_wires(analysis, lengths, cut, tips, weights):
    """The analysis with wires of these lengths, px, 0.5 nm each."""
    n = len(lengths)
    wires = {"domain": np.ones(n, np.int32), "wire": np.arange(1, n + 1), "touches_edge": np.array(cut, bool)}
    wires |= {"length_px": np.array(lengths, float), "length_nm": np.array(lengths) / 2}
    wires |= {"end_to_end_px": wires["length_px"], "n_tips": np.array(tips)}
    wires |= {"edge_weight": np.array(weights, float)}
    return replace(analysis, wire_table=wires, field=analysis.field | {"n_wires": n})


@pytest.mark.parametrize(
    ("edges", "lengths", "median"),
    [("leave-out", [10, 15], "12.5"), ("weight", [10, 15], "15.0"), ("count", [10, 15, 200, 25], "20.0")],
)
def test_lengths_of_wires_are_those_of_whole_wires_not_of_domains(
    journal, tmp_path, make_analysis, edges, lengths, median
):
    analysis = make_analysis("a/b.tif", label="dispersed")
    cells = [20, 30, 400, 50], [False, False, True, False], [2, 2, 2, 1], [1.5, 2.0, np.nan, 1.0]
    analysis = with_wires(analysis, *cells)
    journal.remember("edges", edges)
    journal.record(item("a/b.tif"), rows_of(analysis))
    write_wires(tmp_path, analysis)
    findings = collect(journal, tmp_path)
    for sizes in (findings.sizes["nanowire-morphology", "nm", "dispersed"], findings.folders["nm", "a"]):
        assert sizes.wire_lengths.values.tolist() == lengths
        assert sizes.wire_lengths.weight.tolist() == ([1.5, 2.0] if edges == "weight" else [1.0] * len(lengths))
    assert not any(sizes.wires for (task, _, _), sizes in findings.sizes.items() if task != "nanowire-morphology")
    text = write_report(journal, tmp_path).read_text(encoding="utf-8")
    assert "<th scope='col'>wires</th><th scope='col'>their length, nm</th>" in text
    of_labels = text[: text.index("<h2>Nanoparticle shape</h2>")]
    assert "longest path" not in of_labels
    assert f"<td>{len(lengths)}</td><td><b>{median}</b> <small>–</small></td>" in text


@pytest.mark.parametrize(("coarser", "told"), [(1.0, True), (0.9, False)])
def test_several_magnifications_are_told(journal, tmp_path, make_analysis, coarser, told):
    for name, nm_per_px in (("a.tif", 0.5), ("b.tif", coarser), ("c.tif", None)):
        size = None if nm_per_px is None else (nm_per_px, nm_per_px)
        journal.record(item(name), rows_of(make_analysis(name, nm_per_px=size)))
    text = write_report(journal, tmp_path).read_text(encoding="utf-8")
    assert ("Pixel sizes range from 0.500" in text) is told
    assert text.count("href='#by-pixel-size'") == text.count("id='by-pixel-size'") == told
    # A comparison has no table by pixel size to lead to.
    assert "href" not in "".join(notices_of(collect(journal, tmp_path), "sample: "))


def test_lengths_of_wires_stand_beside_widths_and_not_beside_diameters_alone():
    groups = {"a": Sizes({key: [5.0] for key in QUANTITIES}, [0], [1.0], [(10.0, 0, 1.0)])}
    tables = [sizes_in("nm", "ecd", groups, {"a": "#000"}, "sample", listed) for listed in (["ecd"], QUANTITIES)]
    assert ["their length" in table for table in tables] == [False, True]


def test_wires_of_names_that_differ_by_case_alone_are_each_ones_own(journal, tmp_path, make_analysis):
    for name, length, apart in (("a.tif", 20, False), ("A.tif", 30, True)):
        analysis = with_wires(make_analysis(name), [length], [False], [2], [1.0])
        journal.record(item(name), rows_of(analysis))
        write_wires(tmp_path, analysis, apart)
    journal.set_apart("A.tif", "a.tif")
    (sizes,) = collect(journal, tmp_path).folders.values()
    assert sorted(sizes.wire_lengths.values) == [10, 15]  # nm


def test_a_report_does_without_wires_that_are_gone(journal, tmp_path, make_analysis):
    journal.record(item("a.tif"), rows_of(with_wires(make_analysis("a.tif"), [20], [False], [2], [1.0])))
    assert "their length, nm" not in write_report(journal, tmp_path).read_text(encoding="utf-8")


def test_too_many_domains_are_sampled_by_no_order_of_names(journal, tmp_path, make_analysis):
    """TEM and SEM in turns: every second micrograph would be of one kind alone."""
    for n in range(24):
        journal.record(item(name := f"s{n:02d}_{('tem', 'sem')[n % 2]}.tif"), rows_of(make_analysis(name)))
    findings = collect(journal, tmp_path, most_domains=24)
    assert findings.n_domains == 48
    assert findings.sampled == 0.5
    kinds = [name[4:7] for name in findings.names.values()]
    assert len(kinds) == 12
    assert min(kinds.count("tem"), kinds.count("sem")) >= 3


def test_samples_in_px_are_left_out_of_a_comparison_in_nm_by_name(two_runs, tmp_path, make_analysis):
    plain = tmp_path / "plain"
    with Journal.open(plain / "journal.sqlite") as journal:
        journal.record(item("a.tif"), rows_of(make_analysis("a.tif", nm_per_px=None)))
    page = tmp_path / "cmp.html"
    assert main(["report", *map(str, two_runs), str(plain), "--out", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "Not in the sizes, as they are without a pixel size: plain (1 micrograph)." in text
    assert "<h3>Width, nm</h3>" in text
    # One colour a sample, in every table.
    colours = set(re.findall(r"--c:(#\w+)'><i></i>sample-2</th>", text))
    assert len(colours) == 1
    assert main(["report", str(two_runs[0]), str(plain), "--out", str(page)]) == 0
    assert "No two samples have a unit of length in common." in page.read_text(encoding="utf-8")
