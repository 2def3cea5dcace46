"""Who acts: organisations, people, roles, keys, sign-in. And how a party's signature is asked for."""
