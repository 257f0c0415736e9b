"""A bar chart as SVG: how much longer a lifecycle takes with hostfit, each against the same without."""

from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 720, 210, 190, 18, 12, 48
REACHED, MISSED = "#4c78a8", "#e8833a"


def draw(found):
    """Draw every figure that is a ratio, as bars whose whiskers are the quartiles; the line is 1, no difference.

    Behind each is what it is to reach; one that does not reach it has another colour.
    """
    rows = [row for row in found["rows"] if row.get("unit") == "x" and "missing" not in row]
    longest = max([1.5, *[row.get("high", row["value"]) for row in rows]]) * 1.08
    scale = (WIDTH - LEFT - RIGHT) / longest
    height = TOP + len(rows) * (BAR + GAP) + 34
    machine = found["machine"]
    title = "Time with hostfit, without it as 1 (median and quartiles)"
    where = (
        f"{machine['processors']} x {machine['processor']}, Linux {machine['kernel']}, load {machine['load'][0]:.0f},"
        f" {found['rounds']} paired rounds"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
        '<g font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="24" font-size="15" font-weight="bold" fill="#1f2328">{escape(title)}</text>',
    ]
    y = TOP
    for row in rows:
        middle = y + BAR / 2
        end = LEFT + row["value"] * scale
        beyond = max(end, LEFT + row.get("high", 0) * scale) + 8
        missed = "bound" in row and not row["met"]
        colour = MISSED if missed else REACHED
        aim = f", {'not ' if missed else ''}reached: {row['bound']:.2f}" if "bound" in row else ""
        parts += [
            f'<text x="{LEFT - 10}" y="{middle + 4:.1f}" text-anchor="end" fill="#1f2328">{escape(row["work"])}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{row["value"] * scale:.1f}" height="{BAR}" fill="{colour}"/>',
            f'<text x="{beyond:.1f}" y="{middle + 4:.1f}" fill="#1f2328">{row["value"]:.2f}{aim}</text>',
        ]
        if "low" in row:
            low, high = LEFT + row["low"] * scale, LEFT + row["high"] * scale
            parts.append(
                f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 4}v8M{high:.1f} {middle - 4}v8"'
                ' stroke="#1f2328" fill="none"/>'
            )
        y += BAR + GAP
    one = LEFT + scale
    parts += [
        f'<line x1="{one:.1f}" y1="{TOP - 8}" x2="{one:.1f}" y2="{y}" stroke="#d62728" stroke-dasharray="4 3"/>',
        f'<text x="12" y="{y + 20}" font-size="11" fill="#59636e">{escape(where)}</text>',
        "</g></svg>",
    ]
    return "\n".join(parts) + "\n"
