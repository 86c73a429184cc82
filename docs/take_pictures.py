"""Take the pictures of the README: `make pictures`.

Starts `shopforum dev` in a folder of its own with the sample data, walks through the sites in a Chromium, and writes
docs/pictures/*.png.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
COLOURS = 256
START_SECONDS = 120
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)


def main() -> None:
    """Take all of them."""
    PICTURES.mkdir(exist_ok=True)
    with (
        TemporaryDirectory(prefix="shopforum-") as folder,
        _sites(Path(folder)) as facts,
        _chromium() as chromium,
    ):
        page = _logged_in(chromium, facts, "store", "member", height=800)
        _fill_cart(page, facts["store"])
        _save("store", _shot(page, facts["store"], "/shopping-cart"))
        page = _logged_in(chromium, facts, "forums", "member", height=800)
        _save("forums", _shot(page, facts["forums"], _busy_topic(page, facts["forums"])))
        page = _logged_in(chromium, facts, "admin", "responder", height=984)
        _save("admin", _shot(page, facts["admin"], "/"))
        narrow = [
            _shot(
                _logged_in(chromium, facts, site, who, width=320, height=640, scheme="dark"),
                facts[site],
                path,
            )
            for site, who, path in (
                ("store", "member", "/shopping-cart"),
                ("forums", "member", "/"),
                ("admin", "responder", "/"),
            )
        ]
        _save("narrow", _side_by_side(narrow))


@contextmanager
def _sites(folder: Path) -> Iterator[dict[str, Any]]:
    """The running sites; yields the content of dev.json."""
    with (folder / "log").open("wb") as log:
        options = ["--data-dir", str(folder / "data"), "--port", _free_port(), "--idp-port", _free_port()]
        command = [sys.executable, "-m", "shopforum.cli", "dev", *options]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        facts = folder / "data" / "dev.json"
        deadline = time.monotonic() + START_SECONDS
        while not facts.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit((folder / "log").read_text())
            time.sleep(0.1)
        yield json.loads(facts.read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])


@contextmanager
def _chromium() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        sys.exit("No Chromium found: install one to take pictures.")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=program, args=arguments)


def _logged_in(
    chromium: Browser,
    facts: dict[str, Any],
    site: str,
    who: str,
    *,
    width: int = 1280,
    height: int,
    scheme: Any = "light",
) -> Page:
    """A browser window in which somebody has logged in."""
    page = chromium.new_page(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",
        user_agent=AGENT,
    )
    login = next(login for login in facts["logins"] if login["email"].startswith(f"{who}@"))
    page.goto(f"{facts[site]}/login")
    page.get_by_label("E-mail address").fill(login["email"])
    page.get_by_label("Password").fill(login["password"])
    with page.expect_navigation():
        page.get_by_role("main").get_by_role("button", name="Log in").click()
    return page


def _fill_cart(page: Page, url: str) -> None:
    for slug in ("stoneware-mug", "linen-notebook"):
        page.goto(f"{url}/products/{slug}")
        with page.expect_navigation():
            page.get_by_role("button", name="Add to cart").click()


def _busy_topic(page: Page, url: str) -> str:
    page.goto(f"{url}/categories/desk")
    return page.get_by_role("link", name="Show your desk").first.get_attribute("href") or "/"


def _shot(page: Page, url: str, path: str) -> Image.Image:
    page.goto(url + path, wait_until="networkidle")
    return Image.open(BytesIO(page.screenshot())).convert("RGB")


def _side_by_side(pictures: list[Image.Image], gap: int = 24) -> Image.Image:
    width = sum(picture.width for picture in pictures) + gap * (len(pictures) + 1)
    whole = Image.new("RGB", (width, max(picture.height for picture in pictures) + 2 * gap), "#808080")
    left = gap
    for picture in pictures:
        whole.paste(picture, (left, gap))
        left += picture.width + gap
    return whole


def _save(name: str, picture: Image.Image) -> None:
    path = PICTURES / f"{name}.png"
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.relative_to(Path.cwd())}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
