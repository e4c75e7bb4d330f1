"""Harnesses of the vendors that do not run here, on the fakes of ours that stand for them."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from tests.unit.activation.fake_api import running
from tests.unit.activation.google_fake import GIVEN, LIST, FakeGoogleAds
from tests.unit.activation.klaviyo_fake import API_KEY, FakeAccount
from tests.unit.activation.meta_fake import AUDIENCE, TOKEN, FakeAudience
from tests.unit.activation.payloads import FIELDS, POISON, change, document, payload_rows
from tests.unit.activation.salesforce_fake import CLIENT_ID, CLIENT_SECRET, FakeOrg


class FakeHarness:
    """What is alike of every fake: its faults and its login."""

    def __init__(self, fake, patch, secret: tuple[str, str]) -> None:
        self._fake, self._patch, self._secret = fake, patch, secret
        self.allow_login()

    def mark(self) -> object:
        return self._fake.writes

    def be_busy(self, times: int) -> None:
        self._fake.busy = times

    def lose_answers(self, times: int) -> None:
        self._fake.lost = times

    def refuse_login(self) -> None:
        self._patch.setenv(self._secret[0], "stale")

    def allow_login(self) -> None:
        self._patch.setenv(*self._secret)


class SalesforceHarness(FakeHarness):
    """An org without any contact of ours, which keeps amounts as numbers."""

    FIELDS = dict(zip(FIELDS, ("LastName", "Tessera_Segments__c", "Tessera_Lifetime_Value__c",
                               "Tessera_Last_Purchase_Date__c", "Tessera_Favourite_Department__c"),
                      strict=True))  # fmt: skip

    @classmethod
    def document(cls, **changes):
        fields = {name: field.lower() for name, field in cls.FIELDS.items()}
        return document(**({"destination": "salesforce", "match_by": "tessera_id__c", "on_exit": "delete",
                            "fields": fields} | changes))  # fmt: skip

    def held(self) -> dict[str, dict[str, str]]:
        return {one["Tessera_Id__c"]: self._ours(one) for one in self._fake.records.values()}

    def _ours(self, record: dict) -> dict[str, str]:
        return _texts({name: record.get(field) for name, field in self.FIELDS.items()})

    def overwrite(self, key: str, field: str, value: str) -> None:
        record = next(one for one in self._fake.records.values() if one["Tessera_Id__c"] == key)
        record[self.FIELDS[field]] = value

    def refuse_poison(self) -> None:
        self._fake.picklist = {"GROCERY", "MEAT"}


class KlaviyoHarness(FakeHarness):
    """The members of a list."""

    @staticmethod
    def document(**changes):
        return document(**({"destination": "klaviyo", "object": "list.vip_customers", "match_by": "external_id",
                            "on_exit": "delete"} | changes))  # fmt: skip

    def held(self) -> dict[str, dict[str, str]]:
        profiles = [self._fake.profiles[key] for key in self._fake.members["Y6nRLr"]]
        return {one["external_id"]: _texts(one["properties"]) for one in profiles}

    def overwrite(self, key: str, field: str, value: str) -> None:
        profile = next(one for one in self._fake.profiles.values() if one["external_id"] == key)
        profile["properties"][field] = value

    def refuse_poison(self) -> None:
        self._fake.poison = POISON


class AdsHarness(FakeHarness):
    """An audience: what is there is hashed, so a payload is made whose values can be told by their hashes.

    `PEOPLE` says which of its columns comes of which field of the payload; `written` is its value before it is hashed.
    """

    PEOPLE: dict[str, str]

    def __init__(self, fake, patch, secret: tuple[str, str], settings) -> None:
        super().__init__(fake, patch, secret)
        self._settings = settings
        columns = ", ".join(f"{expression} as {column}" for column, expression in self.PEOPLE.items())
        change(settings, f"create view activation.ads__contacts as select *, {columns} "
                         "from activation.hubspot__contacts")  # fmt: skip

    def _originals(self) -> dict[str, tuple[str, str]]:
        """Field and value of the payload, by its hash."""
        found = {}
        for row in payload_rows(self._settings):
            row.pop("contact_id")
            for name, value in row.items():
                found[hashed(self.written(name, value))] = (name, value)
        return found


def audience_document(destination: str, named: str, fields: dict[str, str], changes: dict):
    return document(**({"destination": destination, "object": named, "mode": "audience", "on_exit": None,
                        "model": "activation.ads__contacts", "fields": fields} | changes))  # fmt: skip


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class MetaHarness(AdsHarness):
    """An audience whose members have an id of ours."""

    PEOPLE = {
        "ad_email": "person_id || '@example.com'",
        "ad_name": "tessera_segments",
        "ad_zip": "'z' || tessera_lifetime_value_usd",
        "ad_phone": "'+' || tessera_last_purchase_date",
        "ad_city": "tessera_favourite_department",
    }

    @staticmethod
    def document(**changes):
        fields = {"contact_id": "external_id", "ad_email": "email", "ad_name": "last_name", "ad_zip": "postal_code",
                  "ad_phone": "phone", "ad_city": "city"}  # fmt: skip
        return audience_document("meta_audience", f"audience_{AUDIENCE}", fields, changes)

    @staticmethod
    def written(name: str, value: str) -> str:
        """How a value of the payload is written before it is hashed."""
        return {
            "tessera_person_id": f"{value}@example.com",
            "tessera_segments": "".join(filter(str.isalpha, value)),
            "tessera_lifetime_value_usd": f"z{value}",
            "tessera_last_purchase_date": value.replace("-", ""),
            "tessera_favourite_department": value.lower(),
        }[name]

    def held(self) -> dict[str, dict[str, str]]:
        originals = self._originals()
        return {key: dict(originals[text] for kind, text in known.items() if kind != "EXTERN_ID")
                for key, known in self._fake.members.items()}  # fmt: skip

    def refuse_poison(self) -> None:
        self._fake.invalid = {hashed(POISON.lower())}


@contextmanager
def _meta(request, patch) -> Iterator[MetaHarness]:
    with running(FakeAudience()) as audience:
        patch.setenv("META_BASE_URL", audience.url)
        yield MetaHarness(audience, patch, ("META_ACCESS_TOKEN", TOKEN), request.getfixturevalue("settings"))


class GoogleHarness(AdsHarness):
    """A list, whose members have no id: the part of an address that is not hashed tells who they are."""

    PEOPLE = {
        "ad_email": "person_id || '@example.com'",
        "ad_phone": "'+12345' || translate(cast(tessera_lifetime_value_usd as varchar), '.-', '09')",
        "ad_first": "tessera_favourite_department",
        "ad_last": "coalesce(tessera_segments, 'nobody')",
        "ad_postal": "contact_id || ' ' || tessera_last_purchase_date",
        "ad_country": "'us'",
    }

    @staticmethod
    def document(**changes):
        fields = {"ad_email": "email", "ad_phone": "phone", "ad_first": "first_name", "ad_last": "last_name",
                  "ad_postal": "postal_code", "ad_country": "country"}  # fmt: skip
        return audience_document("google_audience", f"list_{LIST}", fields, changes)

    @staticmethod
    def written(name: str, value: str) -> str:
        """How a value of the payload is written before it is hashed."""
        return {
            "tessera_person_id": f"{value}@example.com",
            "tessera_segments": value,
            "tessera_lifetime_value_usd": "+12345" + value.replace(".", "0").replace("-", "9"),
            "tessera_last_purchase_date": value,
            "tessera_favourite_department": value.lower(),
        }[name]

    def held(self) -> dict[str, dict[str, str]]:
        originals = self._originals() | {"US": None, hashed("nobody"): None}
        found = {}
        for member in self._fake.members:
            (postal,) = [text for text in member if " " in text]
            key, _, day = postal.partition(" ")
            known = filter(None, (originals[text] for text in member - {postal}))
            found[key] = dict(known) | {"tessera_last_purchase_date": day}
        return found

    def refuse_poison(self) -> None:
        self._fake.invalid = {hashed(POISON.lower())}


@contextmanager
def _google(request, patch) -> Iterator[GoogleHarness]:
    with running(FakeGoogleAds()) as ads:
        patch.setenv("GOOGLE_ADS_BASE_URL", ads.url)
        patch.setenv("GOOGLE_OAUTH_URL", f"{ads.url}/token")
        for name, value in GIVEN.items():
            patch.setenv(f"GOOGLE_ADS_{name}", value)
        secret = ("GOOGLE_ADS_CLIENT_SECRET", GIVEN["CLIENT_SECRET"])
        yield GoogleHarness(ads, patch, secret, request.getfixturevalue("settings"))


def _texts(values: dict) -> dict[str, str]:
    """What a destination holds, as the payload says it; amounts come back as numbers."""
    return {name: f"{Decimal(str(value)):.2f}" if isinstance(value, float) else value
            for name, value in values.items() if value is not None}  # fmt: skip


@contextmanager
def _klaviyo(request, patch) -> Iterator[KlaviyoHarness]:
    with running(FakeAccount()) as account:
        patch.setenv("KLAVIYO_BASE_URL", account.url)
        yield KlaviyoHarness(account, patch, ("KLAVIYO_API_KEY", API_KEY))


@contextmanager
def _salesforce(request, patch) -> Iterator[SalesforceHarness]:
    with running(FakeOrg()) as org:
        patch.setenv("SALESFORCE_URL", org.url)
        patch.setenv("SALESFORCE_CLIENT_ID", CLIENT_ID)
        yield SalesforceHarness(org, patch, ("SALESFORCE_CLIENT_SECRET", CLIENT_SECRET))


VENDORS = {"google_audience": _google, "klaviyo": _klaviyo, "meta_audience": _meta, "salesforce": _salesforce}
# What somebody is known by is put in and taken out whole.
AUDIENCES = {"google_audience", "meta_audience"}
