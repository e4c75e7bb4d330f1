"""A small registry of masters over the project's own contracts, and syncs of one field each."""

from pathlib import Path

REGISTRY = """\
objects:
  person:
    description: A person.
    valid_from: 2026-01-01
    attributes:
      stage:
        master: hubspot
        reads: [hubspot.contacts.lifecyclestage]
      value:
        master: cdp
        depends_on: [receipts.receipt_lines.*]
        writes: [hubspot.contacts.tessera_lifetime_value_usd]
      segments:
        master: cdp
        depends_on: [value, stage]
        writes: [hubspot.contacts.tessera_segments]
      may_be_emailed:
        master: cdp
        kind: events
        reads: [hubspot.contacts.hs_email_optout, mailer.subscribers.status]
        writes: [hubspot.contacts.tessera_is_email_consented]
automations:
  - from: hubspot.contacts.tessera_lifetime_value_usd
    to: hubspot.contacts.tier
    reason: workflow tiers
"""
SYNC = """\
type: orchestration.components.AudienceSync
attributes:
  name: {name}
  description: Computed attributes for the CRM.
  owner: team:crm
  destination: hubspot
  object: contacts
  model: activation.hubspot__contacts
  key: contact_id
  mode: update_only
  fields:
    {column}: {column}
  consent:
    not_needed: the contacts are in the CRM already
"""


def registry(folder: Path, old: str = "", new: str = "") -> Path:
    """The registry, written beside the syncs, with `old` replaced."""
    assert old in REGISTRY
    file = folder / "registry" / "masters.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(REGISTRY.replace(old, new, 1) if old else REGISTRY)
    return file


def declare(folder: Path, name: str, column: str, *changes: tuple[str, str]) -> None:
    """A sync of one field, with changes of its document."""
    text = SYNC.format(name=name, column=column)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / f"{name}.yaml").write_text(text)
