"""Registration (`REG`): data property rights (产权登记) and public-data resources (公共数据资源登记)."""
