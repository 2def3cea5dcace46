"""How mature an organisation's management of data is (DCMM, GB/T 36073): certificates, confirmed."""
