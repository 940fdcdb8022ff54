// Draws the charts of a report: trend, waterfall, overlays, recruitment.
// All numbers come from the page's data. Texts only ever become text nodes or letters on a canvas.
"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.body;
  const byId = (id) => document.getElementById(id);
  const pairs = data.pairs;
  // Columns become rows.
  [...pairs, ...data.activity, ...data.synkinesis].forEach((pair) => {
    const names = Object.keys(pair.blocks);
    const n = names.length ? pair.blocks[names[0]].length : 0;
    pair.blocks = Array.from({ length: n }, (_, k) => Object.fromEntries(names.map((name) => [name, pair.blocks[name][k]])));
  });
  const isDirect = (pair) => pair.relation === "direct";
  const dashes = [[5, 4], [2, 3], [10, 4], [10, 3, 2, 3]]; // of bursts that two muscles share
  const shapes = ["circle", "square", "diamond", "triangle", "cross", "down"];
  let colour = {};

  function readColours() {
    const style = getComputedStyle(root);
    const names = ["paper", "ink", "quiet", "rule", "baseline", "zone-direct", "zone-lsr", "zone-late", "stage-0",
      "stage-1", "series-0", "series-1", "series-2", "series-3", "series-4", "series-5"];
    colour = Object.fromEntries(names.map((name) => [name, style.getPropertyValue("--" + name).trim()]));
  }
  const seriesColour = (number) => colour["series-" + (number % 6)];
  const colourOf = (k) => seriesColour(pairs[k].look);
  const shapeOf = (k) => shapes[pairs[k].look % shapes.length];

  // --- times, numbers ---
  const two = (number) => String(number).padStart(2, "0");
  function clock(timeS) {
    const whole = data.has_clock ? Math.floor(((data.start_s + timeS) % 86400 + 86400) % 86400) : Math.abs(Math.trunc(timeS));
    const sign = data.has_clock || timeS > -1 ? "" : "-"; // before the start
    return sign + two(Math.floor(whole / 3600)) + ":" + two(Math.floor((whole % 3600) / 60)) + ":" + two(whole % 60);
  }
  function microvolts(value) {
    return value === null ? "–" : Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
  }
  const percent = (share) => (share === null ? "–" : (100 * share).toFixed(0) + " %");

  // --- samples ---
  function bytes(text) {
    const raw = atob(text);
    const array = new Uint8Array(raw.length);
    for (let k = 0; k < raw.length; k++) array[k] = raw.charCodeAt(k);
    return array;
  }
  function decoded(pair) {
    const traces = pair.traces;
    if (traces === null || traces.uv) return traces;
    const n = traces.time_ms.length;
    const words = new DataView(bytes(traces.averages).buffer);
    traces.uv = traces.usable.map((usable, row) => {
      if (!usable) return null;
      return Float32Array.from({ length: n }, (_, k) => words.getInt16(2 * (row * n + k), true) * traces.step_uv);
    });
    traces.sweep_blocks = traces.n_sweeps.flatMap((n, block) => Array(n).fill(block));
    const roots = new Int8Array(bytes(traces.sweeps).buffer);
    traces.single = traces.sweep_blocks.map((_, row) =>
      Float32Array.from(roots.subarray(row * n, (row + 1) * n), (q) => (traces.largest_uv * q * Math.abs(q)) / 16129));
    return traces;
  }

  // --- marks ---
  function mark(context, shape, x, y, size, paint, hollow) {
    context.beginPath();
    if (shape === "circle") context.arc(x, y, size, 0, 2 * Math.PI);
    else if (shape === "square") context.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8);
    else if (shape === "diamond") polygon(context, x, y, [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]], size);
    else if (shape === "triangle") polygon(context, x, y, [[0, -1.2], [1.15, 0.9], [-1.15, 0.9]], size);
    else if (shape === "down") polygon(context, x, y, [[0, 1.2], [1.15, -0.9], [-1.15, -0.9]], size);
    else polygon(context, x, y, [[-1.2, -0.4], [-0.4, -0.4], [-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4],
      [0.4, 0.4], [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4]], size);
    context.fillStyle = hollow ? colour.paper : paint;
    context.strokeStyle = paint;
    context.fill();
    context.stroke();
  }
  function polygon(context, x, y, corners, size) {
    corners.forEach(([dx, dy], k) => context[k ? "lineTo" : "moveTo"](x + dx * size, y + dy * size));
    context.closePath();
  }

  // --- what is chosen ---
  const chosen = { pair: 0, block: 0, gain: 1, singles: false };
  chosen.pair = data.order.find((k) => pairs[k].blocks.length) || 0;

  // --- trend ---
  const trend = { charts: [], quiet: false };
  const middle = (block) => (block.start_s + block.end_s) / 2;

  function trendSeries() {
    const lsr = pairs.map((pair, k) => ({ pair, k })).filter(({ pair }) => !isDirect(pair) && pair.blocks.length);
    const direct = pairs.map((pair, k) => ({ pair, k })).filter(({ pair }) => isDirect(pair) && pair.blocks.length);
    const waves = direct.length ? direct : lsr.slice(0, 1);
    const low = (interval) => (interval ? interval[0] : null);
    const high = (interval) => (interval ? interval[1] : null);
    const bursts = data.activity.map((one) => ({ pair: one, k: one.pair }));
    data.synkinesis.forEach((one, row) => bursts.push({ pair: one, k: one.pair, shared: dashes[row % dashes.length] }));
    return [
      { label: "amplitude, µV", unit: "µV", from: lsr, zero: true, value: (b) => b.amplitude_uv, low: (b) => low(b.amplitude_ci_uv), high: (b) => high(b.amplitude_ci_uv) },
      { label: "onset, ms", from: lsr, zero: false, value: (b) => b.onset_ms, low: (b) => low(b.onset_ci_ms), high: (b) => high(b.onset_ci_ms) },
      { label: "persistence, %", from: lsr, zero: true, value: (b) => (b.persistence === null ? null : 100 * b.persistence), low: () => null, high: () => null },
      { label: "M wave, µV", unit: "µV", from: waves, zero: true, isWave: true, value: (b) => b.m_wave_uv, low: () => null, high: () => null },
      { label: "bursts/min", from: bursts, zero: true, isWave: true, value: (b) => b.rate, low: () => null, high: () => null },
    ].filter((what) => what.from.some(({ pair }) => pair.blocks.some((b) => (what.zero && !what.isWave) || what.value(b) !== null)));
  }

  function stagesShown() {
    return data.stages.length ? data.stages : [];
  }

  function drawStages(chart, withNames) {
    const context = chart.ctx;
    const box = chart.bbox;
    const ratio = devicePixelRatio;
    context.save();
    context.font = 12 * ratio + "px system-ui, sans-serif";
    // Where a name is wider than its stage, all are numbered, and a line below names them.
    const widthOf = (stage) => chart.valToPos(stage.end_s, "x", true) - chart.valToPos(stage.start_s, "x", true);
    const fits = stagesShown().every((stage) => context.measureText(stage.name).width < widthOf(stage) - 8 * ratio);
    if (withNames) byId("trend-stages").hidden = fits;
    context.beginPath();
    context.rect(box.left, box.top, box.width, box.height);
    context.clip();
    stagesShown().forEach((stage, k) => {
      const left = chart.valToPos(stage.start_s, "x", true);
      const right = chart.valToPos(stage.end_s, "x", true);
      context.fillStyle = colour["stage-" + (k % 2)];
      context.fillRect(left, box.top, right - left, box.height);
      if (withNames) {
        context.textAlign = "left";
        context.textBaseline = "alphabetic";
        context.fillStyle = colour.quiet;
        context.fillText(fits ? stage.name : String(k + 1), left + 5 * ratio, box.top + 14 * ratio);
      }
    });
    context.strokeStyle = colour.quiet;
    context.lineWidth = ratio;
    context.setLineDash([4 * ratio, 3 * ratio]);
    data.events.forEach(([timeS]) => {
      const x = chart.valToPos(timeS, "x", true);
      context.beginPath();
      context.moveTo(x, box.top);
      context.lineTo(x, box.top + box.height);
      context.stroke();
    });
    context.restore();
  }

  function drawTrendSeries(chart, what) {
    const context = chart.ctx;
    const ratio = devicePixelRatio;
    const box = chart.bbox;
    const floor = box.top + box.height - 8 * ratio;
    context.save();
    context.beginPath();
    context.rect(box.left - 6 * ratio, box.top, box.width + 12 * ratio, box.height);
    context.clip();
    what.from.forEach(({ pair, k, shared }, row) => {
      const paint = colourOf(k);
      // Marks on the base line stand beside each other.
      const aside = (row - (what.from.length - 1) / 2) * 9 * ratio;
      context.strokeStyle = paint;
      context.lineWidth = 1.5 * ratio;
      context.setLineDash(shared ? shared.map((length) => length * ratio) : []);
      context.beginPath();
      let joined = false;
      pair.blocks.forEach((block) => {
        const value = what.value(block);
        if (value === null) { joined = false; return; }
        const x = chart.valToPos(middle(block), "x", true);
        const y = chart.valToPos(value, "y", true);
        context[joined ? "lineTo" : "moveTo"](x, y);
        joined = true;
      });
      context.stroke();
      context.setLineDash([]);
      pair.blocks.forEach((block) => {
        const x = chart.valToPos(middle(block), "x", true);
        const value = what.value(block);
        if (value === null) {
          if (what.zero && !what.isWave) mark(context, block.presence === "absent" ? "circle" : "triangle", x + aside, floor, 3.2 * ratio, paint, true);
          return;
        }
        const low = what.low(block);
        const high = what.high(block);
        if (low !== null) {
          context.beginPath();
          context.moveTo(x, chart.valToPos(low, "y", true));
          context.lineTo(x, chart.valToPos(high, "y", true));
          context.stroke();
        }
        mark(context, shapeOf(k), x, chart.valToPos(value, "y", true), 3.6 * ratio, paint, Boolean(shared));
      });
    });
    context.restore();
  }

  function makeTrend() {
    const host = byId("trend");
    if (!host || !pairs.some((pair) => pair.blocks.length)) return;
    host.textContent = "";
    trend.charts = [];
    const all = pairs.flatMap((pair) => pair.blocks);
    const times = [...new Set(all.map(middle))].sort((a, b) => a - b);
    const first = Math.min(...all.map((b) => b.start_s), ...stagesShown().map((s) => s.start_s));
    const last = Math.max(...all.map((b) => b.end_s), ...stagesShown().map((s) => s.end_s));
    const margin = Math.max((last - first) * 0.015, 0.5);
    trendSeries().forEach((what, row, rows) => {
      const values = what.from.map(({ pair }) => {
        const own = new Map(pair.blocks.map((block) => [middle(block), what.value(block)]));
        return times.map((time) => (own.has(time) ? own.get(time) : null));
      });
      const ends = what.from.flatMap(({ pair }) => pair.blocks.flatMap((b) => [what.value(b), what.low(b), what.high(b)])).filter((v) => v !== null);
      const top = (ends.length && Math.max(...ends)) || (what.unit === "µV" ? 50 : 1);
      const bottom = ends.length ? Math.min(...ends) : 0;
      const range = what.label.startsWith("persistence") ? [-12, 108]
        : what.zero ? [-0.1 * top, (row === 0 && stagesShown().length ? 1.35 : 1.12) * top] : [bottom - 0.6, top + 0.6];
      const isLast = row === rows.length - 1;
      const options = {
        width: host.clientWidth, height: isLast ? 124 : 108, legend: { show: false }, padding: [4, 30, 0, 0],
        cursor: { sync: { key: "lsr" }, y: false, points: { show: false }, drag: { x: true, y: false } },
        scales: { x: { time: false, range: (u, low, high) => (u.zoomed ? [low, high] : [first - margin, last + margin]) }, y: { range } },
        axes: [
          { show: true, size: isLast ? 30 : 8, stroke: colour.quiet, ticks: { stroke: colour.rule, size: 4 }, grid: { show: false },
            incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200], space: 90,
            splits: (u, axis, low, high, step) => clockSplits(low, high, step),
            values: (u, splits) => splits.map((value) => (isLast && value !== null ? clock(value) : "")) },
          { size: 62, stroke: colour.quiet, ticks: { stroke: colour.rule, size: 4 }, grid: { stroke: colour.rule, width: 1 / devicePixelRatio },
            space: 28, label: what.label, labelSize: 18, labelFont: "12px system-ui, sans-serif", labelGap: 0,
            splits: what.label.startsWith("persistence") ? () => [0, 50, 100] : undefined,
            filter: (u, splits) => splits.map((value) => (value >= 0 ? value : null)),
            values: (u, splits) => splits.map((value) => (value === null ? "" : String(Number(value.toPrecision(6))))) },
        ],
        series: [{}, ...what.from.map(() => ({ scale: "y", paths: () => null, points: { show: false } }))],
        hooks: {
          drawClear: [(u) => drawStages(u, row === 0)],
          draw: [(u) => drawTrendSeries(u, what)],
          setSelect: [(u) => { u.zoomed = u.select.width > 0; }],
          setCursor: [(u) => cursorMoved(u)],
        },
      };
      if (!options.axes[1].splits) delete options.axes[1].splits;
      const chart = new uPlot(options, [times, ...values], host);
      chart.root.setAttribute("role", "img");
      chart.root.setAttribute("aria-label", what.label + " over time; its numbers are in the tables below");
      chart.over.addEventListener("dblclick", () => { trend.charts.forEach((one) => { one.zoomed = false; one.setScale("x", { min: first - margin, max: last + margin }); }); });
      trend.charts.push(chart);
    });
    makeKey();
  }

  function clockSplits(low, high, step) {
    const offset = data.has_clock ? data.start_s % 86400 : 0;
    const splits = [];
    for (let value = Math.ceil((low + offset) / step) * step - offset; value <= high; value += step) splits.push(value);
    return splits;
  }

  // A line of a key: what is drawn, and its name; draws on a canvas of 16 px in height.
  function keyItem(text, width, draw) {
    const item = document.createElement("li");
    const name = document.createElement("bdi");
    name.textContent = text;
    if (draw) {
      const canvas = document.createElement("canvas");
      canvas.width = width * devicePixelRatio;
      canvas.height = 16 * devicePixelRatio;
      canvas.setAttribute("aria-hidden", "true");
      Object.assign(canvas.style, { width: width + "px", height: "16px", display: "inline-block", verticalAlign: "-3px", marginRight: "5px" });
      const context = canvas.getContext("2d");
      context.scale(devicePixelRatio, devicePixelRatio);
      draw(context);
      item.append(canvas);
    }
    item.append(name);
    return item;
  }
  function drawLine(context, width, paint, thick, dash) {
    context.strokeStyle = paint;
    context.lineWidth = thick;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(0, 8);
    context.lineTo(width, 8);
    context.stroke();
    context.setLineDash([]);
    context.lineWidth = 1;
  }

  function makeKey() {
    const key = byId("trend-key");
    key.textContent = "";
    data.order.forEach((k) => {
      const pair = pairs[k];
      if (!pair.blocks.length) return;
      const text = pair.title + (isDirect(pair) ? " (M wave)" : "");
      key.append(keyItem(text, 16, (context) => mark(context, shapeOf(k), 8, 8, 4.5, colourOf(k), false)));
    });
    data.synkinesis.forEach((one, row) => key.append(keyItem("bursts of " + one.title, 40, (context) => {
      drawLine(context, 40, colourOf(one.pair), 1.5, dashes[row % dashes.length]);
      mark(context, shapeOf(one.pair), 20, 8, 3.6, colourOf(one.pair), true);
    })));
    byId("trend-stages").replaceChildren(...stagesShown().map((stage, k) => keyItem(k + 1 + " " + stage.name)));
  }

  function nearestBlock(pair, timeS) {
    let best = 0;
    pair.blocks.forEach((block, k) => {
      if (Math.abs(middle(block) - timeS) < Math.abs(middle(pair.blocks[best]) - timeS)) best = k;
    });
    return best;
  }

  function cursorMoved(chart) {
    if (trend.quiet || chart.cursor.left === undefined || chart.cursor.left < 0) return;
    const timeS = chart.posToVal(chart.cursor.left, "x");
    const pair = pairs[chosen.pair];
    if (!pair.blocks.length) return;
    const block = nearestBlock(pair, timeS);
    if (block !== chosen.block) { chosen.block = block; drawTraces(); }
    tellTrend(timeS);
  }

  function inCourse(block) {
    return block.in_course && block.in_course !== block.presence ? ", in the course " + block.in_course : "";
  }

  function tellTrend(timeS) {
    const told = [clock(timeS)];
    const stage = stagesShown().find((one) => one.start_s <= timeS && timeS < one.end_s);
    if (stage) told.push(stage.name);
    pairs.forEach((pair) => {
      if (!pair.blocks.length || isDirect(pair)) return;
      const block = pair.blocks[nearestBlock(pair, timeS)];
      told.push(pair.title + ": " + (block.presence === "present"
        ? microvolts(block.amplitude_uv) + " µV, onset " + (block.onset_ms === null ? "–" : block.onset_ms.toFixed(1)) + " ms, " + percent(block.persistence)
        : block.presence) + inCourse(block));
    });
    byId("trend-readout").textContent = told.join(" · ");
  }

  function pointTrendAt(timeS) {
    if (!trend.charts.length) return;
    trend.quiet = true;
    trend.charts.forEach((chart) => chart.setCursor({ left: chart.valToPos(timeS, "x"), top: 10 }, false));
    trend.quiet = false;
    tellTrend(timeS);
  }

  // --- traces ---
  function prepared(canvas) {
    const ratio = devicePixelRatio;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = "12px system-ui, sans-serif";
    return { context, width, height };
  }

  function axisOf(traces, left, right, lastMs) {
    const first = traces.time_ms[0];
    const last = Math.min(lastMs, traces.time_ms[traces.time_ms.length - 1]);
    const x = (ms) => left + ((ms - first) / (last - first)) * (right - left);
    x.back = (px) => first + ((px - left) / (right - left)) * (last - first);
    x.first = first;
    x.last = last;
    return x;
  }

  function drawZones(context, x, top, bottom, names) {
    let free = 0; // from here on no name stands yet
    Object.entries(data.zones_ms).forEach(([name, [low, high]]) => {
      const from = Math.max(low, x.first);
      const to = Math.min(high, x.last);
      if (to <= from) return;
      context.fillStyle = colour["zone-" + name];
      context.fillRect(x(from), top, x(to) - x(from), bottom - top);
      if (names) {
        context.fillStyle = colour.quiet;
        context.textAlign = "center";
        const text = { direct: "direct", lsr: "LSR", late: "late" }[name];
        const width = context.measureText(text).width;
        const middle = Math.max((x(from) + x(to)) / 2, free + width / 2 + 6);
        if (width < x(to) - x(from) + 8 && middle + width / 2 < x(x.last) + 8) {
          context.fillText(text, middle, top - 5);
          free = middle + width / 2;
        }
      }
    });
    context.strokeStyle = colour.ink;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(Math.round(x(0)) + 0.5, top);
    context.lineTo(Math.round(x(0)) + 0.5, bottom);
    context.stroke();
    context.fillStyle = colour.quiet;
    context.textAlign = "center";
    const step = x.last - x.first > 40 ? 10 : 5;
    for (let ms = Math.ceil(x.first / step) * step; ms <= x.last; ms += step) {
      context.fillText(ms === 0 ? "0 ms" : String(ms), x(ms), bottom + 14);
      context.fillRect(x(ms) - 0.5, bottom, 1, 3);
    }
    context.textAlign = "left";
  }

  function drawWave(context, x, timeMs, wave, zero, perUv, paint, width, dash) {
    context.strokeStyle = paint;
    context.lineWidth = width;
    context.setLineDash(dash || []);
    context.lineJoin = "round";
    context.beginPath();
    for (let k = 0; k < timeMs.length && timeMs[k] <= x.last + 1e-6; k++) context[k ? "lineTo" : "moveTo"](x(timeMs[k]), zero - wave[k] * perUv);
    context.stroke();
    context.setLineDash([]);
  }

  // The largest wave that should fit: of a direct muscle the M wave, else what lies in the LSR zone.
  function reference(pair, traces, waves) {
    const [low, high] = isDirect(pair) ? [1, 20] : [data.zones_ms.lsr[0], data.zones_ms.lsr[1] + 8];
    let largest = 0;
    waves.forEach((wave) => {
      if (wave) traces.time_ms.forEach((ms, k) => { if (ms >= low && ms <= high) largest = Math.max(largest, Math.abs(wave[k])); });
    });
    return Math.max(largest, isDirect(pair) ? 1 : 15);
  }

  function scaleBar(context, x, y, perUv) {
    const wanted = 36 / perUv;
    const power = 10 ** Math.floor(Math.log10(wanted));
    const size = [1, 2, 5, 10].map((k) => k * power).reduce((best, one) => (Math.abs(one - wanted) < Math.abs(best - wanted) ? one : best));
    context.fillStyle = colour.ink;
    context.fillRect(x, y - size * perUv, 2, size * perUv);
    context.textAlign = "right";
    context.fillText(size + " µV", x - 4, y - (size * perUv) / 2 + 4);
    context.textAlign = "left";
  }

  const waterfall = { rowAt: () => 0, x: null };

  function rowsShown(pair, traces) {
    if (!chosen.singles) {
      return pair.blocks.map((block, k) => ({ wave: traces.uv[k], label: clock(block.start_s), block: k, onset: block.onset_ms, stage: block.stage, heavy: true }));
    }
    return traces.sweep_blocks.map((block, k) => ({ wave: traces.single[k], label: clock(traces.sweep_times_s[k]), block, onset: traces.sweep_onsets_ms[k], stage: null, heavy: false }))
      .filter((row) => row.block === chosen.block);
  }

  function drawWaterfall(pair, traces) {
    const { context, width, height } = prepared(byId("waterfall"));
    const left = 62, top = 20, bottom = height - 22, right = width - 8;
    const x = axisOf(traces, left, right, 60);
    const rows = rowsShown(pair, traces);
    const room = rows.length > 1 ? 0.35 : 0; // the first and the last wave may reach out of their rows
    const step = (bottom - top) / (Math.max(rows.length, 1) + room);
    const start = top + (room * step) / 2;
    drawZones(context, x, top, bottom, true);
    const perUv = (chosen.gain * Math.max(Math.min(0.62 * step, 80), 14)) / reference(pair, traces, traces.uv);
    context.save();
    context.beginPath();
    context.rect(0, top, width, bottom - top);
    context.clip();
    let lastLabel = -100;
    rows.forEach((row, k) => {
      const zero = start + (k + 0.5) * step;
      const isChosen = !chosen.singles && rows.length > 1 && row.block === chosen.block;
      if (isChosen) {
        context.fillStyle = colour.rule;
        context.globalAlpha = 0.55;
        context.fillRect(0, start + k * step, width, step);
        context.globalAlpha = 1;
      }
      if (zero - lastLabel >= 15) {
        context.fillStyle = isChosen ? colour.ink : colour.quiet;
        context.fillText(row.label, 4, zero + 4);
        lastLabel = zero;
      }
      if (row.wave) drawWave(context, x, traces.time_ms, row.wave, zero, perUv, isChosen ? colourOf(chosen.pair) : colour.ink, isChosen ? 2 : rows.length > 60 ? 0.7 : 1.2);
      if (row.onset !== null && row.onset !== undefined) {
        context.fillStyle = colourOf(chosen.pair);
        mark(context, "down", x(row.onset), zero - Math.min(step * 0.36, 11), 3.4, colourOf(chosen.pair), false);
      }
    });
    let stage = null;
    rows.forEach((row, k) => {
      if (row.stage && row.stage !== stage) {
        context.fillStyle = colour.quiet;
        context.fillRect(0, start + k * step, width, 1);
        if (step >= 26) { context.textAlign = "right"; context.fillText(row.stage, right - 4, start + k * step + 13); context.textAlign = "left"; }
        stage = row.stage;
      }
    });
    context.restore();
    scaleBar(context, right - 2, bottom - 6, perUv);
    waterfall.x = x;
    waterfall.rowAt = (y) => rows[Math.max(0, Math.min(rows.length - 1, Math.floor((y - start) / step)))];
    byId("waterfall-title").textContent = chosen.singles
      ? "Single sweeps of block " + (chosen.block + 1) + " (" + rows.length + (traces.n_not_shown ? " of those kept" : "") + ")"
      : rows.length > 1 ? "Waterfall: averages of " + rows.length + " blocks, time runs down" : "Average of 1 block";
  }

  const firstName = (pair) => (pair.is_operation ? "baseline" : "first block");

  function drawBeside(id, pair, traces, first, second) {
    const { context, width, height } = prepared(byId(id));
    const left = 8, top = 18, bottom = height - 20, right = width - 8;
    const x = axisOf(traces, left, right, 30);
    drawZones(context, x, top, bottom, true);
    const waves = [first, second].map((k) => (k === null ? null : traces.uv[k]));
    const perUv = (chosen.gain * 0.42 * (bottom - top)) / reference(pair, traces, waves);
    const zero = (top + bottom) / 2;
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    const block = pair.blocks[second] || {};
    const baseline = pair.blocks[first] || {};
    const marked = block.onset_ms === null || block.onset_ms === undefined ? baseline : block;
    if (marked.onset_ms !== null && marked.onset_ms !== undefined) {
      const paint = marked === block ? colourOf(chosen.pair) : colour.baseline;
      if (marked.onset_ci_ms) {
        context.globalAlpha = 0.25;
        context.fillStyle = paint;
        context.fillRect(x(marked.onset_ci_ms[0]), top, x(marked.onset_ci_ms[1]) - x(marked.onset_ci_ms[0]), bottom - top);
        context.globalAlpha = 1;
      }
      context.fillStyle = paint;
      context.fillRect(x(marked.onset_ms) - 0.75, top, 1.5, bottom - top);
    }
    const lines = [
      { paint: colour.baseline, thick: 2, dash: [5, 3], block: baseline, name: firstName(pair) },
      { paint: colourOf(chosen.pair), thick: 1.8, dash: [], block, name: block.stage || "" },
    ];
    lines.forEach(({ paint, thick, dash }, k) => {
      if (waves[k]) drawWave(context, x, traces.time_ms, waves[k], zero, perUv, paint, thick, dash);
    });
    context.restore();
    byId(id + "-key").replaceChildren(...lines.filter((line, k) => waves[k]).map((line) =>
      keyItem((clock(line.block.start_s) + " " + line.name).trim(), 24, (swatch) => drawLine(swatch, 24, line.paint, line.thick, line.dash))));
    scaleBar(context, right - 2, bottom - 6, perUv);
  }

  function drawRecruitment(pair) {
    const box = byId("recruitment-box");
    const host = byId("recruitment");
    const levels = pair.recruitment;
    box.hidden = !levels.length || isDirect(pair);
    host.textContent = "";
    if (box.hidden) return;
    const most = (column) => Math.max(...levels.map((level) => level[column] || 0)) || 1;
    const share = (value, largest) => (value === null ? null : (100 * value) / largest);
    const lines = [
      { name: "answered", values: levels.map((level) => share(level[1], 1)), paint: seriesColour(0), shape: "circle" },
      { name: "LSR amplitude", values: levels.map((level) => share(level[2], most(2))), paint: seriesColour(1), shape: "square" },
      { name: "M wave", values: levels.map((level) => share(level[3], most(3))), paint: seriesColour(2), shape: "diamond" },
    ];
    const strengths = levels.map((level) => level[0]);
    const margin = 0.06 * (strengths[strengths.length - 1] - strengths[0] || 1);
    new uPlot({
      width: host.clientWidth, height: 190, legend: { show: false }, padding: [20, 8, 0, 0],
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: { x: { time: false, range: [strengths[0] - margin, strengths[strengths.length - 1] + margin] }, y: { range: [-5, 108] } },
      axes: [
        { stroke: colour.quiet, ticks: { stroke: colour.rule }, grid: { show: false }, size: 42, label: "stimulus, mA", labelSize: 16, labelFont: "12px system-ui, sans-serif" },
        { stroke: colour.quiet, ticks: { stroke: colour.rule }, grid: { stroke: colour.rule }, size: 44, label: "% of largest", labelSize: 16, labelFont: "12px system-ui, sans-serif", splits: () => [0, 50, 100] },
      ],
      series: [{}, ...lines.map(() => ({ scale: "y", paths: () => null, points: { show: false } }))],
      hooks: { draw: [(u) => drawRecruited(u, strengths, lines, pair.threshold_ma)] },
    }, [strengths, ...lines.map((line) => line.values)], host);
  }

  function drawRecruited(chart, strengths, lines, thresholdMa) {
    const context = chart.ctx;
    const ratio = devicePixelRatio;
    context.save();
    context.font = 12 * ratio + "px system-ui, sans-serif";
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    if (thresholdMa !== null) {
      const x = chart.valToPos(thresholdMa, "x", true);
      context.strokeStyle = colour.ink;
      context.setLineDash([4 * ratio, 3 * ratio]);
      context.beginPath();
      context.moveTo(x, chart.bbox.top);
      context.lineTo(x, chart.bbox.top + chart.bbox.height);
      context.stroke();
      context.setLineDash([]);
    }
    let left = chart.bbox.left;
    lines.forEach((line) => {
      context.strokeStyle = line.paint;
      context.lineWidth = 1.5 * ratio;
      context.beginPath();
      let joined = false;
      line.values.forEach((value, k) => {
        if (value === null) { joined = false; return; }
        context[joined ? "lineTo" : "moveTo"](chart.valToPos(strengths[k], "x", true), chart.valToPos(value, "y", true));
        joined = true;
      });
      context.stroke();
      line.values.forEach((value, k) => {
        if (value !== null) mark(context, line.shape, chart.valToPos(strengths[k], "x", true), chart.valToPos(value, "y", true), 3.4 * ratio, line.paint, false);
      });
      mark(context, line.shape, left + 6 * ratio, 9 * ratio, 4 * ratio, line.paint, false);
      context.fillStyle = colour.ink;
      context.fillText(line.name, left + 14 * ratio, 13 * ratio);
      left += context.measureText(line.name).width + 30 * ratio;
    });
    context.restore();
  }

  function tellBlock(pair) {
    const block = pair.blocks[chosen.block];
    const told = ["Block " + (chosen.block + 1) + " of " + pair.blocks.length, clock(block.start_s) + "–" + clock(block.end_s)];
    if (block.stage) told.push(block.stage);
    if (isDirect(pair)) told.push("M wave " + microvolts(block.m_wave_uv) + " µV");
    else if (block.presence === "present") told.push("LSR zone: " + microvolts(block.amplitude_uv) + " µV, onset " + (block.onset_ms === null ? "–" : block.onset_ms.toFixed(1) + " ms"), "answered " + percent(block.persistence));
    else told.push(block.presence + (block.reason ? " (" + block.reason + ")" : "") + inCourse(block));
    told.push("gain ×" + Number(chosen.gain.toPrecision(2)));
    byId("viewer-readout").textContent = told.join(" · ");
  }

  function drawTraces() {
    if (!byId("viewer")) return;
    const pair = pairs[chosen.pair];
    const traces = decoded(pair);
    if (!traces || !pair.blocks.length) return;
    chosen.block = Math.max(0, Math.min(pair.blocks.length - 1, chosen.block));
    drawWaterfall(pair, traces);
    const first = pair.is_operation ? "Baseline" : "First block";
    byId("beside-title").textContent = first + " and chosen block";
    byId("overlay-title").textContent = first + " and last average";
    drawBeside("beside", pair, traces, traces.baseline, chosen.block);
    drawBeside("overlay", pair, traces, traces.baseline, traces.last);
    tellBlock(pair);
    const viewer = byId("viewer");
    Object.assign(viewer.dataset, { pair: chosen.pair, block: chosen.block, gain: chosen.gain, singles: chosen.singles });
  }

  function drawPair() {
    const traces = decoded(pairs[chosen.pair]);
    if (!byId("viewer") || !traces) return;
    drawTraces();
    drawRecruitment(pairs[chosen.pair]);
  }

  function choose(block) {
    const pair = pairs[chosen.pair];
    chosen.block = Math.max(0, Math.min(pair.blocks.length - 1, block));
    drawTraces();
    pointTrendAt(middle(pair.blocks[chosen.block]));
  }
  function magnify(factor) {
    chosen.gain = factor === 0 ? 1 : Math.max(0.05, Math.min(60, chosen.gain * factor));
    drawTraces();
  }
  function showSingles(wanted) {
    chosen.singles = wanted;
    byId("singles").setAttribute("aria-pressed", String(wanted));
    byId("averages").setAttribute("aria-pressed", String(!wanted));
    drawTraces();
  }

  function listen() {
    const viewer = byId("viewer");
    if (!viewer) return;
    const select = byId("pair");
    data.order.forEach((k) => {
      const pair = pairs[k];
      if (!pair.blocks.length || pair.traces === null) return;
      const option = document.createElement("option");
      option.value = String(k);
      option.textContent = pair.title + (isDirect(pair) ? " (direct)" : "");
      select.append(option);
    });
    select.value = String(chosen.pair);
    select.addEventListener("change", () => { chosen.pair = Number(select.value); drawPair(); });
    byId("averages").addEventListener("click", () => showSingles(false));
    byId("singles").addEventListener("click", () => showSingles(true));
    byId("previous").addEventListener("click", () => choose(chosen.block - 1));
    byId("next").addEventListener("click", () => choose(chosen.block + 1));
    byId("more").addEventListener("click", () => magnify(1.5));
    byId("less").addEventListener("click", () => magnify(1 / 1.5));
    const keys = {
      ArrowUp: () => choose(chosen.block - 1), ArrowLeft: () => choose(chosen.block - 1),
      ArrowDown: () => choose(chosen.block + 1), ArrowRight: () => choose(chosen.block + 1),
      Home: () => choose(0), End: () => choose(Infinity),
      "+": () => magnify(1.5), "=": () => magnify(1.5), "-": () => magnify(1 / 1.5), "0": () => magnify(0),
    };
    viewer.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
    const canvas = byId("waterfall");
    canvas.addEventListener("mousemove", (event) => {
      const row = waterfall.rowAt(event.offsetY);
      if (!row) return;
      const pair = pairs[chosen.pair];
      pointTrendAt(middle(pair.blocks[row.block]));
      const ms = waterfall.x.back(event.offsetX);
      canvas.title = row.label + ", " + ms.toFixed(1) + " ms";
    });
    canvas.addEventListener("click", (event) => {
      const row = waterfall.rowAt(event.offsetY);
      if (row) choose(row.block);
    });
  }

  function drawAll() {
    readColours();
    makeTrend();
    drawPair();
  }

  listen();
  // What is read first is painted first; charts are drawn after it.
  requestAnimationFrame(() => setTimeout(() => {
    drawAll();
    document.documentElement.dataset.drawn = "true";
  }));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  let resized = null;
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(resized);
    resized = setTimeout(drawAll, 120);
  });
})();
