// Draws what "at many qualities" found: pictures, a table of scores, and a curve of PSNR over JPEG quality.

function createMeasured(section, address) {
  const find = (selector) => section.querySelector(selector);
  const number = (value, digits) => (value === null || !isFinite(value) ? "∞" : value.toFixed(digits));
  let drawn = "";

  function cell(row, text, kind) {
    const made = document.createElement(kind);
    if (kind === "th") made.scope = "row";
    made.textContent = text;
    row.append(made);
  }

  return function show(measured) {
    find(".measure-error").textContent = measured && measured.error ? measured.error : "";
    const found = measured && measured.found;
    find(".found").hidden = !found;
    const text = JSON.stringify(found || null);
    if (!found || text === drawn) return;
    drawn = text;
    find(".pictures").replaceChildren(...found.pictures.map(([caption, path]) => {
      const figure = document.createElement("figure"), image = document.createElement("img");
      const words = document.createElement("figcaption");
      image.src = address(path);
      image.alt = caption;
      words.textContent = caption;
      figure.append(image, words);
      return figure;
    }));
    find("tbody").replaceChildren(...found.rows.map(([name, psnr, psnrB, ssim]) => {
      const row = document.createElement("tr");
      cell(row, name, "th");
      cell(row, number(psnr, 2), "td");
      cell(row, number(psnrB, 2), "td");
      cell(row, number(ssim, 4), "td");
      return row;
    }));
    find(".meaning").textContent = found.words;
    find(".curve").replaceChildren(drawCurve(found.curve));
  };
}

function drawCurve(curve) {
  const points = curve.filter((point) => point[1] !== null && point[2] !== null);
  const width = 600, height = 260, left = 44, bottom = 34, top = 12, right = 12;
  const svg = make("svg", { viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": "PSNR in dB over JPEG quality, before and after restoration; the table has the values at your quality" });
  if (points.length < 2) return svg;
  const levels = points.flatMap((point) => [point[1], point[2]]);
  const low = Math.floor(Math.min(...levels)), high = Math.ceil(Math.max(...levels));
  const x = (quality) => left + (width - left - right) * quality / 100;
  const y = (level) => height - bottom - (height - bottom - top) * (level - low) / Math.max(1, high - low);

  function make(name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  for (let quality = 0; quality <= 100; quality += 20) {
    svg.append(make("text", { x: x(quality), y: height - 14, "text-anchor": "middle" }, String(quality)));
  }
  const step = Math.max(1, Math.round((high - low) / 5));
  for (let level = low; level <= high; level += step) {
    svg.append(make("line", { x1: left, x2: width - right, y1: y(level), y2: y(level), class: "grid" }));
    svg.append(make("text", { x: left - 6, y: y(level) + 4, "text-anchor": "end" }, String(level)));
  }
  svg.append(make("text", { x: width / 2, y: height - 1, "text-anchor": "middle" }, "JPEG quality"));
  for (const [index, name] of [[1, "JPEG"], [2, "Restored"]]) {
    const line = points.map((point) => x(point[0]) + "," + y(point[index])).join(" ");
    svg.append(make("polyline", { points: line, class: "line line-" + index }));
    const last = points[Math.floor(points.length / 2)];
    svg.append(make("text", { x: x(last[0]), y: y(last[index]) + (index === 1 ? 22 : -10), "text-anchor": "middle", class: "name-" + index }, name));
  }
  return svg;
}
