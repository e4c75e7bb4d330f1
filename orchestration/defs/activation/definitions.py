"""Activation: each sync document is an asset of three ops: plan, send, record. How: `orchestration.activation`.

Planning and recording take the writer lane; sending does not, so that a slow destination never blocks landing.
"""

from pathlib import Path

import dagster as dg

from orchestration.components import document
from orchestration.defs.run import OWNERS, WRITER, as_of, settings
from orchestration.activation.document import SyncDocument, load_documents

FOLDER = Path(__file__).parent
