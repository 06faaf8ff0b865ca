#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""report.py - build/bench/*.jsonl as one HTML page that needs nothing else.

    report.py FOLDER > report.html

results.jsonl   figures, one a line: the table, with what was to be reached
runs.jsonl      single runs of cxl-bench: throughput against depth, latency, value sizes
machine.json    what it ran on

Pictures are SVG in the page; each has the same numbers in a table below it. Standard library
only.
"""
import html
import json
import math
import os
import statistics
import sys

# Transports keep their colour in every picture, and have a shape of their own for those who
# see no colours.
TRANSPORTS = {
    "ring": ("#0b5fa5", "circle", "ring"),
    "sealed": ("#be185d", "triangle", "ring, sealed"),
    "unix": ("#c2410c", "square", "unix socket"),
    "tcp": ("#6d28d9", "triangle", "TCP, loopback"),
    "tunnel": ("#b91c1c", "square", "cxl-tunnel, TCP between its ends"),
    "proxy": ("#15803d", "diamond", "unix socket through cxl-proxy"),
    "far": ("#64748b", "circle", "ring, 150 ns further"),
}
PERCENTILES = ["p50", "p75", "p90", "p99", "p99.9", "p99.99"]


def read_lines(path):
    """The JSON objects of a file, one a line; none when there is no file."""
    if not os.path.exists(path):
        return []
    rows = []
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if not line.strip():
                continue
            try:
                rows.append(json.loads(line))
            except ValueError as e:
                sys.exit(f"report.py: {path}, line {number}: {e}")
    return rows


def esc(text):
    return html.escape(str(text), quote=True)


def number(v):
    """Three to four digits that count, thousands with a suffix."""
    if v is None:
        return "-"
    for limit, suffix in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(v) >= limit:
            scale = {" G": 1e9, " M": 1e6, " k": 1e3}[suffix]
            return f"{v / scale:.3g}{suffix}"
    if abs(v) >= 100:
        return f"{v:.0f}"
    return f"{v:.3g}"


# ---- pictures ----


def ticks(low, high):
    """Powers of ten that hold low .. high, with 2 and 5 between when there are few."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1, 2, 5) if last - first <= 3 else (1,)
    return [m * 10**e for e in range(first, last + 1) for m in steps
            if low * 0.999 <= m * 10**e <= high * 1.001]


def marker(shape, x, y, color, title):
    r = 4.5
    points = {
        "square": [(-r, -r), (r, -r), (r, r), (-r, r)],
        "triangle": [(0, -r * 1.2), (r * 1.1, r), (-r * 1.1, r)],
        "diamond": [(0, -r * 1.3), (r * 1.3, 0), (0, r * 1.3), (-r * 1.3, 0)],
    }
    tip = f"<title>{esc(title)}</title>"
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" fill="{color}">{tip}</circle>'
    at = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in points[shape])
    return f'<polygon points="{at}" fill="{color}">{tip}</polygon>'


