"""What identity keeps."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, ForeignKey, Integer, LargeBinary, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from identity.rules import Custody, KeyStatus, OrganisationStatus


class ExchangeRow(SQLModel, table=True):
    """The exchange this database belongs to: one row, written with entry 0 of its log."""

    __tablename__ = "identity_exchange"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(default=1, sa_column=Column(Integer, primary_key=True, autoincrement=False))
    origin: str = Field(sa_column=Column(Text, nullable=False))
    vkey: str = Field(sa_column=Column(Text, nullable=False))
    operator_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False))
    keyid: str = Field(sa_column=Column(Text, nullable=False))
    founded_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class OrganisationRow(SQLModel, table=True):
    """A member. `roles` is a canonical JSON list, sorted."""

    __tablename__ = "identity_orgs"
    __table_args__ = (
        CheckConstraint("length(uscc) = 18", name="uscc_length"),
        CheckConstraint("length(region) = 6", name="region_length"),
    )

    org_id: str = Field(sa_column=Column(Text, primary_key=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    uscc: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    region: str = Field(sa_column=Column(Text, nullable=False))
    roles: str = Field(sa_column=Column(Text, nullable=False))
    controller_id: str | None = Field(default=None, sa_column=Column(Text, index=True))
    is_ciio: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    status: OrganisationStatus = Field(
        default=OrganisationStatus.ACTIVE, sa_column=Column(text_enum(OrganisationStatus), nullable=False)
    )
    admitted_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class PersonRow(SQLModel, table=True):
    """A person who acts for an organisation. `password_hash` is argon2id; no plain text is kept.

    `mark` tells which natural person it is (`identity.natural`): several logins may have the same. Which
    logins enrolled it, said whose it is, and said the same again stands beside it; None where the house did.
    """

    __tablename__ = "identity_users"
    __table_args__ = (CheckConstraint("failures >= 0", name="failures"),)

    user_id: str = Field(sa_column=Column(Text, primary_key=True))
    org_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    login: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    mark: str | None = Field(default=None, sa_column=Column(Text, index=True))
    enrolled_by: str | None = Field(default=None, sa_column=Column(Text))
    identified_by: str | None = Field(default=None, sa_column=Column(Text))
    confirmed_by: str | None = Field(default=None, sa_column=Column(Text))
    password_hash: str = Field(sa_column=Column(Text, nullable=False))
    roles: str = Field(sa_column=Column(Text, nullable=False))
    active: bool = Field(default=True, sa_column=Column(Boolean, nullable=False))
    failures: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    waits_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    enrolled_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class ContestRow(SQLModel, table=True):
    """Somebody's objection that another organisation has a login under his or her identity number.

    `struck` are the logins that the operator found to be somebody else's; None while it is open.
    """

    __tablename__ = "identity_contests"

    contest_id: str = Field(sa_column=Column(Text, primary_key=True))
    mark: str = Field(sa_column=Column(Text, nullable=False, index=True))
    user_id: str = Field(sa_column=Column(Text, ForeignKey("identity_users.user_id"), nullable=False))
    contested_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    struck: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    decided_by: str | None = Field(default=None, sa_column=Column(Text))
    decided_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class KeyRow(SQLModel, table=True):
    """A registered key; the form of `public_key` tells its suite.

    A custodial key's private half is sealed under the master key, and gone once it is revoked.
    """

    __tablename__ = "identity_keys"
    __table_args__ = (
        CheckConstraint(
            "(custody = 'custodial' AND status = 'ACTIVE') = (sealed_private IS NOT NULL)", name="sealed"
        ),
        CheckConstraint("(status = 'REVOKED') = (revoked_at IS NOT NULL)", name="revoked"),
        CheckConstraint("length(keyid) = 64", name="keyid_length"),
    )

    key_id: str = Field(sa_column=Column(Text, primary_key=True))
    org_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    user_id: str | None = Field(default=None, sa_column=Column(Text, ForeignKey("identity_users.user_id")))
    keyid: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    public_key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    custody: Custody = Field(sa_column=Column(text_enum(Custody), nullable=False))
    sealed_private: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    roles: str = Field(sa_column=Column(Text, nullable=False))
    status: KeyStatus = Field(
        default=KeyStatus.ACTIVE, sa_column=Column(text_enum(KeyStatus), nullable=False)
    )
    registered_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    revoked_by: str | None = Field(default=None, sa_column=Column(Text, ForeignKey("identity_orgs.org_id")))


class PreparedRow(SQLModel, table=True):
    """An act that waits for a signature made elsewhere.

    Using it empties seed, arguments, opening and documents: the erasable copy is the ledger's opening.
    """

    __tablename__ = "identity_prepared"

    prepared_id: str = Field(sa_column=Column(Text, primary_key=True))
    act_name: str = Field(sa_column=Column(Text, nullable=False))
    args: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    org_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False))
    user_id: str | None = Field(default=None, sa_column=Column(Text, ForeignKey("identity_users.user_id")))
    role: str = Field(sa_column=Column(Text, nullable=False))
    attempted: str = Field(sa_column=Column(Text, nullable=False))
    object_id: str = Field(sa_column=Column(Text, nullable=False))
    sealed_seed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    occurred_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    opening: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    documents: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    signers: str = Field(sa_column=Column(Text, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    used_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class StepUpRow(SQLModel, table=True):
    """A fresh proof of a person. One act at most spends it; it vouches for lesser acts for five minutes."""

    __tablename__ = "identity_step_ups"

    step_up_id: str = Field(sa_column=Column(Text, primary_key=True))
    user_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_users.user_id"), nullable=False, index=True)
    )
    proved_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    spent_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class DeniedTokenRow(SQLModel, table=True):
    """An access token that was signed out before it expired."""

    __tablename__ = "identity_denied_tokens"

    jti: str = Field(sa_column=Column(Text, primary_key=True))
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))


class SessionRow(SQLModel, table=True):
    """One sign-in: every token that renews it carries its id, and is worthless once it is ended.

    `agent` is what the program said that it is; no address is kept. It ends by itself at `ends_at`.
    """

    __tablename__ = "identity_sessions"

    session_id: str = Field(sa_column=Column(Text, primary_key=True))
    user_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_users.user_id"), nullable=False, index=True)
    )
    agent: str = Field(sa_column=Column(Text, nullable=False))
    started_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ends_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class SecondFactorRow(SQLModel, table=True):
    """What an authenticator app of a person knows, sealed; it counts from `confirmed_at`.

    `last_step` is the half minute whose code was used last: no code is good twice. Wrong codes are counted
    here, apart from wrong passwords.
    """

    __tablename__ = "identity_second_factors"
    __table_args__ = (CheckConstraint("failures >= 0", name="failures"),)

    user_id: str = Field(sa_column=Column(Text, ForeignKey("identity_users.user_id"), primary_key=True))
    sealed_secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    offered_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    confirmed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    last_step: int | None = Field(default=None, sa_column=Column(Integer))
    failures: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    waits_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class FailedSignInRow(SQLModel, table=True):
    """How many sign-ins failed in ten minutes at the logins of one bucket, whether they exist or not.

    `bucket` is 16 bits of a digest of what was typed: no login is kept, and the rows are bounded.
    """

    __tablename__ = "identity_failed_sign_ins"
    __table_args__ = (
        CheckConstraint("bucket >= 0", name="bucket"),
        CheckConstraint("failures >= 0", name="failures"),
    )

    slot_at: datetime = Field(sa_column=Column(UtcDateTime, primary_key=True))
    bucket: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    failures: int = Field(sa_column=Column(Integer, nullable=False))


class RecoveryCodeRow(SQLModel, table=True):
    """A recovery code of a person: its keyed digest, and when it was used."""

    __tablename__ = "identity_recovery_codes"
    __table_args__ = (CheckConstraint("length(digest) = 64", name="digest_length"),)

    digest: str = Field(sa_column=Column(Text, primary_key=True))
    user_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_users.user_id"), nullable=False, index=True)
    )
    used_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
