"""The review of 5,000 drafted facts in a real browser without a window, from the first row to the domain's files."""

import csv
import time
from itertools import pairwise
from pathlib import Path

import pytest
from browser import needs_browser, start_browser
from pipeline_copy import REPOSITORY
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait
from tatara.draft.accept import accept
from tatara.draft.build import draft_domain
from tatara.draft.review import read_tables
from tatara.draft.review_page import refresh_review_page
from tatara.draft.table import write_table

pytestmark = needs_browser
HANDBOOK = REPOSITORY / "tests/data/beekeeping/handbook.md"
FACTS = 5000
HOSTILE = "</script><script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">\"'&amp;"


@pytest.fixture(scope="module")
def domain(tmp_path_factory) -> Path:
    """The draft of a handbook, its facts repeated; the first is hostile in whatever a document decides."""
    folder = tmp_path_factory.mktemp("draft") / "bee"
    draft_domain([str(HANDBOOK)], folder, REPOSITORY)
    facts = read_tables(folder)["facts"]
    many = [
        row | {"id": f"{row['id']}-{copy}", "text": f"{copy}回目: {row['text']}"} if copy else row
        for copy in range(FACTS // len(facts) + 1)
        for row in facts
    ][:FACTS]
    many[0] = many[0] | {key: HOSTILE + many[0][key] for key in ("topic", "text", "file", "heading", "evidence")}
    write_table(folder, "facts", many)
    nodes = read_tables(folder)["nodes"]
    write_table(folder, "nodes", [row | {"name": HOSTILE} if row["name"] == "手回し" else row for row in nodes])
    refresh_review_page(folder)
    return folder


@pytest.fixture(scope="module")
def downloads(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def driver(downloads):
    driver = start_browser(downloads)
    yield driver
    driver.quit()


@pytest.fixture
def page(driver, domain, downloads):
    """The page as it is at the first visit."""
    driver.get((domain / "draft/text/handbook.md.txt").resolve().as_uri())  # of the same origin, and sooner loaded
    driver.execute_script("localStorage.clear()")
    visit(driver, domain)
    for file in downloads.iterdir():
        file.unlink()
    return driver


def visit(page, domain: Path) -> None:
    page.get((domain / "draft/review.html").resolve().as_uri())


def press(page, *keys: str) -> None:
    for key in keys:
        page.find_element(By.TAG_NAME, "body").send_keys(key)


def select(page, name: str, text: str) -> None:
    box = Select(page.find_element(By.NAME, name))
    next(option for option in box.options if option.text.strip() == text).click()


def search(page, text: str) -> None:
    box = page.find_element(By.NAME, "text")
    box.send_keys(Keys.CONTROL + "a" + Keys.NULL, text or Keys.DELETE, Keys.ESCAPE)


def shown(page) -> str:
    return page.find_element(By.NAME, "shown").text


def counts(page) -> str:
    return page.find_element(By.ID, "counts").text


def current(page):
    return page.find_element(By.CSS_SELECTOR, ".row[aria-current]")


def rows(page) -> list:
    return page.find_elements(By.CSS_SELECTOR, ".row")


def marks(row, name: str) -> set[str]:
    return {mark.text for mark in row.find_elements(By.CSS_SELECTOR, f".evidence mark.{name}")}


def write(page, field: str, text: str) -> None:
    box = current(page).find_element(By.CSS_SELECTOR, f"form [name={field}]")
    box.clear()
    box.send_keys(text)


def save(page, downloads: Path) -> Path:
    page.find_element(By.ID, "save").click()
    path = downloads / "review.csv"
    WebDriverWait(page, 20).until(lambda _: path.exists() and path.stat().st_size)
    return path


def changes(path: Path) -> list[tuple[str, ...]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [tuple(line) for line in csv.reader(file)][2:]


def table_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ---- what is shown ----


def test_the_last_of_five_thousand_rows_is_reached_and_few_are_in_the_page(page, domain):
    press(page, "3")
    assert shown(page) == "5,000 of 5,000 rows shown" and 3 < len(rows(page)) < 60
    page.execute_script("const list = document.getElementById('list'); list.scrollTop = list.scrollHeight")
    last = read_tables(domain)["facts"][-1]["id"]
    WebDriverWait(page, 20).until(lambda _: last in [row.get_attribute("data-id") for row in rows(page)])
    assert len(rows(page)) < 60


def test_rows_follow_one_another_without_gap_while_one_scrolls(page):
    press(page, "3")
    for _ in range(12):
        page.execute_script("document.getElementById('list').scrollTop += 700")
        time.sleep(0.05)  # an event of scrolling comes with the next frame
        boxes = page.execute_script(
            "const list = document.getElementById('list').getBoundingClientRect();"
            "return [list.top, list.bottom, [...document.querySelectorAll('.row')].map(r => {"
            "const box = r.getBoundingClientRect(); return [box.top, box.bottom]})]"
        )
        top, bottom, drawn = boxes
        assert drawn[0][0] <= top and drawn[-1][1] >= bottom
        assert all(abs(above[1] - below[0]) < 1 for above, below in pairwise(drawn))


def test_filters_leave_what_they_say(page, domain):
    facts = read_tables(domain)["facts"]
    press(page, "3")
    search(page, "ﾀﾞﾆ 7回目")  # width does not count
    expected = {row["id"] for row in facts if "7回目" in row["text"] and "ダニ" in str(row)}
    assert {row.get_attribute("data-id") for row in rows(page)} <= expected
    assert shown(page).startswith(f"{len(expected)} of ")
    search(page, "")
    select(page, "kind", "value")
    assert shown(page).startswith(f"{sum(row['kind'] == 'value' for row in facts):,} of ")
    select(page, "kind", "all")
    select(page, "place", "第2節 給餌")
    assert shown(page).startswith(f"{sum(row['section'] == '第2節 給餌' for row in facts):,} of ")
    select(page, "place", "第1章 巣箱の管理")
    assert shown(page).startswith(f"{sum(row['chapter'] == '第1章 巣箱の管理' for row in facts):,} of ")
    select(page, "place", "all")
    select(page, "order", "highest score first")
    assert f"score {max(row['score'] for row in facts)}" in rows(page)[0].text


def test_terms_have_the_place_of_their_sentence(page, domain):
    select(page, "place", "第2節 給餌")
    facts = {(row["file"], row["span_start"]) for row in read_tables(domain)["facts"] if row["section"] == "第2節 給餌"}
    nodes = read_tables(domain)["nodes"]
    terms = {row["id"] for row in nodes if (row["file"], row["span_start"]) in facts}
    assert terms and {row.get_attribute("data-id") for row in rows(page)} == terms


def test_the_words_of_a_row_are_marked_in_its_sentence(page):
    press(page, "3")
    search(page, "3回目: 寄生率とは")
    assert marks(current(page), "first") == {"寄生率"} and "ダニ" in marks(current(page), "second")
    press(page, "2")
    search(page, "捕殺器 スズメバチ")
    select(page, "kind", "PREVENTS 防止・軽減")
    assert marks(current(page), "first") == {"捕殺器"} and marks(current(page), "second") == {"スズメバチ"}


def test_what_documents_say_is_text(page):
    search(page, "owned")
    assert HOSTILE in current(page).get_attribute("textContent")
    press(page, "3")
    search(page, "owned")
    assert current(page).get_attribute("textContent").count(HOSTILE) >= 3  # text, evidence, file
    press(page, "e")
    assert current(page).find_element(By.NAME, "topic").get_attribute("value").startswith(HOSTILE)
    assert page.title == "Review of the draft bee"
    assert not page.find_elements(By.CSS_SELECTOR, "main img, main script")
    assert not [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"]


def test_nothing_is_fetched_and_nothing_can_be(page):
    fetched = page.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert not [name for name in fetched if not name.startswith(("data:", "blob:"))]
    answer = page.execute_async_script(
        "const done = arguments[0];"
        "document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective));"
        "document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:9/x.png' }))"
    )
    assert answer == "img-src"
    page.get_log("browser")


def test_japanese_is_shown_in_the_page_s_own_font(page):
    page.execute_async_script("document.fonts.ready.then(arguments[0])")
    assert page.execute_script(
        "return [...document.fonts].map(font => [font.family.replaceAll('\"', ''), font.status])"
    ) == [["Page Japanese", "loaded"]]


# ---- what a reviewer does ----


def test_keys_move_decide_and_take_back(page):
    select(page, "status", "all")
    press(page, "3", "j", "j", "k")
    facts = rows(page)
    second = facts[1].get_attribute("data-id")
    assert current(page).get_attribute("data-id") == second
    press(page, "a")
    assert "accepted 1 " in counts(page)
    assert current(page).get_attribute("data-id") == rows(page)[2].get_attribute("data-id")
    press(page, "r")
    assert "accepted 1 · rejected 1 " in counts(page)
    press(page, "k", "d")
    assert "accepted 1 · rejected 0 " in counts(page)
    press(page, "u", "u", "u")
    assert "accepted 0 · rejected 0 " in counts(page)
    assert "draft 5,000 " in counts(page)


def test_all_that_is_shown_is_decided_at_once_and_taken_back_at_once(page, domain):
    definitions = sum(row["kind"] == "definition" for row in read_tables(domain)["facts"])
    press(page, "3")
    select(page, "kind", "definition")
    page.find_element(By.ID, "reject-shown").click()
    assert f"rejected {definitions:,} " in counts(page) and "No row is left" in page.find_element(By.ID, "list").text
    select(page, "kind", "all")
    page.find_element(By.ID, "accept-shown").click()
    assert f"accepted {FACTS - definitions:,} · rejected {definitions:,} " in counts(page)
    press(page, "u", "u")
    assert "draft 5,000 " in counts(page)


def test_what_cannot_be_taught_cannot_be_written(page):
    press(page, "3")
    search(page, "4回目: 寄生率とは")
    press(page, "e")
    write(page, "text", "割合をいう。")
    current(page).find_element(By.CSS_SELECTOR, "form [value=save]").click()
    assert "Every wording must hold the term" in current(page).find_element(By.CSS_SELECTOR, "form output").text
    write(page, "text", "")
    current(page).find_element(By.CSS_SELECTOR, "form [value=save]").click()
    assert "must not be empty" in current(page).find_element(By.CSS_SELECTOR, "form output").text
    current(page).find_element(By.CSS_SELECTOR, "form [value=cancel]").click()
    assert "4回目: 寄生率とは" in current(page).text and not page.find_elements(By.CSS_SELECTOR, "form.edit")


def test_what_was_decided_edited_and_merged_ends_in_the_domain(page, domain, downloads):
    page.find_element(By.ID, "accept-shown").click()  # all terms
    press(page, "2")
    page.find_element(By.ID, "accept-shown").click()
    press(page, "3")
    search(page, "5回目: 寄生率とは")
    press(page, "e")
    text = '寄生率とは、ダニの付いた蜂の割合を、"百分率"で表したものをいう, と決める。'
    write(page, "text", text)
    write(page, "terms", "寄生率;ダニ")
    page.find_element(By.NAME, "terms").send_keys(Keys.CONTROL, Keys.ENTER)
    press(page, "j")
    search(page, "割合を、")
    assert "edited: Text" in current(page).text
    press(page, "a")
    press(page, "1")
    select(page, "status", "all")
    search(page, "寄生率")
    select(page, "kind", "Term")
    merged = next(row for row in rows(page) if row.find_element(By.TAG_NAME, "b").text == "寄生率")
    kept = next(row["id"] for row in read_tables(domain)["nodes"] if (row["name"], row["label"]) == ("ダニ", "Term"))
    merged_id = merged.get_attribute("data-id")
    merged.find_element(By.CSS_SELECTOR, "[data-action=merge]").click()
    write(page, "merged_into", "ダニ" + Keys.ENTER)
    assert "merged into ダニ" in current(page).text
    press(page, "3")
    select(page, "status", "accepted")
    search(page, "割合を、")
    assert current(page).find_element(By.TAG_NAME, "b").text == "ダニ"  # the fact is of the kept name from now on

    path = save(page, downloads)
    said = changes(path)
    assert ("nodes", merged_id, "merged_into", kept) in said
    assert [value for table, _, field, value in said if (table, field) == ("facts", "text")] == [text]
    accept(domain, REPOSITORY, review=path)
    (fact,) = table_of(domain / "facts.csv")
    assert (fact["text"], fact["node"]) == (text, kept)
    nodes = {row["id:ID"]: row["name"] for row in table_of(domain / "nodes.csv")}
    assert merged_id not in nodes and HOSTILE in nodes.values()


def merge(page, name: str, into: str) -> None:
    press(page, "1")
    select(page, "kind", "Term")
    search(page, name)
    row = next(row for row in rows(page) if row.find_element(By.TAG_NAME, "b").text == name)
    row.find_element(By.CSS_SELECTOR, "[data-action=merge]").click()
    write(page, "merged_into", into + Keys.ENTER)


def test_a_relation_of_a_merged_term_is_edited_and_turned_round(page, downloads):
    merge(page, "スズメバチ", "ダニ")
    press(page, "2")
    search(page, "捕殺器")
    select(page, "kind", "PREVENTS 防止・軽減")
    assert [name.text for name in current(page).find_elements(By.TAG_NAME, "b")] == ["捕殺器", "ダニ"]
    press(page, "e")
    write(page, "reason", "捕殺器は害敵を防ぐ。")
    current(page).find_element(By.CSS_SELECTOR, "form [value=save]").click()
    id_ = current(page).get_attribute("data-id")
    press(page, "x")
    assert [name.text for name in current(page).find_elements(By.TAG_NAME, "b")] == ["ダニ", "捕殺器"]
    press(page, "u")
    said = [change[2:] for change in changes(save(page, downloads)) if change[1] == id_]
    assert said == [("reason", "捕殺器は害敵を防ぐ。")]


def test_names_are_not_merged_in_a_circle_or_into_what_is_not_there(page):
    merge(page, "スズメバチ", "ダニ")
    merge(page, "ダニ", "スズメバチ")
    assert "there is no node of the name" in current(page).find_element(By.CSS_SELECTOR, "form output").text
    write(page, "merged_into", "第1章" + Keys.ENTER)  # a place is no term
    assert "there is no node of the name" in current(page).find_element(By.CSS_SELECTOR, "form output").text


def test_two_tabs_do_not_lose_each_other_s_work(page, domain):
    first = page.current_window_handle
    press(page, "3", "a")
    page.switch_to.new_window("tab")
    try:
        visit(page, domain)
        press(page, "3", "a")
        page.switch_to.window(first)
        WebDriverWait(page, 20).until(lambda _: "accepted 2 " in counts(page))
    finally:
        page.switch_to.window(page.window_handles[-1])
        page.close()
        page.switch_to.window(first)


def test_a_browser_that_keeps_nothing_is_told_of(page):
    page.execute_script("Storage.prototype.setItem = () => { throw new Error('the storage is full') }")
    press(page, "a")
    warning = page.find_element(By.ID, "warning")
    assert warning.is_displayed() and "the storage is full" in warning.text and "save review.csv" in warning.text


def test_a_closed_tab_loses_nothing(page, domain):
    press(page, "3", "a", "r", "j")
    visit(page, domain)
    press(page, "3")
    assert "accepted 1 · rejected 1 " in counts(page)


def test_a_saved_review_is_opened_in_another_browser(page, domain, downloads):
    press(page, "3", "a", "r")
    path = save(page, downloads)
    with path.open("a", encoding="utf-8") as file:
        file.write("facts,f-of-another-draft,status,accepted\n")
    page.execute_script("localStorage.clear()")
    visit(page, domain)
    press(page, "3")
    assert "accepted 0 · rejected 0 " in counts(page)
    page.find_element(By.ID, "open").send_keys(str(path))
    WebDriverWait(page, 20).until(lambda _: "accepted 1 · rejected 1 " in counts(page))
    assert "2 of 3 changes taken" in page.find_element(By.ID, "message").text
    press(page, "u")
    assert "accepted 0 · rejected 0 " in counts(page)
