"""Identifiers of ad platforms: one form each, so that the same person has the same hash however somebody typed it."""

import pytest

from orchestration.activation import identifiers


@pytest.mark.parametrize(
    ("form", "typed", "written"),
    [
        (identifiers.email, "  Ann.Lee@Example.COM ", "ann.lee@example.com"),
        (identifiers.email, "Ann.Lee@gmail.com", "ann.lee@gmail.com"),
        (identifiers.email, "nobody", None),
        (identifiers.email, "ann@localhost", None),
        (identifiers.email_without_dots, "Ann.Lee@gmail.com", "annlee@gmail.com"),
        (identifiers.email_without_dots, "a.n.n@GoogleMail.com", "ann@googlemail.com"),
        (identifiers.email_without_dots, "ann.lee@example.com", "ann.lee@example.com"),
        (identifiers.email_without_dots, "ann+shop@gmail.com", "ann+shop@gmail.com"),
        (identifiers.phone, "+1 (555) 010-9999", "15550109999"),
        (identifiers.phone, "555 010 9999", None),
        (identifiers.phone, "+12", None),
        (identifiers.phone_with_plus, "+47 22 22 55 55", "+4722225555"),
        (identifiers.letters, " O'Brien-Smith ", "obriensmith"),
        (identifiers.letters, "Ærøskøbing", "ærøskøbing"),
        (identifiers.letters, "42", None),
        (identifiers.trimmed, " Mary Ann ", "mary ann"),
        (identifiers.postal_code, "94107-1234", "94107"),
        (identifiers.postal_code, "SW1A 1AA", "sw1a1aa"),
        (identifiers.country, "US", "us"),
        (identifiers.country, "United States", None),
        (identifiers.gender, "Female", "f"),
        (identifiers.gender, "unknown", None),
        (identifiers.part_of_date(5, 7), "1990-04-01", "04"),
        (identifiers.part_of_date(5, 7), "", None),
    ],
)
def test_an_identifier_has_one_form(form, typed, written):
    assert form(typed) == written


def test_a_hash_is_that_of_the_platforms_examples():
    # SHA-256 of test@example.com, as Google's guide has it.
    wanted = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"
    assert identifiers.digest(identifiers.email(" Test@Example.com")) == wanted
