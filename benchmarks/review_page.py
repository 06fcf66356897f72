"""How long the review page of a draft takes in a real browser: to load, to filter, to scroll, to decide.

Usage: python benchmarks/review_page.py DOMAIN OUTPUT.json [--facts 5000]

DOMAIN holds draft/, as `make draft` leaves it; its facts are repeated until there are as many as asked for. Times are
milliseconds from the event to the second frame after it, which shows its outcome; a frame itself takes 17 ms. The
processor time of the page's main thread does not depend on what else the machine does.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "scripts"), str(HERE.parent / "tests" / "support")]

from browser import start_browser  # noqa: E402
from tatara.draft.review import read_tables  # noqa: E402
from tatara.draft.review_page import refresh_review_page  # noqa: E402
from tatara.draft.table import write_table  # noqa: E402

TIMED = """
const [work, done] = [arguments[0], arguments[arguments.length - 1]];
const began = performance.now();
new Function("value", work)(arguments[1]);
requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
"""
LOADED = """
const done = arguments[0];
const ready = () => done(Math.max(
  performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd,
  performance.getEntriesByName("first-contentful-paint")[0].startTime));
requestAnimationFrame(() => requestAnimationFrame(ready));
"""
FILTER = """
const box = document.querySelector("#filters [name=text]");
box.value = value;
box.dispatchEvent(new Event("input", { bubbles: true }));
"""
PLACE = """
const box = document.querySelector("#filters [name=place]");
box.selectedIndex = value;
box.dispatchEvent(new Event("change", { bubbles: true }));
"""
SCROLL = "document.getElementById('list').scrollTop += value"
END = "const list = document.getElementById('list'); list.scrollTop = value ? list.scrollHeight : 0"
KEY = "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: value, bubbles: true }))"
CLICK = "document.getElementById(value).click()"


def times(driver, work: str, values: list) -> dict[str, float]:
    """Return the median, the longest and the mean processor time of a piece of work with each of some values."""
    before = processor_seconds(driver)
    taken = [driver.execute_async_script(TIMED, work, value) for value in values]
    processor = (processor_seconds(driver) - before) / len(values) * 1000
    return {
        "median_ms": round(statistics.median(taken), 1),
        "longest_ms": round(max(taken), 1),
        "processor_ms": round(processor, 1),
        "times": len(taken),
    }


def processor_seconds(driver) -> float:
    """Return the processor time that the page's main thread has had for tasks."""
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("domain", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--facts", type=int, default=5000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = shutil.copytree(arguments.domain, Path(scratch, "domain"))
        facts = read_tables(folder)["facts"]
        copies = range(arguments.facts // len(facts) + 1)
        many = [row | {"id": f"{row['id']}-{copy}" if copy else row["id"]} for copy in copies for row in facts]
        write_table(folder, "facts", many[: arguments.facts])
        began = time.perf_counter()
        page = refresh_review_page(folder)
        written = time.perf_counter() - began
        driver = start_browser()
        try:
            driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
            loads = []
            for _ in range(5):
                driver.get(page.resolve().as_uri())
                loads.append(driver.execute_async_script(LOADED))
            words = ["河", "河川", "河川の", "", "する", "必要", "30", "", "ない", "観測 流量", ""]
            figures = {
                "browser": driver.capabilities["browserVersion"],
                "rows": {table: len(rows) for table, rows in read_tables(folder).items()},
                "page_bytes": page.stat().st_size,
                "writing_the_page_s": round(written, 2),
                "load_until_rows_are_drawn": {
                    "median_ms": round(statistics.median(loads)),
                    "longest_ms": round(max(loads)),
                },
                "tab_of_facts": times(driver, KEY, ["3"]),
                "filter_by_text": times(driver, FILTER, words),
                "filter_by_place": times(driver, PLACE, [5, 20, 3, 0]),
                "scroll_by_a_screen": times(driver, SCROLL, [700] * 100),
                "jump_to_the_end_and_back": times(driver, END, [1, 0] * 3),
                "accept_by_key": times(driver, KEY, ["a"] * 30),
                "accept_all_shown": times(driver, CLICK, ["accept-shown"]),
                "undo_of_that": times(driver, KEY, ["u"]),
                "heap_bytes": driver.execute_script("return performance.memory.usedJSHeapSize"),
            }
        finally:
            driver.quit()
    arguments.output.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(arguments.output.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
