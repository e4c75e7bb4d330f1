"""Ways in which sources and documents go wrong, done to a home's drop folders and to copies of the documents.

What must then be seen is in the tests.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import data_contracts.contract as contracts
import orchestration.defs.activation.definitions as syncs
import orchestration.defs.segments.definitions as segments
from tests.drop_data import put, query

PARTNER_HEADER = (
    "partner_customer_id,full_name,birth_date,email,phone,street,city,postal_code,country,has_sharing_consent,"
    "last_purchase_date,updated_at"
)
PARTNER_PEOPLE = 30


class Drops:
    """The drop folders of a home; what is done to them is undone by `heal`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._cures: list[Callable[[], object]] = []

    def heal(self) -> None:
        """The sources deliver again, this time as they should."""
        while self._cures:
            self._cures.pop()()

    def hide(self, system: str) -> None:
        """The folder of a system is gone."""
        aside = self.folder / f".{system}"
        (self.folder / system).rename(aside)
        self._cures.append(lambda: aside.rename(self.folder / system))

    def wrong_columns(self) -> str:
        """The tills restate a day, and their new software calls a column by another name."""
        file = self._last("receipts/2017-*/receipt_lines.csv", -2)
        return self._rewrite(file, file.read_text().replace("net_amount", "netto_amount", 1).encode())

    def broken_line(self) -> str:
        """An event file whose last line broke off."""
        file = self._last("segment/2017-*/events.ndjson", -1)
        return self._rewrite(file, file.read_bytes() + b'{"type":"track","event":"Prod')

    def truncated_parquet(self) -> str:
        """A day of payments comes again as Parquet, and the copy broke off; then it is whole, and the CSV goes."""
        before = self._last("receipts/2017-*/payments.csv", -2)
        file = before.with_suffix(".parquet")
        query(f"copy (from read_csv('{before}', all_varchar = true)) to '{file}' (format parquet)")
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        self._cures += [before.unlink, lambda: file.write_bytes(whole)]
        return self._name(file)

    def cp1252(self) -> str:
        """A partner's list as a spreadsheet saves it."""
        rows = (f"Z{n},José Núñez,,jose{n}@example.com,,,,,,true,,2017-12-01T08:00:00Z" for n in range(PARTNER_PEOPLE))
        text = "\n".join([PARTNER_HEADER, *rows])
        file = put(self.folder, "partner/2017-12-01/customers.csv", text.encode("cp1252"))
        self._cures.append(lambda: file.write_text(text))
        return self._name(file)

    def _rewrite(self, file: Path, content: bytes) -> str:
        before = file.read_bytes()
        file.write_bytes(content)
        self._cures.append(lambda: file.write_bytes(before))
        return self._name(file)

    def _last(self, pattern: str, place: int) -> Path:
        return sorted(self.folder.glob(pattern))[place]

    def _name(self, file: Path) -> str:
        """As messages call it: below the folder of its system."""
        return file.relative_to(self.folder).as_posix().partition("/")[2]


def copied_documents(monkeypatch, aside: Path) -> Callable[[str], Path]:
    """Let the graph read copies of the contracts, segments and syncs; returns the path of a copy."""
    folders = {contracts: contracts.FOLDER, segments: segments.FOLDER, syncs: syncs.FOLDER}
    for module, folder in folders.items():
        shutil.copytree(folder, aside / folder.name, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        monkeypatch.setattr(module, "FOLDER", aside / folder.name)
    return aside.joinpath


def misspell(document: Path, word: str, wrong: str) -> int:
    """Replace the first `word`; returns its line."""
    text = document.read_text()
    assert word in text
    document.write_text(text.replace(word, wrong, 1))
    return text[: text.index(word)].count("\n") + 1
