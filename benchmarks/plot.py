"""One small plot as SVG, both axes logarithmic: no library for five points."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 640, 360, 60
COLOURS = ("#b3401f", "#1f5fb3", "#3b7d2a", "#6b6b6b")


@dataclass(frozen=True)
class Line:
    """A named line through points (x, y)."""

    name: str
    points: Sequence[tuple[float, float]]


def draw(title: str, x_name: str, y_name: str, lines: Sequence[Line], marks: Sequence[tuple[float, float, str]]) -> str:
    """The SVG document; marks are single points with a name."""
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points] + [y for _, y, _ in marks]
    left, right = log10(min(xs)), log10(max(xs))
    bottom, top = floor(log10(min(ys))), ceil(log10(max(ys)))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (log10(x) - left) / ((right - left) or 1)
        up = (log10(y) - bottom) / ((top - bottom) or 1)
        return MARGIN + across * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(WIDTH / 2, 24, title, "middle"),
        _text(WIDTH / 2, HEIGHT - 14, x_name, "middle"),
        _text(14, HEIGHT / 2, y_name, "start"),
    ]
    for exponent in range(bottom, top + 1):
        _, y = place(min(xs), 10**exponent)
        parts.append(f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(_text(MARGIN - 6, y + 4, f"{10**exponent:g}", "end"))
    parts.extend(_text(place(x, 10**bottom)[0], HEIGHT - MARGIN + 18, f"{x:,.0f}", "middle") for x, _ in lines[0].points)
    for line, colour in zip(lines, COLOURS, strict=False):
        places = [place(x, y) for x, y in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), (_, value) in zip(places, line.points, strict=True):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
            parts.append(_text(x, y - 8, f"{value:.0f}", "middle", colour))
        parts.append(_text(places[0][0] + 12, places[0][1] + 16, line.name, "start", colour))
    for x, y, name in marks:
        across, up = place(x, y)
        parts.append(f'<line x1="{across - 90:.1f}" x2="{across:.1f}" y1="{up:.1f}" y2="{up:.1f}" stroke="#888" stroke-dasharray="4 3"/>')
        parts.append(_text(across - 94, up + 4, f"{name}: {y:g}", "end", "#666"))
    return "\n".join([*parts, "</svg>\n"])


def _text(x: float, y: float, text: str, anchor: str, colour: str = "black") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
