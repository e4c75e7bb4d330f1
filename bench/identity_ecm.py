"""Records into people by recordlinkage's unsupervised classifier: a process of its own, in an environment of its own.

`python identity_ecm.py RECORDS.csv FOUND.csv`; needs recordlinkage and pandas only. Fields, functions and thresholds
are those of its documentation's example on FEBRL; pairs share a name, an e-mail, a phone or a birth date.
"""

import resource
import sys

import pandas
import recordlinkage

_CLOSE = ("first_name", "last_name", "street", "city", "company", "job_title", "occupation", "birth_place")
_EQUAL = ("birth_date", "email", "phone", "national_id", "postal_code")
_BLOCKS = ("first_name", "last_name", "birth_date", "email", "phone", "national_id")


# So that it fails alone where its pairs do not fit.
_MEMORY_BYTES = 6 << 30


def main(source: str, target: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    records = pandas.read_csv(source, dtype=str, index_col="record_id")
    filled = [column for column in records.columns if records[column].notna().sum() > 1]
    indexer = recordlinkage.Index()
    for column in _BLOCKS:
        if column in filled:
            indexer.block(column)
    compared = recordlinkage.Compare()
    for column in filled:
        if column in _CLOSE:
            compared.string(column, column, method="jarowinkler", threshold=0.85, label=column)
        elif column in _EQUAL:
            compared.exact(column, column, label=column)
    features = compared.compute(indexer.index(records), records)
    # A field that never varies over the pairs stops the classifier.
    features = features.loc[:, features.nunique() > 1]
    found = recordlinkage.ECMClassifier().fit_predict(features)
    person = {record: record for record in records.index}

    def root(record: str) -> str:
        while person[record] != record:
            person[record] = person[person[record]]
            record = person[record]
        return record

    for left, right in found:
        low, high = sorted((root(left), root(right)))
        person[high] = low
    pandas.DataFrame({"record_id": records.index, "person_id": [root(record) for record in records.index]}).to_csv(
        target, index=False
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
