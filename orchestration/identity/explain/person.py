"""One person: its records, the links that hold them together, and the weakest place."""

from dataclasses import dataclass

from orchestration.identity.explain import served
from orchestration.identity.explain.served import Link, Side
from orchestration.settings import Settings
from orchestration.warehouse import engine


@dataclass(frozen=True)
class Person:
    """`holding` are the fewest and strongest links that hold all records together, `others` all further links."""

    side: Side
    confidence: dict[str, float]
    holding: list[Link]
    others: list[Link]

    @property
    def weakest(self) -> Link | None:
        """Without this link the person were two."""
        return min(self.holding, key=lambda link: (link.strength, link.record_ids), default=None)

    def parts_without(self, link: Link) -> tuple[int, int]:
        """How many records each side has when a holding link is taken away."""
        beyond = served.reached((one for one in self.holding if one is not link), link.record_ids[0])
        return len(beyond), len(self.side.record_ids) - len(beyond)


def read(settings: Settings, name: str) -> Person:
    """The person of any id or record. Raises UnknownIdError, NothingResolvedError."""
    with engine.reading(settings) as con:
        side = served.side(con, name)
        links = served.links(con, side.person_id)
        confidence = dict(
            con.execute(
                "select record_id, match_confidence from identity.person_records where person_id = ?", [side.person_id]
            ).fetchall()
        )
    holding = served.strongest_tree(links)
    kept = {id(link) for link in holding}
    return Person(side, confidence, holding, [link for link in links if id(link) not in kept])
