// Looks at an open report as a reader would and returns what is wrong, one object a finding:
// {rule, path, what}. Run by check_reports.py in the page; `rules` says which rules to try.
async (rules) => {
  const findings = [];
  const wants = (rule) => rules.includes(rule);
  const path = (element) => {
    const parts = [];
    for (let at = element; at && at.nodeType === 1 && at.tagName !== "HTML"; at = at.parentNode) {
      if (at.id) { parts.unshift(`#${at.id}`); break; }
      const same = [...(at.parentNode?.children ?? [])].filter((e) => e.tagName === at.tagName);
      const place = same.length > 1 ? `:nth-of-type(${same.indexOf(at) + 1})` : "";
      parts.unshift(at.tagName.toLowerCase() + place);
    }
    return parts.join(">");
  };
  const add = (rule, element, what) => findings.push({ rule, path: path(element), what });
  const short = (text) => JSON.stringify(text.trim().replace(/\s+/g, " ").slice(0, 40));

  document.querySelectorAll("details").forEach((element) => { element.open = true; });

  // The part of a rectangle that its scrolling ancestors leave visible.
  const visible = (rect, element) => {
    let { left, right, top, bottom } = rect;
    for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      const box = at.getBoundingClientRect();
      [left, right] = [Math.max(left, box.left), Math.min(right, box.right)];
      [top, bottom] = [Math.max(top, box.top), Math.min(bottom, box.bottom)];
    }
    return { left, right, top, bottom };
  };

  // Every text with the element that it belongs to and its boxes, one a line.
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("style, script, title, desc")) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const drawing = element.closest("svg");
    const range = document.createRange();
    range.selectNodeContents(node);
    const rects = drawing ? [element.getBoundingClientRect()] : [...range.getClientRects()];
    texts.push({ element, drawing, text: node.data, rects });
  }

  if (wants("overlap")) {
    const boxes = texts.flatMap((item) =>
      item.rects.map((rect) => ({ ...visible(rect, item.element), item })));
    boxes.sort((a, b) => a.top - b.top);
    const slack = 1;
    boxes.forEach((a, index) => {
      for (let next = index + 1; next < boxes.length && boxes[next].top < a.bottom; next++) {
        const b = boxes[next];
        if (a.item === b.item) continue;
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > slack && down > slack) {
          add("overlap", a.item.element, `${short(a.item.text)} and ${short(b.item.text)} share `
            + `${across.toFixed(1)} by ${down.toFixed(1)} px (${path(b.item.element)})`);
        }
      }
    });
    // An SVG clips what leaves its frame.
    for (const { element, drawing, text, rects } of texts.filter((item) => item.drawing)) {
      const frame = drawing.getBoundingClientRect();
      for (const rect of rects) {
        const out = Math.max(frame.left - rect.left, rect.right - frame.right,
          frame.top - rect.top, rect.bottom - frame.bottom);
        if (out > slack) add("cut-text", element, `${short(text)} leaves its drawing by ${out.toFixed(1)} px`);
      }
    }
  }

  if (wants("size")) {
    for (const { element, drawing, text } of texts) {
      const matrix = drawing ? element.getScreenCTM() : null;
      const scale = matrix ? Math.hypot(matrix.c, matrix.d) : 1;
      const size = parseFloat(getComputedStyle(element).fontSize) * scale;
      if (size < 10.99) add("size", element, `${short(text)} is ${size.toFixed(2)} px high`);
    }
  }

  if (wants("contrast")) {
    const parse = (color) => {
      const match = /^rgba?\(([^)]+)\)$/.exec(color);
      if (!match) return null;
      const [r, g, b, a] = match[1].split(/[ ,/]+/).map(Number);
      return { r, g, b, a: a ?? 1 };
    };
    const over = (top, below) => ({
      r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a),
      b: top.b * top.a + below.b * (1 - top.a), a: 1,
    });
    const linear = (part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    };
    // Relative luminance and contrast of WCAG 2.
    const luminance = ({ r, g, b }) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const contrast = (a, b) => {
      const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
      return (high + 0.05) / (low + 0.05);
    };
    const ground = (element) => {
      const layers = [];
      for (let at = element; at; at = at.parentElement) {
        const color = parse(getComputedStyle(at).backgroundColor);
        if (color && color.a > 0) layers.push(color);
        if (color && color.a === 1) break;
      }
      return layers.reverse().reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
    };
    // What is painted last before a text of a drawing, where the text's middle lies in its box.
    const groundInDrawing = ({ element, drawing, rects }) => {
      const x = (rects[0].left + rects[0].right) / 2;
      const y = (rects[0].top + rects[0].bottom) / 2;
      const shapes = [...drawing.querySelectorAll("rect, image, text")];
      for (const shape of shapes.slice(0, shapes.indexOf(element)).reverse()) {
        const box = shape.getBoundingClientRect();
        if (shape.tagName === "text" || x < box.left || x > box.right || y < box.top || y > box.bottom) continue;
        if (shape.tagName === "image") return null;
        const color = parse(getComputedStyle(shape).fill);
        if (color && color.a === 1) return color;
      }
      return ground(drawing);
    };
    const seen = new Set();
    for (const item of texts) {
      const style = getComputedStyle(item.element);
      const color = parse(item.drawing ? style.fill : style.color);
      const below = item.drawing ? groundInDrawing(item) : ground(item.element);
      if (!color || !below) {
        add("contrast", item.element, `${short(item.text)} has no plain color or stands on a picture`);
        continue;
      }
      const ratio = contrast(over(color, below), below);
      const key = `${path(item.element)} ${ratio}`;
      if (ratio < 4.5 && !seen.has(key)) {
        seen.add(key);
        add("contrast", item.element, `${short(item.text)} has a contrast of ${ratio.toFixed(2)}`);
      }
    }
  }

  if (wants("scroll")) {
    const root = document.scrollingElement;
    if (root.scrollWidth > root.clientWidth) {
      add("scroll", document.body, `the page is ${root.scrollWidth} px wide in ${root.clientWidth}`);
      for (const element of document.body.querySelectorAll("*")) {
        const right = visible(element.getBoundingClientRect(), element).right;
        if (right > root.clientWidth + 1) { add("scroll", element, `reaches to ${right.toFixed(0)} px`); break; }
      }
    }
    // What scrolls by itself must be reachable with the keyboard.
    for (const element of document.body.querySelectorAll("*")) {
      if (!["auto", "scroll"].includes(getComputedStyle(element).overflowX)) continue;
      if (element.scrollWidth > element.clientWidth + 1 && element.tabIndex < 0) {
        add("scroll", element, `scrolls by ${element.scrollWidth - element.clientWidth} px but not by keyboard`);
      }
    }
  }

  if (wants("headings")) {
    let last = 0;
    const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")];
    for (const heading of headings) {
      const level = Number(heading.tagName[1]);
      if (level > last + 1) add("headings", heading, `h${level} ${short(heading.textContent)} follows h${last}`);
      if (!heading.textContent.trim()) add("headings", heading, "is empty");
      last = level;
    }
    const firsts = headings.filter((heading) => heading.tagName === "H1").length;
    if (firsts !== 1) add("headings", document.body, `${firsts} headings of the first level`);
  }

  if (wants("names")) {
    for (const image of document.querySelectorAll("img")) {
      if (!image.getAttribute("alt")) add("names", image, "has no alt text");
    }
    for (const drawing of document.querySelectorAll("svg")) {
      if (drawing.getAttribute("aria-hidden") === "true" || drawing.parentElement.closest("svg")) continue;
      const name = drawing.getAttribute("aria-label") || drawing.querySelector(":scope>title")?.textContent;
      if (drawing.getAttribute("role") !== "img" || !name?.trim()) add("names", drawing, "has no accessible name");
    }
    for (const figure of document.querySelectorAll("figure")) {
      if (!figure.querySelector("figcaption")?.textContent.trim()) add("names", figure, "has no caption");
    }
    const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
    ids.filter((id, index) => ids.indexOf(id) !== index)
      .forEach((id) => findings.push({ rule: "names", path: `#${id}`, what: "the identifier stands twice" }));
  }

  if (wants("images")) {
    const pictures = [...document.querySelectorAll("img, image")];
    await Promise.all(pictures.map(async (element) => {
      const copy = new Image();
      copy.src = element.getAttribute("src") ?? element.getAttribute("href")
        ?? element.getAttributeNS("http://www.w3.org/1999/xlink", "href") ?? "";
      try { await copy.decode(); } catch (error) { add("images", element, `does not decode: ${error.message}`); }
    }));
  }

  return { findings, texts: texts.length, images: document.querySelectorAll("img, image").length };
}