def plot(title, xs, series, x_label, y_label, x_names=None, lines=True):
    """Points over evenly spaced xs, on a logarithmic y axis; lines between them where xs have an
    order.

    series: {name: {x: (median, low, high)}}; low and high become a bar through the point.
    """
    width, height, left, right, top, bottom = 860, 400, 84, 24, 46, 58
    values = [v for s in series.values() for point in s.values() for v in point if v > 0]
    if not values:
        return ""
    low, high = min(values) / 1.3, max(values) * 1.3

    def at_x(i):
        return left + (width - left - right) * (i + 0.5) / len(xs)

    def at_y(v):
        part = (math.log(v) - math.log(low)) / (math.log(high) - math.log(low))
        return height - bottom - part * (height - top - bottom)

    out = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{esc(title)}">']
    for t in ticks(low, high):
        y = at_y(t)
        out.append(f'<line class="grid" x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}"/>'
                   f'<text class="tick" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{number(t)}</text>')
    for i, x in enumerate(xs):
        name = x_names[i] if x_names else x
        out.append(f'<text class="tick" x="{at_x(i):.1f}" y="{height - bottom + 18}" text-anchor="middle">{esc(name)}</text>')
    out.append(f'<line class="axis" x1="{left}" x2="{width - right}" y1="{height - bottom}" y2="{height - bottom}"/>')
    out.append(f'<text class="label" x="{(left + width - right) / 2}" y="{height - 12}" text-anchor="middle">{esc(x_label)}</text>')
    out.append(f'<text class="label" transform="translate(18 {(top + height - bottom) / 2}) rotate(-90)" text-anchor="middle">{esc(y_label)}</text>')

    at = left
    for name in series:
        color, shape, words = TRANSPORTS.get(name, ("#334155", "circle", name))
        out.append(marker(shape, at + 6, 20, color, words))
        out.append(f'<text class="legend" x="{at + 17}" y="24">{esc(words)}</text>')
        at += 34 + 7.2 * len(words)
    for name, points in series.items():
        color, shape, words = TRANSPORTS.get(name, ("#334155", "circle", name))
        places = [(i, x) for i, x in enumerate(xs) if x in points and points[x][0] > 0]
        path = " ".join(f"{at_x(i):.1f},{at_y(points[x][0]):.1f}" for i, x in places)
        if lines:
            out.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        for i, x in places:
            middle, least, most = points[x]
            if most > least > 0:
                out.append(f'<line x1="{at_x(i):.1f}" x2="{at_x(i):.1f}" y1="{at_y(least):.1f}" y2="{at_y(most):.1f}"'
                           f' stroke="{color}" stroke-width="6" stroke-opacity="0.25"/>')
            out.append(marker(shape, at_x(i), at_y(middle), color,
                              f"{words}, {x_names[i] if x_names else x}: {number(middle)}"
                              f" ({number(least)} to {number(most)})"))
    out.append("</svg>")
    return "\n".join(out)


def table(head, rows):
    out = ['<div class="wide"><table><thead><tr>']
    out += [f"<th>{esc(h)}</th>" for h in head]
    out.append("</tr></thead><tbody>")
    for row in rows:
        out.append("<tr>" + "".join(cell if cell.startswith("<td") else f"<td>{cell}</td>" for cell in row) + "</tr>")
    out.append("</tbody></table></div>")
    return "\n".join(out)


def spread(values):
    return (statistics.median(values), min(values), max(values))


def figure(title, words, xs, series, x_label, y_label, x_names=None, lines=True):
    """A picture, and its numbers in a table."""
    picture = plot(title, xs, series, x_label, y_label, x_names, lines)
    if not picture:
        return ""
    names = x_names or xs
    rows = [[esc(TRANSPORTS.get(name, ("", "", name))[2])] +
            [f'<td class="n">{number(points[x][0]) if x in points else "-"}</td>' for x in xs]
            for name, points in series.items()]
    return (f"<h3>{esc(title)}</h3><p>{esc(words)}</p><figure>{picture}</figure>" +
            table([x_label] + [str(n) for n in names], rows))


# ---- what is shown ----


def group(runs, of_x, of_y, labels):
    """{label: {x: (median, least, most)}}, in the order of labels."""
    found = {}
    for r in runs:
        if r.get("label") in labels and of_y(r) is not None:
            found.setdefault(r["label"], {}).setdefault(of_x(r), []).append(of_y(r))
    return {label: {x: spread(v) for x, v in found[label].items()} for label in labels if label in found}


