"""The tables of `docs/identity.md` from what `bench.identity` measured; its prose is the page's own.

Every block between `<!-- figures NAME -->` and `<!-- end -->` is replaced. Figures are shown as they are, whoever is
better.
"""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

Figures = dict[str, Any]
TUNED = ("dupehell_crm_light", "fake_1000", "febrl3", "febrl4", "historical_50k")
LOOKED_AT = ("febrl1", "febrl2")
GAP_BAR = 0.01
_TOOLS = {
    "tessera": "tessera link", "exact_keys": "exact keys", "splink": "Splink's demo",
    "ecm": "recordlinkage ECM",
}  # fmt: skip


def write(page: Path, results: Figures) -> None:
    """The page with its blocks of figures made anew."""
    sets = dict(sorted(results["sets"].items()))
    public = {name: figures for name, figures in sets.items() if name in (*TUNED, *LOOKED_AT)}
    others = {name: figures for name, figures in sets.items() if name not in public}
    blocks = {"run": _run(sets)}
    for group, chosen in (("public", public), ("generated", others)):
        blocks |= {
            f"scores {group}": _scores(chosen),
            f"tools {group}": _tools(chosen),
            f"calibration {group}": _calibration(chosen),
            f"gates {group}": _gates(chosen),
        }
    blocks["threshold"] = _threshold(sets)
    blocks["demo"] = _demo(results.get("demo"))
    put(page, blocks)


