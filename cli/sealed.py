"""Everything that rests under the master key: each column of sealed secrets, each table of sealed files.

What a secret is bound to is said by the feature that seals it; here it is joined, for whoever turns the key
over.
`tests/cli/test_master_key.py` finds a column that is missing here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Table

from base.files import StoredFile
from brokers.credential.tables import IssuerRow
from cases.incidents.intake import weakness_purpose
from cases.incidents.tables import WarningRow
from cases.reporters import reporter_purpose
from cases.tables import CaseMessage, CaseReporter
from identity.safe import document_purpose, key_purpose, seed_purpose
from identity.second_factor import factor_name
from identity.tables import KeyRow, PreparedRow, SecondFactorRow
from market.customs.tables import PersonListRow
from market.delivery.gateway.service import secret_purpose
from market.delivery.gateway.tables import InterfaceSecret
from market.delivery.packages.sealing import package_purpose
from market.delivery.packages.tables import Package
from market.delivery.tabling.tables import TableFile
from market.listings.tables import ListingFile
from registry.assessments.tables import ItemRow
from registry.lists.tables import ListFileRow
from registry.subjects.entering import subject_name
from registry.subjects.tables import AskedRow, TieRow
from registry.vouchers.desk import presentation_name, voucher_name
from registry.vouchers.tables import VoucherIssuerRow, VoucherRow


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed secrets (NULL or empty: none), and what the one of a row is bound to."""

    table: Table
    column: str
    purpose: Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class FileTable:
    """A table that says which files are stored: the columns of id, length and SHA-256."""

    table: Table
    file_id: str = "file_id"
    length: str = "bytes"
    sha256: str = "sha256"

    def file(self, row: Any) -> StoredFile:
        """The file of a row."""
        return StoredFile(*(getattr(row, name) for name in (self.file_id, self.length, self.sha256)))


def _sealed(model: type, column: str, purpose: Callable[[Any], bytes]) -> SealedColumn:
    return SealedColumn(model.__table__, column, purpose)  # type: ignore[attr-defined]  # SQLModel's own


def _files(model: type, **columns: str) -> FileTable:
    return FileTable(model.__table__, **columns)  # type: ignore[attr-defined]  # SQLModel's own


def _key(row: Any) -> bytes:
    return key_purpose(row.keyid)


SECRETS: Final = (
    _sealed(KeyRow, "sealed_private", _key),
    _sealed(PreparedRow, "sealed_seed", lambda row: seed_purpose(row.prepared_id)),
    _sealed(SecondFactorRow, "sealed_secret", lambda row: document_purpose(factor_name(row.user_id))),
    _sealed(IssuerRow, "sealed_private", _key),
    _sealed(VoucherIssuerRow, "sealed_private", _key),
    _sealed(VoucherRow, "sealed_holder", lambda row: key_purpose(row.holder_keyid)),
    _sealed(VoucherRow, "sealed", lambda row: document_purpose(voucher_name(row.voucher_id))),
    _sealed(
        VoucherRow, "sealed_presentation", lambda row: document_purpose(presentation_name(row.voucher_id))
    ),
    _sealed(TieRow, "sealed_key", _key),
    _sealed(AskedRow, "sealed", lambda row: document_purpose(subject_name(row.request_id))),
    _sealed(
        AskedRow, "sealed_answer", lambda row: document_purpose(subject_name(f"{row.request_id}/answer"))
    ),
    _sealed(CaseReporter, "sealed", lambda row: reporter_purpose(row.case_id)),
    _sealed(CaseMessage, "sealed", lambda row: reporter_purpose(row.case_id)),
    _sealed(WarningRow, "sealed", lambda row: weakness_purpose(row.warning_id)),
    _sealed(InterfaceSecret, "sealed", lambda row: secret_purpose(row.secret_id)),
    _sealed(Package, "sealed_key", lambda row: package_purpose(row.entitlement_id, row.file_sha256)),
)
FILES: Final = (
    _files(ListingFile),
    _files(ListFileRow),
    _files(TableFile),
    _files(PersonListRow),
    _files(ItemRow, length="file_bytes"),
)
