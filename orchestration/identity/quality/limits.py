"""What is measured of the people found, and how much of it is too much: the one place for both.

Limits are benchmarks: heuristics that a good run keeps, not laws. How each is counted is in `measures` and `symptoms`.
"""

from dataclasses import dataclass

# A person with more different values than this looks like several people.
MOST_GIVEN_NAMES = 3
MOST_BIRTH_DATES = 3
MOST_EMAILS = 6
MOST_PHONES = 6
MOST_STREETS = 6
MOST_IDS_OF_A_KIND = 3
# Identifiers of which a person has one in a system that keeps its house in order, and sources that know each person
# once. A second one is a second registration now and then; often, it is a second person.
EXCLUSIVE_TYPES = ("loyalty_number", "user_id", "account_id", "crm_id", "partner_id")
DUPLICATE_FREE_SOURCES = ("receipts",)
# A link below even odds holds nobody together for good.
WEAK_WEIGHT = 0.0
# How far below the joining weight a pair still is a near miss.
NEAR_WEIGHT = 4.0
# As many people may always be odd.
ALWAYS_ALLOWED_PEOPLE = 3
# Fewer labels than this prove nothing.
LEAST_LABELS = 30


@dataclass(frozen=True)
class Limit:
    """One measure, in words, with the range that is fine; None where any value is."""

    what: str
    low: float | None = None
    high: float | None = None

    @property
    def is_judged(self) -> bool:
        return self.low is not None or self.high is not None

    def allows(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def told(self) -> str:
        """The range in words."""
        parts = [f"{word} {bound:g}" for word, bound in (("at least", self.low), ("at most", self.high))
                 if bound is not None]  # fmt: skip
        return " and ".join(parts) or "any"


MEASURES = {
    # Size.
    "people": Limit("people found"),
    "people_change": Limit("growth of people since the run before, as a share", low=-0.2, high=0.5),
    "records": Limit("records that are of somebody"),
    "records_per_person": Limit("records of a person, on average"),
    "share_singletons": Limit("people with contact data and one record only, as a share of those with contact data"),
    "largest_person": Limit("records of the largest person", high=200),
    # Benchmarks: shares of people with contact data.
    "share_many_given_names": Limit(f"people with more than {MOST_GIVEN_NAMES} given names", high=0.005),
    "share_many_birth_dates": Limit(f"people with more than {MOST_BIRTH_DATES} birth dates", high=0.002),
    "share_many_emails": Limit(f"people with more than {MOST_EMAILS} e-mail addresses", high=0.005),
    "share_many_phones": Limit(f"people with more than {MOST_PHONES} phones", high=0.005),
    "share_many_streets": Limit(f"people with more than {MOST_STREETS} streets", high=0.005),
    "share_many_ids": Limit(f"people with more than {MOST_IDS_OF_A_KIND} ids of one exclusive kind", high=0.005),
    # Symptoms of merging too much.
    "share_birth_dates_contradict": Limit("people with two birth dates that no typing error explains", high=0.02),
    "share_suffixes_differ": Limit("people with two name suffixes", high=0.001),
    "share_two_of_one_source": Limit(
        f"people with two records of a source without duplicates ({', '.join(DUPLICATE_FREE_SOURCES)})", high=0.05
    ),
    "share_weak_bridge": Limit("people who fall apart without links below even odds", high=0.05),
    "expected_precision": Limit("mean probability of the pairs inside people, by the model's own word", low=0.85),
    # Symptoms of merging too little.
    "share_same_email_and_name_apart": Limit("people whose e-mail and full name another person has too", high=0.02),
    "near_misses": Limit(f"pairs of two people up to {NEAR_WEIGHT:g} below the weight at which groups join"),
    "likely_apart": Limit("pairs of two people that weigh enough to join, and are apart by the rest of their records"),
    "expected_recall": Limit("share of likely pairs that are inside people, by the model's own word", low=0.85),
    "estimated_pair_f1": Limit(
        "pair F1 when the model was trained, by the best field that was left out to judge by", low=0.7
    ),
    # Confidence.
    "share_confident": Limit("records of people with several records whose best link is 0.95 or more", low=0.8),
    # Change.
    "share_merged": Limit("people merged into others by this run"),
    "share_parted": Limit("people who lost records to others in this run"),
    "share_created": Limit("people first seen in this run"),
    "share_retired": Limit("people left without a record by this run"),
    # Labels of stewards, where there are some.
    "labels": Limit("pairs that a steward has answered"),
    "label_precision": Limit("share of labelled pairs found to be one person that are", low=0.85),
    "label_recall": Limit("share of labelled pairs that are one person and are found", low=0.7),
    "label_calibration_error": Limit(
        "distance of match probabilities from the stewards' answers, over all pairs", high=0.15
    ),
    # Histograms: one row a bucket.
    "cluster_size": Limit("people with contact data by number of records"),
    "confidence": Limit("records of people with several records, by match confidence"),
    "pair_weight": Limit("compared pairs by match weight"),
}
JUDGED = tuple(name for name, limit in MEASURES.items() if limit.is_judged)
HISTOGRAMS = ("cluster_size", "confidence", "pair_weight")