def put(page: Path, blocks: dict[str, str]) -> None:
    """The page with some of its blocks replaced; the others stay as they are."""
    text = page.read_text(encoding="utf-8")
    for name, block in blocks.items():
        marked = re.compile(rf"(<!-- figures {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not marked.search(text):
            raise SystemExit(f"{page}: no place for the figures '{name}'")
        text = marked.sub(lambda found, block=block: f"{found[1]}{block}\n{found[2]}", text)
    page.write_text(text, encoding="utf-8")


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, the first column left, the others right."""
    if not rows:
        return "Not measured."
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _run(sets: Figures) -> str:
    dates = sorted({figures["date"] for figures in sets.values()})
    when = " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "never"
    versions = ", ".join(f"{name} {version(name)}" for name in ("splink", "duckdb", "numpy", "pyarrow"))
    models = ", ".join(sorted({figures["model_version"] for figures in sets.values()}))
    return (
        f"Measured {when}: {os.cpu_count()} cores, shared with other work, {platform.system()}, "
        f"Python {platform.python_version()}, {versions}; model version {models}."
    )


def _named(name: str, figures: Figures) -> str:
    marks = ("*" if name in TUNED else "") + ("†" if figures["duplicate_free"] else "")
    return name + marks + ("" if figures["is_trained"] else "‡")


def _scores(sets: Figures) -> str:
    heads = ["set", "records", "people", "precision", "recall", "pair F1", "B-cubed F1", "exact-cluster F1"]
    heads += ["people that are two", "blocking recall", "seconds", "peak MB"]
    rows = []
    for name, figures in sets.items():
        scores = figures["tessera"]
        looked = figures.get("blocking_recall")
        rows.append(
            [_named(name, figures), f"{scores['count_records']:,}", f"{scores['count_people_true']:,}"]
            + [f"{scores[key]:.4f}" for key in ("precision", "recall", "pair_f1", "bcubed_f1", "cluster_f1")]
            + [f"{scores['share_over_merged']:.2%}", "-" if looked is None else f"{looked:.4f}"]
            + [f"{figures['seconds']:.1f}", f"{figures['megabytes']:,.0f}"]
        )
    return table(heads, rows)


def _tools(sets: Figures) -> str:
    """Pair F1, precision / recall and exact-cluster F1 of each tool; the best pair F1 and cluster F1 are bold."""
    rows = []
    for name, figures in sets.items():
        ran = {tool: figures[tool] for tool in _TOOLS if "pair_f1" in figures.get(tool, {})}
        best = {key: max(round(scores[key], 3) for scores in ran.values()) for key in ("pair_f1", "cluster_f1")}
        row = [_named(name, figures)]
        for tool in _TOOLS:
            scores = ran.get(tool)
            if not scores:
                row.append(figures.get(tool, {}).get("not_run", "not run"))
                continue
            bold = {key: "**" if round(scores[key], 3) == best[key] else "" for key in best}
            row.append(
                f"{bold['pair_f1']}{scores['pair_f1']:.3f}{bold['pair_f1']} "
                f"({scores['precision']:.3f} / {scores['recall']:.3f}), "
                f"{bold['cluster_f1']}{scores['cluster_f1']:.3f}{bold['cluster_f1']}"
            )
        rows.append(row)
    return table(["set", *_TOOLS.values()], rows)


def _threshold(sets: Figures) -> str:
    """The committed threshold, the best of each set, and the one that all other sets together would choose."""
    trained = {name: figures for name, figures in sets.items() if figures.get("curve") and figures["is_trained"]}
    rows = []
    for name, figures in sets.items():
        if not (curve := figures.get("curve")):
            continue
        used = curve[f"{figures['join']:g}"]["pair_f1"]
        best_at = max(curve, key=lambda join, curve=curve: (curve[join]["pair_f1"], float(join)))
        best = curve[best_at]["pair_f1"]
        others = [one["curve"] for other, one in trained.items() if other != name]
        chosen, left_out = "-", "-"
        if name in trained and others:
            common = [join for join in curve if all(join in other for other in others)]
            chosen = max(common, key=lambda join, others=others: sum(other[join]["pair_f1"] for other in others))
            left_out = f"{best - curve[chosen]['pair_f1']:.4f}"
        gap = f"{best - used:.4f}"
        rows.append(
            [
                _named(name, figures), f"{figures['join']:g}", f"{used:.4f}", best_at, f"{best:.4f}",
                gap if best - used <= GAP_BAR else f"**{gap}**", chosen, left_out,
            ]
        )  # fmt: skip
    heads = ["set", "threshold", "pair F1", "best threshold", "pair F1 there", "gap", "threshold of all others", "gap"]
    return table(heads, rows)


def _calibration(sets: Figures) -> str:
    rows = []
    for name, figures in sets.items():
        row = [_named(name, figures)]
        for kind in ("links", "records", "people"):
            told = figures["calibration"].get(kind)
            row += [f"{told['said']:.3f}", f"{told['holds']:.3f}", f"{told['error']:.3f}"] if told else ["-"] * 3
        rows.append(row)
    heads = [f"{kind}: {what}" for kind in ("links", "records", "people") for what in ("said", "holds", "error")]
    return table(["set", *heads], rows)


def _gates(sets: Figures) -> str:
    rows, gates = [], []
    for name, figures in sets.items():
        gates = list(figures["gates"])
        none = figures["tessera"]
        cells = [f"{none['share_over_merged']:.2%} / {none['recall']:.3f}"]
        cells += [f"{at['over_merged']:.2%} / {at['recall']:.3f}" for at in figures["gates"].values()]
        rows.append([_named(name, figures), *cells])
    return table(["set", "no gate", *(f"at least {gate}" for gate in gates)], rows)


def _demo(scores: Figures | None) -> str:
    if not scores:
        return "Not measured."
    tools = {"tessera": "the pipeline", "exact_keys": "exact keys", "bare_splink": "Splink's front page"}
    keys = ("precision", "recall", "pair_f1", "bcubed_f1", "cluster_f1")
    rows = [
        [told, *(f"{scores[tool][key]:.4f}" for key in keys), f"{scores[tool]['share_over_merged']:.2%}"]
        for tool, told in tools.items()
        if tool in scores
    ]
    heads = ["", "precision", "recall", "pair F1", "B-cubed F1", "exact-cluster F1", "people that are two"]
    gated = [
        [gate, f"{told['share']:.1%}", f"{told['over_merged']:.2%}", f"{told['recall']:.3f}"]
        for gate, told in scores["gates"].items()
    ]
    gate_heads = ["people at least so sure", "share of all people", "of them two", "recall of pairs"]
    return (
        f"{scores['tessera']['count_records']:,} records, {scores['date']}.\n\n{table(heads, rows)}\n\n"
        "What a sync of the demo uses that sends only to people of at least that `match_confidence`, people of one "
        f"record included; the demo's win-back mailing sends from 0.998 on.\n\n{table(gate_heads, gated)}"
    )
