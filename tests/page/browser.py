"""Opens a page in headless Chromium, as the accountant would, and tells what is seen: one JSON value on stdout.

    browser.py shoot PAGE PICTURE WIDTH HEIGHT SCHEME [ID]    a picture of the top of the page, or of what has that id
    browser.py print PAGE PDF                            the page on paper
    browser.py axe PAGE AXE_JS                           what axe-core finds, light and wide, dark and narrow
    browser.py narrow PAGE WIDTH                         by how much the page is wider than the screen, and than paper
    browser.py keyboard PAGE                             the table of owners, sorted and filtered by keys alone
    browser.py told PAGE                                 what the page says, and what a hostile text managed to do
    browser.py open PAGE                                 milliseconds until the page is drawn, and of the processor
    browser.py numbers LOCALE…                           the browser's own spelling of amounts
    browser.py compare PICTURE BASELINE                  by how much two pictures differ, seen from afar
"""

import json
import pathlib
import sys
from contextlib import contextmanager

CHROMIUM = "/usr/bin/chromium"
SCHEMES = ("light", "dark")
WIDTHS = (1280, 360)


@contextmanager
def page_of(path, width=1280, height=900, scheme="light", motion="reduce"):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--disable-gpu", "--font-render-hinting=none"])
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion=motion, bypass_csp=False
        )
        page = context.new_page()
        page.asked = []
        page.complaints = []
        page.dialogs = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (page.dialogs.append(dialog.message), dialog.dismiss()))
        if path:
            page.goto(pathlib.Path(path).resolve().as_uri())
        yield page
        browser.close()


def shoot(path, picture, width, height, scheme, place=None):
    with page_of(path, int(width), int(height), scheme) as page:
        if place:
            page.evaluate("id => document.getElementById(id).scrollIntoView()", place)
        page.screenshot(path=picture)
        return {"complaints": page.complaints}


def print_(path, pdf):
    with page_of(path) as page:
        page.pdf(path=pdf, prefer_css_page_size=True)
        return {"complaints": page.complaints}


def axe(path, axe_js):
    """Each scheme and each width once."""
    source = pathlib.Path(axe_js).read_text()
    findings = []
    passes = 0
    with page_of(path) as page:
        page.evaluate(source)  # by the debugger, which the page's policy does not bind
        for scheme, width in zip(SCHEMES, WIDTHS):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            found = page.evaluate("axe.run(document, {resultTypes: ['violations', 'passes']})")
            passes += len(found["passes"])
            findings += [
                f"{scheme} {width}: {v['impact']} {v['id']}: {v['nodes'][0]['html'][:200]}" for v in found["violations"]
            ]
    return {"findings": findings, "passes": passes}


WIDER = "document.documentElement.scrollWidth - window.innerWidth"


def narrow(path, width):
    """On a phone, and on a sheet of A4, lying, within its margins."""
    with page_of(path, int(width), 800) as page:
        screen = page.evaluate(WIDER)
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 1032, "height": 700})
        return {"screen": screen, "paper": page.evaluate(WIDER)}


OWNERS = """() => Array.from(document.querySelectorAll('#owners-table tbody tr')).filter(row => !row.hidden)
    .map(row => Array.from(row.cells).map(cell => cell.textContent.trim()))"""
FOCUS = """() => { const at = document.activeElement;
    return (at.id || at.textContent.trim() || at.tagName) + (at.matches(':focus-visible') ? '' : ' (not shown)') }"""


def keyboard(path):
    told = {}
    with page_of(path) as page:
        stops = []
        for _ in range(40):
            page.keyboard.press("Tab")
            stops.append(page.evaluate(FOCUS))
            if stops[-1].startswith("Closing"):
                break
        told["stops"] = stops
        told["before"] = page.evaluate(OWNERS)
        page.keyboard.press("Enter")
        told["ascending"] = page.evaluate(OWNERS)
        sorted_by = "() => Array.from(document.querySelectorAll('th[aria-sort]')).map(th => th.textContent + ' ' + th.ariaSort)"
        told["aria_ascending"] = page.evaluate(sorted_by)
        page.keyboard.press("Space")
        told["descending"] = page.evaluate(OWNERS)
        told["aria_descending"] = page.evaluate(sorted_by)
        while page.evaluate("document.activeElement.id") != "owners-find":
            page.keyboard.press("Shift+Tab")
        page.keyboard.type("card")
        told["found"] = page.evaluate(OWNERS)
        page.keyboard.press("Tab")
        page.keyboard.type("broken")
        told["found_broken"] = page.evaluate(OWNERS)
        told["count"] = page.inner_text("#owners-count")
        told["complaints"] = page.complaints
    return told


BREAKS = """() => Array.from(document.querySelectorAll('article.break')).map(article => ({
    id: article.id,
    title: article.querySelector('h4').textContent,
    figures: Array.from(article.querySelectorAll('.figures > div')).map(div => div.innerText.replace(/\\s+/g, ' ')),
    rows: Array.from(article.querySelectorAll('table.rows')).map(table => table.caption.textContent + ': ' +
        Array.from(table.tBodies[0].rows).map(row => (row.className ? '*' : '') + row.querySelector('bdi').textContent).join(' ')),
    sources: Array.from(article.querySelectorAll('.source')).map(source => source.textContent),
    advice: article.querySelector('.advice').textContent,
    commands: Array.from(article.querySelectorAll('.commands code')).map(code => code.textContent),
}))"""
SECTIONS = """() => Object.fromEntries(Array.from(document.querySelectorAll('main > section'))
    .map(section => [section.id, section.innerText]))"""


def told(path):
    with page_of(path) as page:
        page.wait_for_timeout(200)
        return {
            "verdict": page.inner_text("h1"),
            "owners": page.evaluate(OWNERS),
            "breaks": page.evaluate(BREAKS),
            "sections": page.evaluate(SECTIONS),
            "charts": page.evaluate("document.querySelectorAll('.chart svg').length"),
            "marks": page.evaluate("Array.from(document.querySelectorAll('.chart .dots')).map(path => path.getAttribute('d'))"),
            "right": page.evaluate("""Array.from(document.querySelectorAll('td.amount'))
                .every(cell => getComputedStyle(cell).textAlign === 'right'
                && getComputedStyle(cell).fontVariantNumeric.includes('tabular-nums'))"""),
            "dialogs": page.dialogs,
            "asked": [url for url in page.asked if not url.startswith(("file:", "data:"))],
            "ran": page.evaluate("window.pwned === true"),
            "scripts": page.evaluate("document.scripts.length"),
            "images": page.evaluate("document.images.length"),
            "complaints": list(page.complaints),
            # The policy itself: an inline script that slipped in would not run.
            "policy_holds": page.evaluate(
                """() => { const script = document.createElement('script'); script.textContent = 'window.slipped = true';
                document.body.append(script); return window.slipped !== true }"""
            ),
        }


def open_(path):
    """The processor's time is what the page is to blame for: a machine busy with other tests only adds to the clock's."""
    with page_of(None, motion="no-preference") as page:
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(pathlib.Path(path).resolve().as_uri())
        page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        clock = page.evaluate("Math.round(performance.now())")
        metrics = {metric["name"]: metric["value"] for metric in devtools.send("Performance.getMetrics")["metrics"]}
        return {"clock_ms": clock, "processor_ms": round(metrics["TaskDuration"] * 1000)}


AMOUNTS = ["-1234.50", "12345.00", "-12345678.90", "0.05"]


def numbers(*locales):
    with page_of(None) as page:
        return page.evaluate(
            """([locales, amounts]) => Object.fromEntries(locales.map(locale => [locale, amounts.map(amount =>
            new Intl.NumberFormat(locale, {minimumFractionDigits: 2}).format(amount))]))""",
            [list(locales), AMOUNTS],
        )


def compare(picture, baseline):
    """Both shrunk to cells of 16 pixels a side: the spelling of a run id is not seen from there, a lost chart is."""
    from PIL import Image, ImageChops

    mine, theirs = Image.open(picture).convert("RGB"), Image.open(baseline).convert("RGB")
    if mine.size != theirs.size:
        return {"sizes": [mine.size, theirs.size]}
    cells = (mine.width // 16, mine.height // 16)
    shrunk = [image.resize(cells, Image.Resampling.BOX) for image in (mine, theirs)]
    worst = [max(pixel) for pixel in ImageChops.difference(*shrunk).getdata()]
    return {"mean": sum(worst) / len(worst), "off": sum(difference > 40 for difference in worst) / len(worst)}


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    print(json.dumps({"print": print_, "open": open_}.get(name, globals().get(name))(*arguments)))
