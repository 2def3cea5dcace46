"""Chief data officers (首席数据官, CDO) of agencies: who signs for an agency's data, from when to when."""
