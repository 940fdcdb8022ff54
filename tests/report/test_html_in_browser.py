"""In a browser charts draw, cursor and keys work, nothing is asked of a network, no text comes alive."""

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lsr.report.as_html import as_html, page
from lsr.report.plain import visible
from lsr.report.report import build_report

pytestmark = pytest.mark.slow

HOSTILE = json.loads((Path(__file__).parent / "hostile_texts.json").read_text())
REQUIRED = os.environ.get("LSR_REQUIRE_BROWSER") == "1"
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
AXE = os.environ.get("LSR_AXE")
PAINTED = """canvas => new Set(new Uint32Array(
    canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""

TOO_WIDE = """document.documentElement.scrollWidth <= innerWidth ? []
    : [...document.querySelectorAll('body *')]
    .filter(one => one.getBoundingClientRect().right > innerWidth && !one.closest('.scroll, pre, .unseen'))
    .map(one => one.tagName + ' ' + one.className + ' ' + one.textContent.slice(0, 60))"""


def _missing(what, way_out):
    if REQUIRED:
        pytest.fail(f"{what}; {way_out}")
    pytest.skip(f"{what}; {way_out}")


@pytest.fixture(scope="module")
def browser():
    found = shutil.which("chromium")
    if found is None:
        _missing("no chromium in PATH", "apt-get update && apt-get install -y chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture
def show(browser, tmp_path):
    """Open a page from a file; gives it with what it said and asked for."""
    contexts = []

    def opened(html, *, scripts=True, scheme="light", width=1280, drawn=True):
        file = tmp_path / f"page{len(contexts)}.html"
        file.write_text(html, encoding="utf-8", newline="\n")
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
        )
        contexts.append(context)
        shown = context.new_page()
        shown.complaints, shown.requests = [], []
        shown.on("console", lambda message: shown.complaints.append(message.text))
        shown.on("pageerror", lambda error: shown.complaints.append(str(error)))
        shown.on("dialog", lambda dialog: (shown.complaints.append("dialog"), dialog.dismiss()))
        shown.on("request", lambda request: shown.requests.append(request.url))
        shown.goto(file.as_uri())
        if scripts and drawn:
            shown.wait_for_selector("html[data-drawn]", state="attached")
        return shown

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def pages():
    """Pages made before, as still images take seconds."""
    return {}


@pytest.fixture
def html(operation_report, pages):
    if "operation_report" not in pages:
        pages["operation_report"] = as_html(operation_report)
    return pages["operation_report"]


def _asked_elsewhere(shown):
    return [url for url in shown.requests if not url.startswith(("file:", "data:"))]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_chart_draws_without_a_word_or_a_request(html, show, scheme):
    shown = show(html, scheme=scheme)
    assert shown.locator("#trend canvas").count() == 4
    for canvas in shown.locator("#trend canvas, #waterfall, #beside, #overlay, #recruitment canvas").all():
        assert canvas.evaluate(PAINTED) > 4
    assert shown.complaints == []
    assert _asked_elsewhere(shown) == []
    assert len([url for url in shown.requests if url.startswith("file:")]) == 1


def test_the_glance_fits_the_first_screen(html, show):
    box = show(html).locator(".glance").bounding_box()
    assert box["y"] + box["height"] < 900


def test_the_largest_page_is_painted_within_half_a_second(largest_report, show):
    html = as_html(largest_report)
    assert len(html) > 800_000
    painted_ms = []
    for _ in range(5):  # a machine that runs tests is busy now and then
        shown = show(html)
        shown.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
        painted_ms.append(
            shown.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        )
    assert min(painted_ms) < 500, painted_ms


def test_a_phone_shows_everything_without_scrolling_aside(html, show):
    shown = show(html, width=390)
    assert shown.evaluate(TOO_WIDE) == []
    assert shown.complaints == []


def test_bursts_have_a_chart_of_their_own(restless_report, show):
    shown = show(as_html(restless_report))
    assert shown.locator("#trend canvas").count() == 5
    assert "bursts of R Ment and R O.Oculi together" in shown.locator("#trend-key").inner_text()
    assert shown.complaints == []


def test_on_a_phone_the_lines_are_named_above_the_plot(html, show):
    shown = show(html, width=390)
    key, plot = (shown.locator(name).bounding_box() for name in ("#overlay-key", "#overlay"))
    assert key["y"] + key["height"] <= plot["y"]
    assert shown.locator("#overlay-key").inner_text().split("\n") == [
        "07:34:29 baseline",
        "07:39:29 decompression",
    ]


def test_stages_too_narrow_for_their_names_are_named_below_the_trend(html, show):
    shown = show(html, width=240)
    assert shown.locator("#trend-stages").inner_text().split("\n") == ["1 baseline", "2 decompression"]
    assert not show(html).locator("#trend-stages").is_visible()


def test_every_chart_of_the_trend_says_what_it_shows(html, show):
    labels = [one.get_attribute("aria-label") for one in show(html).locator("#trend [role=img]").all()]
    assert [one.partition(",")[0] for one in labels] == ["amplitude", "onset", "persistence", "M wave"]


def test_without_an_m_wave_there_is_no_chart_of_it_and_one_block_is_one(
    recording, settings, make_findings, make_traces, operation_pair, show
):
    block = operation_pair.blocks[0]
    block = replace(block, m_wave=None, detection=replace(block.detection, m_wave=None))
    single = replace(operation_pair, course=None, blocks=(block,))
    report = build_report(recording, make_findings(single), settings, traces=make_traces(single))
    shown = show(as_html(report))
    assert shown.locator("#trend canvas").count() == 3
    assert shown.locator("#waterfall-title").inner_text() == "Average of 1 block"


def test_paper_gets_the_table_of_the_glance_and_not_the_cards_of_a_phone(html, show):
    shown = show(html, width=700)
    assert not shown.locator(".glance thead").is_visible()
    shown.emulate_media(media="print")
    assert shown.locator(".glance thead").is_visible()


def test_where_a_script_fails_still_images_come_back(html, show):
    broken = html.replace("const pairs = data.pairs;", "const pairs = data.pears;")
    policy = r'<meta http-equiv="Content-Security-Policy"[^>]*>'
    shown = show(re.sub(policy, "", broken), drawn=False)
    assert shown.complaints != []
    assert shown.locator("img.still").first.is_visible()
    assert not shown.locator("#viewer").is_visible()


def test_one_cursor_runs_over_all_charts(html, show):
    shown = show(html)
    over = shown.locator("#trend .u-over").first
    box = over.bounding_box()
    shown.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 20)
    lines = shown.locator("#trend .u-cursor-x").evaluate_all("all => all.map(one => one.style.transform)")
    assert len(lines) == 4
    assert len(set(lines)) == 1
    assert "absent" in shown.locator("#trend-readout").inner_text()
    assert shown.locator("#viewer").get_attribute("data-block") == "5"


def test_the_waterfall_leads_the_cursor_of_the_trend(html, show):
    shown = show(html)
    shown.locator("#waterfall").hover(position={"x": 200, "y": 30})
    first = shown.locator("#trend-readout").inner_text()
    shown.locator("#waterfall").hover(position={"x": 200, "y": 590})
    assert "230 µV" in first
    assert shown.locator("#trend-readout").inner_text() != first


def test_keys_step_through_blocks_and_change_the_gain(html, show):
    shown = show(html)
    viewer = shown.locator("#viewer")
    viewer.focus()
    before = shown.locator("#waterfall").evaluate("canvas => canvas.toDataURL()")
    states = []
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "End", "+", "-", "-", "0"):
        viewer.press(key)
        states.append((viewer.get_attribute("data-block"), float(viewer.get_attribute("data-gain"))))
    assert [block for block, _ in states] == ["1", "2", "1", "5", "5", "5", "5", "5"]
    gains = [gain for _, gain in states[4:]]
    assert gains == pytest.approx([1.5, 1, 1 / 1.5, 1])
    assert "Block 6 of 6" in shown.locator("#viewer-readout").inner_text()
    assert shown.locator("#waterfall").evaluate("canvas => canvas.toDataURL()") != before


def test_single_sweeps_and_other_pairs_can_be_chosen(html, show):
    shown = show(html)
    shown.get_by_role("button", name="Single sweeps of the block").click()
    assert "Single sweeps of block 1 (5)" in shown.locator("#waterfall-title").inner_text()
    shown.locator("#pair").select_option(label="right zygomatic → orbicularis oculi (direct)")
    assert "M wave 1235 µV" in shown.locator("#viewer-readout").inner_text()
    assert shown.complaints == []


def test_without_scripts_still_images_take_the_place_of_charts(html, show):
    shown = show(html, scripts=False)
    assert shown.locator("img.still").first.is_visible()
    assert all(image.is_visible() for image in shown.locator("figure.still img").all())
    assert not shown.locator("#viewer").is_visible()
    assert not shown.locator("#trend").is_visible()


def test_print_has_all_pages_with_still_images(html, show):
    shown = show(html)
    shown.emulate_media(media="print")
    assert all(image.is_visible() for image in shown.locator("img").all())
    assert not shown.locator("canvas").first.is_visible()
    assert shown.evaluate(TOO_WIDE) == []
    pdf = shown.pdf(prefer_css_page_size=True)
    n_pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert n_pages >= 4
    assert len(re.findall(rb"/Subtype\s*/Image", pdf)) >= 4  # the trend and three pairs
    width, height = map(float, re.search(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf).groups())
    assert (width, height) == pytest.approx((595, 842), abs=2)


@pytest.mark.parametrize("policy", [True, False], ids=["with_policy", "policy_stripped"])
def test_hostile_texts_are_read_and_never_run(hostile, show, policy, monkeypatch):
    monkeypatch.setattr(page, "_stills", lambda report: {"trend": None, "pairs": ["data:,"] * len(HOSTILE)})
    html = as_html(hostile(*HOSTILE))
    if not policy:
        html, n_stripped = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
        assert n_stripped == 1
    shown = show(html)
    text = " ".join(shown.locator("body").text_content().split())
    for one in HOSTILE:
        assert " ".join(visible(one)[:60].split()) in text
    for k in range(0, len(HOSTILE), 7):
        shown.locator("#pair").select_option(str(k))
    shown.locator("#viewer").press("ArrowDown")
    shown.locator("#waterfall").hover()
    assert shown.evaluate("window.hit") is None
    assert shown.locator("script").count() == 4
    assert shown.locator("style").count() == 1
    assert shown.locator("iframe, object, embed, form, base, a, math, video, textarea").count() == 0
    assert shown.evaluate(TOO_WIDE) == []
    assert shown.complaints == []
    assert _asked_elsewhere(shown) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["operation_report", "restless_report"])
def test_the_page_is_accessible(request, pages, show, kind, scheme):
    if AXE is None:
        _missing("axe-core is not there", "npm install axe-core, and name its axe.min.js in LSR_AXE")
    if kind not in pages:
        pages[kind] = as_html(request.getfixturevalue(kind))
    shown = show(pages[kind], scheme=scheme)
    shown.evaluate(Path(AXE).read_text(encoding="utf-8"))
    found = shown.evaluate("axe.run().then(result => result.violations)")
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []
