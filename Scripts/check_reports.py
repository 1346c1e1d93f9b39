"""Opens reports in headless Chromium as a reader would and says what is wrong with them.

Usage: python3 Scripts/check_reports.py [--shots DIR] REPORT.html...
       python3 Scripts/check_reports.py --self-test

Each report is opened at 360 and 1440 px, light and dark, with all folded parts open. Checked: no
request leaves, no script error, all images decode, no two texts intersect, none leaves its drawing,
nothing scrolls sideways but tables, contrast is 4.5 or more, headings are in order, figures have
names, no text is below 11 px. Prints one line a finding with the element's path; exit code 1 where
there is one, 0 where there is none, and 0 with a note where no Chromium is installed.

Needs only Python: Chromium is spoken to in its DevTools protocol over two pipes.
`--shots` keeps a picture of each page. `--self-test` opens a page that breaks every rule and fails
unless each breach is found. CHROMIUM names another program.
"""

import argparse
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

WIDTHS = (360, 1440)
RULES = ["overlap", "size", "scroll", "headings", "names", "images", "contrast"]
PATIENCE = 60  # seconds for one answer


# A page that breaks every rule once, by the rule.
BROKEN = """<!DOCTYPE html><html lang="en"><title>Broken</title>
<style>body{margin:0;background:#fff;color:#000;font:16px sans-serif}
@media (prefers-color-scheme:dark){.night{color:#222;background:#111}}</style>
<h1>Broken</h1><h3>Level two is missing</h3>
<p style="position:absolute;top:200px;left:0">one text</p>
<p style="position:absolute;top:204px;left:20px">another text</p>
<p style="font-size:10px;margin-top:200px">small</p>
<p style="color:#999">pale</p><p class="night">pale at night</p>
<div style="width:2000px">wide</div>
<img src="data:image/png;base64,AAAA" alt="a picture that does not decode">
<img src="https://attune.invalid/picture.png" alt="a picture from elsewhere">
<svg width="100" height="40" viewBox="0 0 100 40"><text x="60" y="20">leaves its drawing</text>
<text x="5" y="38" style="font-size:9px">small</text></svg>
<div style="overflow-x:auto;width:100px" tabindex="-1"><pre>a line that is longer than its box</pre></div>
<script>throw new Error("broken on purpose")</script></html>"""
BREACHES = {"overlap", "cut-text", "size", "contrast", "scroll", "headings", "names", "images",
            "requests", "scripts"}


