"""Public-data asset certificates (公共数据资产凭证, `CRT`), in code vouchers.

A provider's word on a subject's data, which the subject authorises for one user and one purpose: nobody else,
and nothing else, is served by it.
"""
