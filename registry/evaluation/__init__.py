"""The yearly evaluation of agencies (`EVL`, 公共数据管理评估): computed from records, reproducible."""
