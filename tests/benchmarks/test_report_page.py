"""The page in a real browser: it loads without errors or network, narrows, sorts, links to raw rows, escapes."""

import os
import shutil
import socket
from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from benchmarks.evidence.command import Evidence
from benchmarks.evidence.page import page
from tests.benchmarks.browser import choose, one, resize, rows, sort
from tests.benchmarks.report_cases import BOLD, SCRIPT, small_results

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="no browser: apt-get install chromium chromium-driver (as .ci/run does for root)"
)
ARGUMENTS = ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run")
WIDE, NARROW = (1280, 900), (390, 844)


@pytest.fixture(scope="module")
def _loopback() -> Iterator[None]:
    """The driver is spoken to over this machine's own loopback, and over nothing else."""
    connect = super(socket.socket, socket.socket).connect

    def local(self: socket.socket, address: tuple[str, int]) -> None:
        assert address[0] == "127.0.0.1", f"tests must not use the network: {address} was to be reached"
        connect(self, address)

    def resolve(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        assert host in ("localhost", "127.0.0.1"), f"tests must not use the network: {host} was to be looked up"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", local)
        patch.setattr(socket, "getaddrinfo", resolve)
        yield


@pytest.fixture(scope="module")
def _browser(tmp_path_factory: pytest.TempPathFactory, _loopback: None) -> Iterator[tuple[webdriver.Chrome, str]]:
    """One browser, and where the page of the small results is."""
    folder = tmp_path_factory.mktemp("page")
    evidence = Evidence.read(small_results(folder / "results"))
    (folder / "report.html").write_text(page(list(evidence.sections()), evidence.files), "utf-8")
    options = Options()
    options.binary_location = str(BROWSER)
    for argument in (*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, Service(str(DRIVER)))
    try:
        resize(browser, WIDE)
        yield browser, (folder / "report.html").as_uri()
    finally:
        browser.quit()


@pytest.fixture
def loaded(_browser: tuple[webdriver.Chrome, str]) -> webdriver.Chrome:
    """The page, freshly loaded and drawn, however busy the machine is."""
    browser, address = _browser
    browser.get(address)
    WebDriverWait(browser, 60).until(lambda page: one(page, "body").get_attribute("data-ready") == "")
    return browser


def test_it_loads_without_errors_and_without_network(loaded: webdriver.Chrome) -> None:
    assert one(loaded, "body").get_attribute("data-ready") == ""
    assert loaded.get_log("browser") == []  # type: ignore[no-untyped-call]  # selenium left it untyped
    fetched = loaded.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in fetched if not name.startswith(("data:", "file:"))] == []
    assert len(loaded.find_elements(By.CSS_SELECTOR, "#accuracy .plot .scatterlayer .point")) == 2


def test_a_choice_changes_the_table_and_the_plot(loaded: webdriver.Chrome) -> None:
    choose(loaded, "accuracy", 1, "trec")
    whole = rows(loaded, "accuracy")
    assert [row for row in whole if row.startswith("MaskedMaxPooler 3 0.917 [0.845, 0.988] +0.200")] != []
    assert len(loaded.find_elements(By.CSS_SELECTOR, "#accuracy .plot .errorbar")) == 4
    choose(loaded, "accuracy", 6, "10-20")
    assert [row for row in rows(loaded, "accuracy") if row.startswith("MaskedMaxPooler 3 0.933 [0.790, 1.000]")] != []
    choose(loaded, "accuracy", 6, "all lengths")
    assert rows(loaded, "accuracy") == whole


def test_what_is_missing_is_said(loaded: webdriver.Chrome) -> None:
    choose(loaded, "accuracy", 1, f"probe {SCRIPT}")
    assert [row for row in rows(loaded, "accuracy") if row.startswith("MaskedMeanPooler 0 not run")] != []
    choose(loaded, "throughput", 0, "cuda")
    assert rows(loaded, "throughput") == ["not measured"]
    assert one(loaded, "#throughput .said").text == "These choices: not measured."
    assert one(loaded, "#throughput option[value=cuda]").text == "cuda (not measured)"


