"""The report, open in a browser: what it asks for and complains of, and where in its plot a star is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

MARGIN = 0.04  # of the axes, beyond the extreme stars: scripts/scale.js


class OpenPage:
    """The page in a context of its own, which has no network. Use as a context."""

    def __init__(self, browser, path: Path, width: int = 1280, height: int = 900, **options):
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, offline=True, accept_downloads=True, **options
        )
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.url = path.resolve().as_uri()
        self.page.goto(self.url)
        self.page.wait_for_selector("#explorer[data-ready=true]", timeout=60_000)
        self.plot = self.page.locator("#explorer .overlay")

    def __enter__(self) -> OpenPage:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def show(self, x: str, y: str, colour: str) -> None:
        """Choose the plot's quantities by their names."""
        for name, value in {"x": x, "y": y, "colour": colour}.items():
            self.page.locator(f"#explorer select[name={name}]").select_option(value)

    def places(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Where stars of values x, y (n,), both linear and all shown, lie in the window: (n, 2) CSS pixels."""
        self.plot.scroll_into_view_if_needed()
        box = self.plot.bounding_box()
        left, top, right, bottom = map(float, self.page.locator("#explorer .plot").get_attribute("data-box").split())
        across, up = (
            (values - values.min() + MARGIN * np.ptp(values)) / ((1 + 2 * MARGIN) * np.ptp(values)) for values in (x, y)
        )
        return np.stack([box["x"] + left + across * (right - left), box["y"] + bottom - up * (bottom - top)], axis=1)

    def drag(self, corners: list[tuple[float, float]], *keys: str) -> None:
        """Draw through these places with the mouse, with keys held down."""
        mouse = self.page.mouse
        for key in keys:
            self.page.keyboard.down(key)
        mouse.move(*corners[0])
        mouse.down()
        for corner in corners[1:]:
            mouse.move(*corner, steps=4)
        mouse.up()
        for key in keys:
            self.page.keyboard.up(key)
        self.settle()

    def settle(self) -> None:
        """Wait until what the last event asked for is drawn."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def listed(self) -> set[str]:
        """The stars in the table of selected stars."""
        return set(self.page.locator("#explorer .selected-stars button.star").all_inner_texts())

    def focus(self) -> str:
        """The star whose numbers are shown."""
        return self.page.locator("#explorer").get_attribute("data-focus")
