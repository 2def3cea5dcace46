"""SM2 from the text of GB/T 32918, in whole numbers, over any of its curves: slow, and not our library.

Only SM3 comes from elsewhere (OpenSSL's, through hashlib). It signs with a given random number, as the
examples of the standard do.
"""

import hashlib
from dataclasses import dataclass

Point = tuple[int, int] | None


@dataclass(frozen=True)
class Curve:
    """y² = x³ + ax + b over the field of p elements; g generates the points, of which there are n."""

    p: int
    a: int
    b: int
    n: int
    g: tuple[int, int]

    def add(self, one: Point, other: Point) -> Point:
        if one is None or other is None:
            return one or other
        (x1, y1), (x2, y2) = one, other
        if x1 == x2 and (y1 + y2) % self.p == 0:
            return None
        if one == other:
            slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.p)
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, self.p)
        x3 = (slope * slope - x1 - x2) % self.p
        return x3, (slope * (x1 - x3) - y1) % self.p

    def times(self, factor: int, point: Point) -> Point:
        total: Point = None
        for bit in f"{factor:b}":
            total = self.add(total, total)
            if bit == "1":
                total = self.add(total, point)
        return total

    def holds_point(self, point: tuple[int, int]) -> bool:
        x, y = point
        return (y * y - x**3 - self.a * x - self.b) % self.p == 0


def number(text: str) -> int:
    """A number as the standard prints it, in groups of eight hex digits."""
    return int(text.replace(" ", ""), 16)


def sm3(data: bytes) -> bytes:
    return hashlib.new("sm3", data).digest()


def digest(curve: Curve, public: tuple[int, int], signer_id: bytes, message: bytes) -> int:
    """e of GB/T 32918.2 §6.1: SM3 over Z (length and id of the signer, curve, key) and the message."""
    numbers = (curve.a, curve.b, *curve.g, *public)
    z = (8 * len(signer_id)).to_bytes(2) + signer_id + b"".join(value.to_bytes(32) for value in numbers)
    return int.from_bytes(sm3(sm3(z) + message))


def sign(curve: Curve, private: int, k: int, signer_id: bytes, message: bytes) -> tuple[int, int]:
    """(r, s) with the random number k, GB/T 32918.2 §6.1."""
    public, point = curve.times(private, curve.g), curve.times(k, curve.g)
    assert public is not None
    assert point is not None
    r = (digest(curve, public, signer_id, message) + point[0]) % curve.n
    return r, pow(1 + private, -1, curve.n) * (k - r * private) % curve.n


def verify(
    curve: Curve, public: tuple[int, int], signer_id: bytes, message: bytes, signature: tuple[int, int]
) -> bool:
    """GB/T 32918.2 §7.1."""
    r, s = signature
    t = (r + s) % curve.n
    if not (1 <= r < curve.n and 1 <= s < curve.n) or t == 0:
        return False
    point = curve.add(curve.times(s, curve.g), curve.times(t, public))
    return point is not None and (digest(curve, public, signer_id, message) + point[0]) % curve.n == r


# GB/T 32918.2, annex A.2: a curve for examples over 256 bits.
EXAMPLE = Curve(
    p=number("8542D69E 4C044F18 E8B92435 BF6FF7DE 45728391 5C45517D 722EDB8B 08F1DFC3"),
    a=number("787968B4 FA32C3FD 2417842E 73BBFEFF 2F3C848B 6831D7E0 EC65228B 3937E498"),
    b=number("63E4C6D3 B23B0C84 9CF84241 484BFE48 F61D59A5 B16BA06E 6E12D1DA 27C5249A"),
    n=number("8542D69E 4C044F18 E8B92435 BF6FF7DD 29772063 0485628D 5AE74EE7 C32E79B7"),
    g=(
        number("421DEBD6 1B62EAB6 746434EB C3CC315E 32220B3B ADD50BDC 4C4E6C14 7FEDD43D"),
        number("0680512B CBB42C07 D47349D2 153B70C4 E5D7FDFC BFA36EA1 A85841B9 E46E09A2"),
    ),
)
# GB/T 32918.5 §2: the recommended curve, the one in use.
RECOMMENDED = Curve(
    p=number("FFFFFFFE FFFFFFFF FFFFFFFF FFFFFFFF FFFFFFFF 00000000 FFFFFFFF FFFFFFFF"),
    a=number("FFFFFFFE FFFFFFFF FFFFFFFF FFFFFFFF FFFFFFFF 00000000 FFFFFFFF FFFFFFFC"),
    b=number("28E9FA9E 9D9F5E34 4D5A9E4B CF6509A7 F39789F5 15AB8F92 DDBCBD41 4D940E93"),
    n=number("FFFFFFFE FFFFFFFF FFFFFFFF FFFFFFFF 7203DF6B 21C6052B 53BBF409 39D54123"),
    g=(
        number("32C4AE2C 1F198119 5F990446 6A39C994 8FE30BBF F2660BE1 715A4589 334C74C7"),
        number("BC3736A2 F4F6779C 59BDCEE3 6B692153 D0A9877C C62A4740 02DF32E5 2139F0A0"),
    ),
)
