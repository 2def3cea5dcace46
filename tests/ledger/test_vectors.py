"""Published vectors: RFC 8032, RFC 8785, RFC 6962, DSSE, C2SP. (The tree's own stand in `test_tree.py`,
those of note and receipt in `test_checkpoint.py`, SM2's and SM3's beside their suite.)
"""

import struct
from base64 import b64decode
from hashlib import sha512

import pytest
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from base.canonical import canonical
from base.errors import Malformed
from base.signing import SigningKey, pre_authentication, signature_holds
from ledger.checkpoint import Checkpoint, Note
from ledger.tree import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion

# RFC 8032 §7.1: secret key, public key, message, signature.
LONG = (  # the 1023 bytes of TEST 1024
    "08b8b2b733424243760fe426a4b54908632110a66c2f6591eabd3345e3e4eb98"
    "fa6e264bf09efe12ee50f8f54e9f77b1e355f6c50544e23fb1433ddf73be84d8"
    "79de7c0046dc4996d9e773f4bc9efe5738829adb26c81b37c93a1b270b20329d"
    "658675fc6ea534e0810a4432826bf58c941efb65d57a338bbd2e26640f89ffbc"
    "1a858efcb8550ee3a5e1998bd177e93a7363c344fe6b199ee5d02e82d522c4fe"
    "ba15452f80288a821a579116ec6dad2b3b310da903401aa62100ab5d1a36553e"
    "06203b33890cc9b832f79ef80560ccb9a39ce767967ed628c6ad573cb116dbef"
    "efd75499da96bd68a8a97b928a8bbc103b6621fcde2beca1231d206be6cd9ec7"
    "aff6f6c94fcd7204ed3455c68c83f4a41da4af2b74ef5c53f1d8ac70bdcb7ed1"
    "85ce81bd84359d44254d95629e9855a94a7c1958d1f8ada5d0532ed8a5aa3fb2"
    "d17ba70eb6248e594e1a2297acbbb39d502f1a8c6eb6f1ce22b3de1a1f40cc24"
    "554119a831a9aad6079cad88425de6bde1a9187ebb6092cf67bf2b13fd65f270"
    "88d78b7e883c8759d2c4f5c65adb7553878ad575f9fad878e80a0c9ba63bcbcc"
    "2732e69485bbc9c90bfbd62481d9089beccf80cfe2df16a2cf65bd92dd597b07"
    "07e0917af48bbb75fed413d238f5555a7a569d80c3414a8d0859dc65a46128ba"
    "b27af87a71314f318c782b23ebfe808b82b0ce26401d2e22f04d83d1255dc51a"
    "ddd3b75a2b1ae0784504df543af8969be3ea7082ff7fc9888c144da2af58429e"
    "c96031dbcad3dad9af0dcbaaaf268cb8fcffead94f3c7ca495e056a9b47acdb7"
    "51fb73e666c6c655ade8297297d07ad1ba5e43f1bca32301651339e22904cc8c"
    "42f58c30c04aafdb038dda0847dd988dcda6f3bfd15c4b4c4525004aa06eeff8"
    "ca61783aacec57fb3d1f92b0fe2fd1a85f6724517b65e614ad6808d6f6ee34df"
    "f7310fdc82aebfd904b01e1dc54b2927094b2db68d6f903b68401adebf5a7e08"
    "d78ff4ef5d63653a65040cf9bfd4aca7984a74d37145986780fc0b16ac451649"
    "de6188a7dbdf191f64b5fc5e2ab47b57f7f7276cd419c17a3ca8e1b939ae49e4"
    "88acba6b965610b5480109c8b17b80e1b7b750dfc7598d5d5011fd2dcc5600a3"
    "2ef5b52a1ecc820e308aa342721aac0943bf6686b64b2579376504ccc493d97e"
    "6aed3fb0f9cd71a43dd497f01f17c0e2cb3797aa2a2f256656168e6c496afc5f"
    "b93246f6b1116398a346f1a641f3b041e989f7914f90cc2c7fff357876e506b5"
    "0d334ba77c225bc307ba537152f3f1610e4eafe595f6d9d90d11faa933a15ef1"
    "369546868a7f3a45a96768d40fd9d03412c091c6315cf4fde7cb68606937380d"
    "b2eaaa707b4c4185c32eddcdd306705e4dc1ffc872eeee475a64dfac86aba41c"
    "0618983f8741c5ef68d3a101e8a3b8cac60c905c15fc910840b94c00a0b9d0"
)
ED25519 = {
    "TEST 1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    "TEST 2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    "TEST 3": (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    "TEST 1024": (
        "f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5",
        "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e",
        LONG,
        (
            "0aab4c900501b3e24d7cdf4663326a3a87df5e4843b2cbdb67cbf6e460fec350"
            "aa5371b1508f9f4528ecea23c436d94b5e8fcd4f681e30a6ac00a9704a188a03"
        ),
    ),
    "TEST SHA(abc)": (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        sha512(b"abc").hexdigest(),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
            "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
}
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize("name", ED25519)
def test_ed25519_by_rfc_8032(name: str) -> None:
    secret, public, message, signature = (bytes.fromhex(text) for text in ED25519[name])
    key = SigningKey.from_bytes(secret)
    assert key.public == public
    assert key.sign(message) == signature
    assert signature_holds(public, message, signature)
    for at in range(0, 64, 3):
        bent = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        assert not signature_holds(public, message, bent)
    assert not signature_holds(public, message + b"\0", signature)
    other = signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
    assert not signature_holds(public, message, other), "S is below the order of the group (§5.1.7)"


# RFC 8785 Appendix B: IEEE 754 double in hex, its JSON; None where JSON has no such number.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "7fffffffffffffff": None,
    "7ff0000000000000": None,
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize("bits", NUMBERS)
def test_of_the_numbers_of_rfc_8785_we_write_the_safe_integers_and_refuse_the_others(bits: str) -> None:
    """A float is refused whatever its value: our documents have none, so no reader rounds."""
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    with pytest.raises(Malformed):
        canonical(number)
    said = NUMBERS[bits]
    if said is None:
        with pytest.raises(rfc8785.FloatDomainError):
            rfc8785.dumps(number)
        return
    assert rfc8785.dumps(number).decode() == said  # the oracle of the other tests writes the published bytes
    if said.lstrip("-").isdigit() and abs(int(said)) < 2**53:
        assert canonical(int(said)).decode() == said
    elif said.lstrip("-").isdigit():
        with pytest.raises(Malformed):
            canonical(int(said))


# The reference data of RFC 8785's authors, as parsed; those we write, and those we refuse and why.
OBJECTS = {
    "arrays": ([56, {"d": True, "10": None, "1": []}], '[56,{"1":[],"10":null,"d":true}]'),
    "structures": (
        {
            "1": {"f": {"f": "hi", "F": 5}, "\n": 56},
            "10": {},
            "": "empty",
            "a": {},
            "111": [{"e": "yes", "E": "no"}],
            "A": {},
        },
        '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}',
    ),
    "unicode is not normalised": (
        {"Unnormalized Unicode": "A\u030a"},
        '{"Unnormalized Unicode":"A\u030a"}',
    ),
    "values, but for the numbers": (
        {"string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/", "literals": [None, True, False]},
        '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    ),
    "every escape": ("\b\t\n\f\r\x00\x1f\x7f", '"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f"'),
}
REFUSED = {
    "values: a number that is no integer": {"numbers": [333333333.33333329, 1e30, 4.5, 2e-3, 1e-27]},
    "weird: keys beyond ASCII": {"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter"},
    "french: keys beyond ASCII": {"peach": "This sorting order", "péché": "is wrong according to French"},
}


@pytest.mark.parametrize("name", OBJECTS)
def test_the_example_documents_of_rfc_8785(name: str) -> None:
    document, expected = OBJECTS[name]
    assert canonical(document) == expected.encode() == rfc8785.dumps(document)


@pytest.mark.parametrize("name", REFUSED)
def test_the_example_documents_of_rfc_8785_that_our_subset_leaves_out(name: str) -> None:
    with pytest.raises(Malformed):
        canonical(REFUSED[name])


# RFC 6962 §2.1.3: a tree of seven leaves whose nodes have names; level and index of each.
NAMES = {(0, 0): "a", (0, 1): "b", (0, 2): "c", (0, 3): "d", (0, 4): "e", (0, 5): "f", (0, 6): "j"}
NAMES |= {(1, 0): "g", (1, 1): "h", (1, 2): "i", (2, 0): "k"}


def test_the_audit_paths_of_the_example_tree_of_rfc_6962() -> None:
    """The hash over i and j, the RFC's l, is no complete subtree: it is computed."""

    def node(level: int, index: int) -> bytes:
        return NAMES[level, index].encode() * 32

    def names(hashes: list[bytes]) -> str:
        known = {node(*place): name for place, name in NAMES.items()}
        return "".join(known.get(value, "l") for value in hashes)

    assert names(inclusion_proof(0, 7, node)) == "bhl"
    assert names(inclusion_proof(3, 7, node)) == "cgl"
    assert names(inclusion_proof(4, 7, node)) == "fjk"
    assert names(inclusion_proof(6, 7, node)) == "ik"
    assert names(consistency_proof(3, 7, node)) == "cdgl"
    assert names(consistency_proof(4, 7, node)) == "l"
    assert names(consistency_proof(6, 7, node)) == "ijk"


def test_the_verifiers_take_numbers_of_any_size() -> None:
    far = 2**62
    with pytest.raises(Malformed):
        verify_inclusion(far, far + 1, bytes(32), [bytes(32)] * 62, bytes(32))
    with pytest.raises(Malformed):
        verify_consistency(far - 1, far + 1, bytes(32), bytes(32), [bytes(32)] * 63)


def test_the_signed_example_of_the_dsse_protocol() -> None:
    """protocol.md, "Test Vectors": a P-256 signature over the encoding that we sign with Ed25519."""
    numbers = ec.EllipticCurvePublicNumbers(
        46950820868899156662930047687818585632848591499744589407958293238635476079160,
        5640078356564379163099075877009565129882514886557779369047442380624545832820,
        ec.SECP256R1(),
    )
    raw = b64decode(
        "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="
    )
    signature = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    message = pre_authentication("http://example.com/HelloWorld", b"hello world")
    numbers.public_key().verify(signature, message, ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        numbers.public_key().verify(signature, message + b"!", ec.ECDSA(SHA256()))


# The examples at the head of C2SP's signed-note, tlog-checkpoint and tlog-cosignature (no keys published).
EXAMPLES = (
    (
        "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
        "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcX"
        "xj99ihAQwaqP3ZekRwNtIc=\n"
    ),
    (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzG"
        "ku9nTo+zyWE+xeMcTOAYQ8=\n"
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1n"
        "PZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    ),
)


def test_the_examples_of_c2sp_read_back_to_the_same_bytes() -> None:
    for data in EXAMPLES:
        note = Note.parse(data.encode())
        assert note.text + "\n" + "".join(one.line() for one in note.signatures) == data
    head = Checkpoint.parse(Note.parse(EXAMPLES[1].encode()).text)
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20852163)
    assert head.text() == Note.parse(EXAMPLES[1].encode()).text
    with pytest.raises(Malformed):
        Checkpoint.parse(Note.parse(EXAMPLES[0].encode()).text)
