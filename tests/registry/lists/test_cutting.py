"""Of a shared file the columns that were granted are sent, and no word of the others."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from registry.lists.cutting import cut, cut_columns
from registry.lists.errors import ShareNotCut


async def test_a_parquet_file_loses_the_other_columns_and_what_is_said_of_them(tmp_path):
    table = pa.table({"车牌号": ["粤A1"], "身份证": ["440000"], "车型": ["货车"]})
    path, work = tmp_path / "data", tmp_path / "work"
    work.mkdir()
    pq.write_table(table.replace_schema_metadata({"note": "身份证"}), path)
    done, media_type = await cut_columns(path, ["车型", " 车牌号"], work=work)
    assert pq.read_table(done).to_pydict() == {"车牌号": ["粤A1"], "车型": ["货车"]}
    assert "身份证".encode() not in done.read_bytes()
    assert media_type == "application/vnd.apache.parquet"
    with pytest.raises(ShareNotCut):
        await cut_columns(path, ["驾驶人"], work=work)


@pytest.mark.parametrize(
    ("raw", "columns", "left"),
    [
        ("\ufeffa;b\n1;2\n\n3\n".encode(), ["b"], b'b\n2\n""\n'),
        ("甲,乙\n一,二\n".encode("gb18030"), ["乙", "甲"], "甲,乙\n一,二\n".encode()),
        (b"a,a\n1,2\n", ["a"], None),
        (b"%PDF-1.7\n", ["a"], None),
        (b"PAR1 broken", ["a"], None),
        (b"", ["a"], None),
    ],
)
def test_a_csv_is_cut_where_its_columns_are_plain(tmp_path, raw, columns, left):
    (tmp_path / "data").write_bytes(raw)
    if left is None:
        with pytest.raises(ShareNotCut):
            cut(tmp_path / "data", columns, work=tmp_path)
    else:
        cut(tmp_path / "data", columns, work=tmp_path)
        assert (tmp_path / "csv").read_bytes() == left


def test_a_file_with_a_row_that_cannot_be_read_is_not_cut(tmp_path):
    (tmp_path / "file").write_bytes(b'a,b\n1,2\n"3,4\n5,6\n')
    with pytest.raises(ShareNotCut) as refused:
        cut(tmp_path / "file", ["a"], work=tmp_path)
    assert refused.value.facts == {"row": 3}
