"""What a reader does on the page: looks, chooses, presses, sorts."""

import time

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait


def resize(browser: webdriver.Chrome, size: tuple[int, int]) -> None:
    width, height = size
    sizes = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sizes)


def one(browser: webdriver.Chrome, css: str) -> WebElement:
    return browser.find_element(By.CSS_SELECTOR, css)


def rows(browser: webdriver.Chrome, section: str) -> list[str]:
    return [row.text for row in browser.find_elements(By.CSS_SELECTOR, f"#{section} tbody tr")]


def press(browser: webdriver.Chrome, element: WebElement) -> None:
    """Click where it has come to rest: a plot that is still being drawn moves what lies below it."""
    before, now = dict[str, int](), element.rect
    while now != before:
        time.sleep(0.2)
        before, now = now, element.rect
    element.click()


def sort(browser: webdriver.Chrome, section: str, title: str) -> None:
    """Press a head and wait for its mark: the table sorts a timer's tick after the click."""
    (head,) = [head for head in browser.find_elements(By.CSS_SELECTOR, f"#{section} th") if head.text == title]
    before = head.get_attribute("aria-sort")
    press(browser, head)
    WebDriverWait(browser, 20).until(lambda _: head.get_attribute("aria-sort") != before)


def choose(browser: webdriver.Chrome, section: str, column: int, value: str) -> None:
    Select(one(browser, f"#{section} select[data-column='{column}']")).select_by_value(value)
