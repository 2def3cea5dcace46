"""Which stored table was made of which file, and what is in it."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Text
from sqlmodel import Field, SQLModel


class TableFile(SQLModel, table=True):
    """A product's file as a Parquet file of ours: found by the digest of the file it was made of.

    A table that shows a part of it is found by the digest of the file and the part (`tabling.view`).
    `columns` is JSON: names and DuckDB's types of them, in order.
    """

    __tablename__ = "market_table_files"
    __table_args__ = (CheckConstraint("bytes > 0", name="not_empty"),)

    made_of: str = Field(sa_column=Column(Text, primary_key=True))
    file_id: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    sha256: str = Field(sa_column=Column(Text, nullable=False))
    rows: int = Field(sa_column=Column(BigInteger, nullable=False))
    columns: str = Field(sa_column=Column(Text, nullable=False))
