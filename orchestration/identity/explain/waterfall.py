"""The evidence of a pair as a picture: a waterfall in inline SVG, one HTML page without script or network."""

from html import escape
from pathlib import Path

from orchestration.identity.explain import words
from orchestration.identity.explain.evidence import PairEvidence
from orchestration.identity.explain.pair import Explanation

_WIDTH, _ROW, _TOP, _BOTTOM = 1080, 34, 26, 46
_NAMES, _VALUES = 120, 330
# Room for a weight beside the longest bar.
_GAP = 64
_FOR, _AGAINST, _TOTAL = "#2f7d5b", "#b3492f", "#33475b"
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1f2933;background:#fff;max-width:1120px;margin:32px auto;padding:0 20px}
h1{font-size:20px;margin:0 0 4px}p{margin:4px 0 10px;color:#52606d}svg{width:100%;height:auto}
text{font:13px system-ui,sans-serif;fill:#1f2933}.dim{fill:#7b8794}.level{fill:#52606d;font-size:12px}
.weight{font-weight:600}.axis{stroke:#cbd2d9}.step{stroke:#9aa5b1;stroke-dasharray:2 3}
ul{color:#52606d;padding-left:20px}
"""


def write(path: Path, told: Explanation, *, show_values: bool = False) -> None:
    """Write the page of an explanation that has a weighed pair."""
    said = words.lines(told, show_values=show_values)
    body = [f"<h1>{escape(said[0])}</h1>", f"<p>{escape(said[1])}</p>"]
    if told.pair:
        body.append(drawn(told.pair, show_values=show_values))
        body.append(
            "<p>Each bar is what one field adds, in log2 odds: +1 doubles the odds that the two are one person, +10 "
            "makes them a thousandfold. The bars start at the odds of two records taken at random.</p>"
        )
        body.append("".join(f"<p>{escape(line)}</p>" for line in words.keys(told.pair)))
    if told.is_one and len(told.path) > 1:
        steps = "".join(f"<li>{escape(words.link(link, show=show_values))}</li>" for link in told.path)
        body.append(f"<p>The strongest chain of links between them:</p><ul>{steps}</ul>")
    path.write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Why</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>",
        encoding="utf-8",
    )


def drawn(pair: PairEvidence, *, show_values: bool = False) -> str:
    """The waterfall as SVG: the prior, each field that was compared, the household, the match weight."""
    bars = _bars(pair, show_values=show_values)
    edges = [0.0, *(place for bar in bars for place in bar[2:4])]
    low, high = min(edges), max(edges)
    left, right = _NAMES + _GAP, _WIDTH - _VALUES - _GAP
    scale = (right - left) / max(high - low, 1e-9)

    def x(weight: float) -> float:
        return left + (weight - low) * scale

    height = _TOP + _ROW * len(bars) + _BOTTOM
    parts = [f'<line class="axis" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="{_TOP - 8}" y2="{height - _BOTTOM + 6}"/>',
             f'<text class="dim" x="{x(0):.1f}" y="{height - _BOTTOM + 22}" text-anchor="middle">even odds</text>',
             f'<text class="dim" x="{left}" y="{height - 8}">two people</text>',
             f'<text class="dim" x="{right}" y="{height - 8}" text-anchor="end">one person</text>']  # fmt: skip
    for row, bar in enumerate(bars):
        parts.append(_row(row, bar, x))
    told = f"match weight {pair.match_weight:+.1f}"
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{told}">{"".join(parts)}</svg>'


def _bars(pair: PairEvidence, *, show_values: bool) -> list[tuple[str, float, float, float, str, str, str]]:
    """Name, what it adds, from, to, colour, level, values; of each bar."""
    bars = [("before looking", pair.prior, 0.0, pair.prior, _TOTAL, words.pair_rate(pair.prior), "")]
    here = pair.prior
    for one in pair.fields:
        if one.level != "missing":
            values = " | ".join(words.masked(value, show=show_values) for value in one.values)
            colour = _FOR if one.against_strangers >= 0 else _AGAINST
            there = here + one.against_strangers
            bars.append((words.label(one.name), one.against_strangers, here, there, colour, one.level, values))
            here = there
    if pair.household < -0.05:
        bars.append(("household", pair.household, here, here + pair.household, _AGAINST,
                     "as likely for two of one household", ""))  # fmt: skip
    told = words.verdict(pair.match_weight)
    return [*bars, ("match weight", pair.match_weight, 0.0, pair.match_weight, _TOTAL, told, "")]


def _row(row: int, bar: tuple, x) -> str:  # noqa: ANN001
    name, weight, start, end, colour, level, values = bar
    y = _TOP + row * _ROW
    low, high = sorted((x(start), x(end)))
    beside = high + 6 if end >= start else low - 6
    anchor = "start" if end >= start else "end"
    return (
        f'<text x="{_NAMES}" y="{y + 17}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{low:.1f}" y="{y + 4}" width="{max(high - low, 1.5):.1f}" height="{_ROW - 14}" rx="2" '
        f'fill="{colour}"><title>{escape(name)}: {weight:+.2f}</title></rect>'
        f'<line class="step" x1="{x(end):.1f}" x2="{x(end):.1f}" y1="{y + _ROW - 10}" y2="{y + _ROW + 4}"/>'
        f'<text class="weight" x="{beside:.1f}" y="{y + 18}" text-anchor="{anchor}">{weight:+.1f}</text>'
        f'<text class="level" x="{_WIDTH - _VALUES}" y="{y + 11}">{escape(_short(level))}</text>'
        f'<text class="level" x="{_WIDTH - _VALUES}" y="{y + 26}">{escape(_short(values))}</text>'
    )


def _short(text: str) -> str:
    return text if len(text) <= 52 else f"{text[:51]}…"