class Browser:
    """One Chromium and the page in it."""

    def __init__(self, program, profile):
        read_here, write_there = os.pipe()
        read_there, write_here = os.pipe()

        def connect():
            # Chromium reads commands from 3 and writes answers to 4; lift both ends out of the way first.
            commands, answers = os.dup(read_there), os.dup(write_there)
            lifted = [os.dup2(end, number) for end, number in ((commands, 50), (answers, 51))]
            os.dup2(lifted[0], 3)
            os.dup2(lifted[1], 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--hide-scrollbars", f"--user-data-dir={profile}", "about:blank"],
            close_fds=False, preexec_fn=connect, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(read_there)
        os.close(write_there)
        self.input, self.output = write_here, read_here
        self.buffer, self.number, self.events, self.session = b"", 0, [], None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def message(self, deadline):
        """The next message of Chromium."""
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.output], [], [], max(0, deadline - time.monotonic()))
            part = os.read(self.output, 1 << 20) if ready else b""
            if not part:
                raise SystemExit("check_reports: Chromium does not answer; does it start by itself?")
            self.buffer += part
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, **parameters):
        """Sends a command and waits for its answer; events that come meanwhile are kept."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self.input, data):]
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self.message(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit(f"check_reports: {method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, event):
        deadline = time.monotonic() + PATIENCE
        while not any(entry.get("method") == event for entry in self.events):
            self.events.append(self.message(deadline))

    def run(self, function, *arguments):
        """The value of a function that runs in the page."""
        text = f"({function})({', '.join(json.dumps(argument) for argument in arguments)})"
        answer = self.ask(
            "Runtime.evaluate", expression=text, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise SystemExit(f"check_reports: {details.get('exception', details)}")
        return answer["result"].get("value")

    def open(self, address, width):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900,
                 deviceScaleFactor=1, mobile=width < 600)
        self.events.clear()
        self.ask("Page.navigate", url=address)
        self.wait("Page.loadEventFired")

    def complaints(self, address):
        """Requests that left and errors of scripts since the page was opened."""
        for event in self.events:
            parameters = event.get("params", {})
            if event.get("method") == "Network.requestWillBeSent":
                url = parameters["request"]["url"]
                if url != address and not url.startswith("data:"):
                    yield {"rule": "requests", "path": "page", "what": f"asks for {url}"}
            elif event.get("method") == "Runtime.exceptionThrown":
                yield {"rule": "scripts", "path": "page",
                       "what": parameters["exceptionDetails"]["text"]}
            elif event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
                yield {"rule": "scripts", "path": "page", "what": parameters["entry"]["text"]}

    def close(self):
        os.close(self.input)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def findings_of(browser, file, width, look, shots):
    """All findings of one report at one width, and how many texts and images were looked at."""
    address = file.resolve().as_uri()
    browser.open(address, width)
    found = []
    for scheme in ("light", "dark"):
        browser.ask("Emulation.setEmulatedMedia",
                    features=[{"name": "prefers-color-scheme", "value": scheme}])
        seen = browser.run(look, RULES if scheme == "light" else ["contrast"])
        found += [{**finding, "scheme": scheme} for finding in seen["findings"]]
        if shots:
            height = browser.run("() => document.documentElement.scrollHeight")
            picture = browser.ask(
                "Page.captureScreenshot", captureBeyondViewport=True,
                clip={"x": 0, "y": 0, "width": width, "height": min(height, 12000), "scale": 1})
            name = "-".join(file.resolve().parts[-4:-1])
            (shots / f"{name}-{width}-{scheme}.png").write_bytes(
                base64.b64decode(picture["data"]))
    found += [{**finding, "scheme": "light"} for finding in browser.complaints(address)]
    return found, seen


def self_test(browser, look, folder):
    """0 where every rule found its breach, the one of the night in the dark alone."""
    page = folder / "broken.html"
    page.write_text(BROKEN)
    missed = False
    for width in WIDTHS:
        found, _ = findings_of(browser, page, width, look, None)
        lost = sorted(BREACHES - {finding["rule"] for finding in found})
        night = {finding["scheme"] for finding in found if "pale at night" in finding["what"]}
        if lost or night != {"dark"}:
            print(f"check_reports: at {width} px not found: {', '.join(lost) or 'the dark contrast'}")
            missed = True
    print("check_reports: self-test " + ("failed" if missed else "passed"))
    return 1 if missed else 0


def main():
    parser = argparse.ArgumentParser(description="Checks report.html files in headless Chromium.")
    parser.add_argument("reports", nargs="*", type=pathlib.Path)
    parser.add_argument("--shots", type=pathlib.Path, help="folder for a picture of each page")
    parser.add_argument("--self-test", action="store_true", help="check the rules themselves")
    options = parser.parse_args()
    if not options.reports and not options.self_test:
        parser.error("no reports given")
    program = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        print("check_reports: skipped, since no Chromium is installed (Debian: apt install chromium)")
        return 0
    for file in options.reports:
        if not file.is_file():
            raise SystemExit(f"check_reports: {file}: not found")
    if options.shots:
        options.shots.mkdir(parents=True, exist_ok=True)
    look = pathlib.Path(__file__).with_suffix(".js").read_text()
    look = look[look.index("async (rules)"):].rstrip()
    count = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            if options.self_test:
                return self_test(browser, look, pathlib.Path(profile))
            for file in options.reports:
                for width in WIDTHS:
                    found, seen = findings_of(browser, file, width, look, options.shots)
                    count += len(found)
                    for finding in found:
                        print(f"{file} {width} {finding['scheme']}: {finding['rule']}: "
                              f"{finding['path']}: {finding['what']}")
                    print(f"{file} {width}: {seen['texts']} texts, {seen['images']} images, "
                          f"{len(found)} findings")
        finally:
            browser.close()
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
