"""Charts as inline SVG: no script, no network, the same in every browser. What is drawn is decided in `report`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 560, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 18, 38


@dataclass(frozen=True)
class Series:
    """One colour of bars: its name, its class in the style sheet, and a value for each bin."""

    name: str
    style: str
    values: Sequence[int]


def histogram(
    labels: Sequence[str], series: Sequence[Series], *, axis: str, marker: tuple[float, str] | None = None
) -> str:
    """Bars over bins on a logarithmic scale, so that the rare stays visible; `marker` is a place between bins."""
    top = max([1, *(value for one in series for value in one.values)])
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(labels), 1)
    body = [_grid(top), _axis_labels(labels, step), _axis_name(axis)]
    width = step * 0.86 / max(len(series), 1)
    for place, one in enumerate(series):
        for bin_no, value in enumerate(one.values):
            if value:
                x = _LEFT + bin_no * step + step * 0.07 + place * width
                y = _y(value, top)
                body.append(
                    f'<rect class="{one.style}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" '
                    f'height="{_HEIGHT - _BOTTOM - y:.1f}" rx="1.5"><title>{escape(labels[bin_no])}: '
                    f"{value:,} {escape(one.name)}</title></rect>"
                )
    if marker:
        body.append(_marker(_LEFT + marker[0] * step, marker[1]))
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{"".join(body)}</svg>{_legend(series)}'


def _y(value: float, top: int) -> float:
    """Height of a value: half a decade below one, so that a single one is seen."""
    share = (math.log10(max(value, 1)) + 0.3) / (math.log10(max(top, 1)) + 0.3)
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _grid(top: int) -> str:
    lines = []
    for power in range(int(math.log10(top)) + 1):
        y = _y(10**power, top)
        lines.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="{_LEFT - 6}" y="{y + 3:.1f}" text-anchor="end">{short(10**power)}</text>'
        )
    floor = _HEIGHT - _BOTTOM
    return "".join(lines) + f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{floor}" y2="{floor}"/>'


def _axis_labels(labels: Sequence[str], step: float) -> str:
    every = max(math.ceil(len(labels) / 14), 1)
    return "".join(
        f'<text class="tick" x="{_LEFT + (place + 0.5) * step:.1f}" y="{_HEIGHT - _BOTTOM + 14}" text-anchor="middle">'
        f"{escape(label)}</text>"
        for place, label in enumerate(labels)
        if place % every == 0
    )


def _axis_name(axis: str) -> str:
    return (
        f'<text class="name" x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 6}" text-anchor="middle">'
        f"{escape(axis)}</text>"
    )


def _marker(x: float, told: str) -> str:
    anchor = "start" if x < _WIDTH * 0.7 else "end"
    return (
        f'<line class="marker" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{_HEIGHT - _BOTTOM}"/>'
        f'<text class="marked" x="{x + (5 if anchor == "start" else -5):.1f}" y="{_TOP}" text-anchor="{anchor}">'
        f"{escape(told)}</text>"
    )


def _legend(series: Sequence[Series]) -> str:
    if len(series) < 2:
        return ""
    keys = "".join(f'<span><i class="{one.style}"></i>{escape(one.name)}</span>' for one in series)
    return f'<p class="legend">{keys}</p>'


def balance(value: float, most: float) -> str:
    """A bar to the right for what speaks for one person, to the left for what speaks against."""
    share = min(abs(value) / max(most, 1e-9), 1) * 50
    side = f"left:50%;width:{share:.1f}%" if value >= 0 else f"right:50%;width:{share:.1f}%"
    return f'<div class="balance"><b class="{"for" if value >= 0 else "against"}" style="{side}"></b></div>'


def share_bar(share: float) -> str:
    """A thin bar of a share of 1."""
    return f'<span class="share"><b style="width:{share * 100:.1f}%"></b></span>'


def short(count: float) -> str:
    """1,000 as 1k, 2,500,000 as 2.5M."""
    for limit, sign in ((1_000_000, "M"), (1_000, "k")):
        if count >= limit:
            return f"{count / limit:.3g}{sign}"
    return f"{count:.0f}"
