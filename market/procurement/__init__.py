"""Government procurement of data (政府采购数据服务): basis, duplicates, disclosure of prices."""