def test_curves_and_studies_are_there_too(loaded: webdriver.Chrome) -> None:
    assert [row.partition(" [")[0] for row in rows(loaded, "mistakes-costs")] == ["0 0.000", "50 -0.600"]
    assert rows(loaded, "bias-costs") == ["-0.075 [-0.393, +0.243]"]
    assert rows(loaded, "masking-costs") == ["-0.100 [-1.371, +1.171]"]
    choose(loaded, "curves", 6, "gradient norm")
    assert rows(loaded, "curves")[:2] == ["0 0 2 0", "0 1 2 0"]
    choose(loaded, "accuracy", 0, "mistakes")
    choose(loaded, "accuracy", 1, "trec")
    choose(loaded, "accuracy", 5, "form=output[:, -1]; added=50")
    assert rows(loaded, "accuracy")[0].startswith("LastPooler 2 0.250 [0.000, 0.885]")


def test_what_is_not_finite_is_said_and_not_drawn(loaded: webdriver.Chrome) -> None:
    choose(loaded, "curves", 6, "vanishing ratio")
    assert rows(loaded, "curves") == ["5 2 2.83 [0.0346, 231]", "10 2 1 [1, 1]", "15 2 ∞"]
    assert len(loaded.find_elements(By.CSS_SELECTOR, "#curves .plot .point")) == 2
    sort(loaded, "curves", "value")
    assert rows(loaded, "curves")[0] == "15 2 ∞"
    axis = "return document.querySelector('#curves .plot').layout.xaxis.type"
    assert loaded.execute_script(axis) == "linear"
    choose(loaded, "curves", 7, "FirstPooler")
    assert rows(loaded, "curves") == ["5 1 2e+20", "10 1 4e-5"]
    assert loaded.execute_script(axis) == "log"
    choose(loaded, "accuracy", 1, "trec")
    bag = "bag of words, linear 1 0.800, the same for every seed +0.083 [+0.012, +0.155]"
    assert [row for row in rows(loaded, "accuracy") if row.startswith(bag)] != []


def test_a_head_sorts_and_the_search_filters(loaded: webdriver.Chrome) -> None:
    choose(loaded, "accuracy", 1, "trec")
    loaded.execute_script("const soon = setTimeout; window.setTimeout = (run, wait) => soon(run, (wait ?? 0) + 500)")
    order = []
    for _ in range(2):
        sort(loaded, "accuracy", "accuracy")
        order.append(
            [
                float(row.split(" [")[0].split()[-1])
                for row in rows(loaded, "accuracy")
                if "[" in row and "bag" not in row
            ]
        )
    assert order == [[0.717, 0.733, 0.917], [0.917, 0.733, 0.717]]
    search = one(loaded, "#accuracy input[type=search]")
    search.send_keys("bag of")
    assert [row[:12] for row in rows(loaded, "accuracy")] == ["bag of words"]


def test_a_number_shows_its_raw_rows(loaded: webdriver.Chrome) -> None:
    choose(loaded, "accuracy", 1, "trec")
    one(loaded, "#accuracy").find_element(By.LINK_TEXT, "+0.200 [+0.200, +0.200]").click()
    shown = loaded.find_elements(By.CSS_SELECTOR, "#raw tbody tr")
    assert [row.get_attribute("id") for row in shown] == [f"row-accuracy-{number}" for number in (4, 5, 6, 1, 2, 3)]
    assert "trec 0a BiLSTM MaskedMaxPooler 0 100" in shown[0].text
    one(loaded, "#raw button").click()
    assert one(loaded, "#raw .said").text == "accuracy.csv: 17 rows"


def test_text_of_the_results_stays_text(loaded: webdriver.Chrome) -> None:
    choose(loaded, "accuracy", 1, f"probe {SCRIPT}")
    Select(one(loaded, "#raw select")).select_by_visible_text("codegen")
    assert loaded.execute_script("return window.planted") is None
    assert loaded.find_elements(By.CSS_SELECTOR, "body b, svg b, td script") == []
    assert [row for row in rows(loaded, "accuracy") if row.startswith(f"MaskedMaxPooler {BOLD} 2 0.525")] != []
    assert f"MaskedMaxPooler {BOLD}" in one(loaded, "#accuracy .plot").text
    assert [row for row in rows(loaded, "throughput") if row.endswith(f"no {BOLD} backward")] != []
    assert [row for row in rows(loaded, "raw") if row.endswith(f"spills {BOLD}")] != []


def test_a_phone_scrolls_tables_and_not_the_page(loaded: webdriver.Chrome) -> None:
    resize(loaded, NARROW)
    assert loaded.execute_script("return document.documentElement.scrollWidth") == NARROW[0]
    resize(loaded, WIDE)
