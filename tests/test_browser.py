"""The report in a real browser without a window: its filters work, and nothing that a model wrote is executed."""

import pandas
import pytest
from browser import needs_browser, start_browser
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from synthetic import write_study
from tatara.files.jsonl import read_jsonl, write_jsonl
from test_report import report

pytestmark = needs_browser
HOSTILE = '<script>document.title = "owned"</script><img src=x onerror="document.title = \'owned\'">"></details>'


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = write_study(tmp_path_factory.mktemp("study"), questions=24)
    answers = read_jsonl(study.answers[0])
    answers[0]["answer"] = HOSTILE
    write_jsonl(study.answers[0], answers)
    return study


@pytest.fixture(scope="module")
def browser(study):
    page = report(study, drawn=True)
    driver = start_browser()
    driver.get(page.resolve().as_uri())
    yield driver
    driver.quit()


def choose(browser, name, value):
    Select(browser.find_element(By.CSS_SELECTOR, f"#filters select[name={name}]")).select_by_value(value)


def questions(browser):
    return [
        element.get_attribute("id")
        for element in browser.find_elements(By.CSS_SELECTOR, "details.question")
        if element.is_displayed()
    ]


def count_of(browser):
    return browser.find_element(By.CSS_SELECTOR, "#filters output").text


@pytest.fixture(autouse=True)
def no_filter(browser):
    for name in ("category", "model", "score"):
        choose(browser, name, "")


def test_a_category_shows_its_questions_alone(browser, study):
    assert count_of(browser) == "24 of 24 questions"
    choose(browser, "category", "設計")
    assert count_of(browser) == "3 of 24 questions"
    asked = {row["id"] for row in read_jsonl(study.path("testset/test_set_200.jsonl")) if row["category"] == "設計"}
    assert set(questions(browser)) == asked


def test_model_and_score_together_show_what_that_model_got(browser, study):
    rows = pandas.read_csv(next(path for path in study.judge if "qwen_q4" in path))
    choose(browser, "model", "qwen_q4")
    choose(browser, "score", "1")
    expected = set(rows.loc[rows["score"] == 1, "id"])
    assert set(questions(browser)) == expected and count_of(browser) == f"{len(expected)} of 24 questions"
    first = browser.find_element(By.ID, sorted(expected)[0])
    if first.get_attribute("open") is None:
        first.find_element(By.TAG_NAME, "summary").click()
    shown = [answer for answer in first.find_elements(By.CSS_SELECTOR, ".answer[data-model]") if answer.is_displayed()]
    assert [answer.get_attribute("data-model") for answer in shown] == ["qwen_q4"]


def test_what_a_model_wrote_is_text(browser):
    assert browser.title == "試験の報告"
    assert HOSTILE in browser.find_element(By.ID, "q001").get_attribute("textContent")
    assert not browser.find_elements(By.CSS_SELECTOR, ".answer img, .answer script")
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_on_a_phone_the_page_is_no_wider_than_the_screen(browser):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    )
    try:
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