def depth_section(runs):
    """bench_depth.sh: one client, 200,000 keys, both the whole depth and its percentiles."""
    out = []
    for op in ("get", "set"):
        some = [r for r in runs if r["op"] == op and "p50_us" in r and r["threads"] == 1 and "workload" not in r
                and r["keys"] == 200000 and r["value_size"] == 64 and r["clients"] == 1
                and r["pipeline"] == (r["max_inflight"] + 3) // 4 and not r["rate"]]
        xs = sorted({r["max_inflight"] for r in some})
        series = group(some, lambda r: r["max_inflight"], lambda r: r["rps"], TRANSPORTS)
        out.append(figure(f"{op.upper()}: throughput against depth",
                          "Requests a second of one client with so many under way; 200,000 random keys, 64-byte "
                          "values. Points are medians, bars the least and the most of all runs.",
                          xs, series, "depth", "requests a second"))
        for depth in (1, 64):
            at = [r for r in some if r["max_inflight"] == depth]
            series = {}
            for label in TRANSPORTS:
                mine = [r for r in at if r["label"] == label]
                if mine:
                    series[label] = {p: spread([r[p + "_us"] for r in mine]) for p in PERCENTILES}
            out.append(figure(f"{op.upper()}: latency at depth {depth}", "Microseconds from the request to its reply.",
                              PERCENTILES, series, "percentile", "microseconds"))
    return "".join(out)


def size_section(results):
    """kv_get_bytes_N: values against copying."""
    rows = {int(r["id"].rsplit("_", 1)[1]): r for r in results if r["id"].startswith("kv_get_bytes_")}
    xs = sorted(rows)
    TRANSPORTS["copy"] = ("#475569", "diamond", "one process copies, another copies out")
    series = {"ring": {x: (rows[x]["value"],) * 3 for x in xs}, "copy": {x: (rows[x]["baseline"],) * 3 for x in xs}}
    names = [f"{x >> 20} MiB" if x >= 1 << 20 else f"{x >> 10} KiB" if x >= 1024 else f"{x} B" for x in xs]
    if not xs:
        return ""
    return figure("GET: values of 64 bytes to 1 MiB",
                  "Megabytes of values a second, each compared byte by byte, beside what two processes can copy "
                  "through shared memory.", xs, series, "value", "MB a second", names)


def ycsb_section(runs):
    out = []
    some = [r for r in runs if r.get("workload") and r["op"] == "run"]
    order = ["workloada", "workloadb", "workloadc", "workloadd", "workloade", "workloadf", "workload_crudscan"]
    xs = [w for w in order if any(r["workload"] == w for r in some)]
    short = {w: w.replace("workload_", "").replace("workload", "").upper() for w in xs}
    for n in sorted({r["threads"] for r in some}):
        series = group([r for r in some if r["threads"] == n], lambda r: r["workload"], lambda r: r["rps"], TRANSPORTS)
        out.append(figure(f"YCSB, {n} thread{'s' if n > 1 else ''}",
                          "Operations a second, one at a time in each thread; 100,000 records of ten fields of 100 bytes, "
                          "as hashes. E's operations are scans of 50 records on average, 51 requests one after the other.",
                          xs, series, "workload", "operations a second", [short[x] for x in xs], lines=False))
    rows = []
    for w in xs:
        for op in ("read", "update", "insert", "scan", "read-modify-write", "delete"):
            for label in TRANSPORTS:
                mine = [r for r in runs if r.get("workload") == w and r["op"] == op and r["label"] == label and r["threads"] == 1]
                if mine:
                    rows.append([short[w], esc(op), esc(TRANSPORTS[label][2])] +
                                [f'<td class="n">{number(statistics.median([r[p + "_us"] for r in mine]))}</td>' for p in PERCENTILES])
    if rows:
        out.append("<h3>Latency of each operation, 1 thread</h3><p>Microseconds, medians of the runs.</p>" +
                   table(["workload", "operation", "over"] + PERCENTILES, rows))
    return "".join(out)


def verdict(r):
    """Text and class: what of must and aim was met."""
    ratio, must, aim = r.get("ratio"), r.get("must"), r.get("aim")
    if ratio is None or (must is None and aim is None):
        return "", ""

    def met(limit):
        return ratio <= limit if r.get("better") == "lower" else ratio >= limit

    if must is not None and not met(must):
        return "missed", "missed"
    if aim is not None and met(aim):
        return "aim", "aim"
    return "must", "must"


def result_section(results):
    rows = []
    for r in results:
        text, kind = verdict(r)
        ratios = r.get("ratios")
        rows.append([
            f"<td><code>{esc(r['id'])}</code></td>", f"<td>{esc(r.get('what', ''))}</td>",
            f"<td class=\"n\">{number(r['value'])} {esc(r.get('unit', ''))}</td>" if isinstance(r.get("value"), (int, float))
            else f"<td class=\"n\">{esc(r.get('value', '-'))}</td>",
            f"<td class=\"n\">{number(r['baseline']) if isinstance(r.get('baseline'), (int, float)) else '-'}</td>",
            f"<td class=\"n\">{number(r['ratio']) if isinstance(r.get('ratio'), (int, float)) else '-'}</td>",
            f"<td class=\"n\">{f'{number(ratios[0])} to {number(ratios[1])}' if ratios else '-'}</td>",
            f"<td class=\"n\">{number(r.get('must'))}</td>", f"<td class=\"n\">{number(r.get('aim'))}</td>",
            f"<td class=\"{kind}\">{text}</td>"])
    return table(["id", "what", "value", "baseline", "ratio", "in rounds", "must", "aim", "reached"], rows)


STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1e293b; background: #fff; max-width: 1080px; margin: 2em auto; padding: 0 1.2em; }
h1 { font-size: 1.7em; margin-bottom: 0.2em; } h2 { margin-top: 2em; border-bottom: 1px solid #cbd5e1; } h3 { margin: 1.6em 0 0.2em; }
p { margin: 0.2em 0 0.6em; } figure { margin: 0.4em 0; } svg { width: 100%; height: auto; }
.grid { stroke: #e2e8f0; } .axis { stroke: #64748b; }
.tick, .legend { font: 12px system-ui, sans-serif; fill: #334155; } .label { font: 13px system-ui, sans-serif; fill: #1e293b; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.87em; margin: 0.4em 0 1em; }
th, td { padding: 0.25em 0.7em; border-bottom: 1px solid #e2e8f0; text-align: left; } th { background: #f1f5f9; }
td.n { font-variant-numeric: tabular-nums; }
.n { text-align: right; white-space: nowrap; } code { font-size: 0.95em; }
.missed { color: #b91c1c; font-weight: 600; } .aim { color: #166534; font-weight: 600; } .must { color: #334155; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.1em 1.2em; } dt { color: #475569; } dd { margin: 0; }
"""


def page(folder):
    results = [r for r in read_lines(os.path.join(folder, "results.jsonl")) if "id" in r]
    runs = read_lines(os.path.join(folder, "runs.jsonl"))
    machine = read_lines(os.path.join(folder, "machine.json"))
    if not results and not runs:
        sys.exit(f"report.py: nothing was measured in {folder}: run make bench first")
    machine = machine[0] if machine else {}
    missed = [r["id"] for r in results if verdict(r)[0] == "missed"]
    judged = [r for r in results if verdict(r)[0]]
    parts = [
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">",
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
        f"<title>cxlring and hedb: benchmarks</title><style>{STYLE}</style></head><body>",
        "<h1>Benchmarks of cxlring and hedb</h1>",
        f"<p>Of {len(judged)} figures with a limit, {len(judged) - len(missed)} reach it"
        + (f"; missed: {esc(', '.join(missed))}" if missed else "") + ".</p>",
        "<h2>Machine</h2><dl>" + "".join(
            f"<dt>{esc(k.replace('_gib', ', GiB'))}</dt><dd>{esc(v)}</dd>" for k, v in machine.items()) + "</dl>"
        if machine else "",
    ]
    for title, body in (("Transports", depth_section(runs)), ("Sizes", size_section(results)),
                        ("YCSB", ycsb_section(runs)),
                        ("All figures", "<p>A ratio compares two things of the same run; it says how many times better the first "
                         "is. Without a baseline the figure is its own ratio, the lower the better.</p>" + result_section(results))):
        if body:
            parts.append(f"<h2>{title}</h2>{body}")
    parts.append("</body></html>")
    return "\n".join(parts)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: report.py FOLDER > report.html")
    sys.stdout.write(page(sys.argv[1]) + "\n")
