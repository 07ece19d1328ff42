"""Writes vectors.json: the record format of the vault by a second implementation (python3, `cryptography`).

    python3 vectors.py > vectors.json

The file is frozen: an implementation that cannot open it cannot open what deployments have stored.
"""

import json
import struct
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORMAT = SUITE = 1


def prefixed(data):
    return struct.pack(">H", len(data)) + data


def pairs(values):
    encoded = sorted((k.encode(), v.encode()) for k, v in values.items())
    return struct.pack(">H", len(encoded)) + b"".join(prefixed(k) + prefixed(v) for k, v in encoded)


def hkdf(key, salt, info):
    return HKDF(algorithm=SHA512(), length=32, salt=salt, info=info).derive(key)


def fixed(label, length):
    """Bytes that look random and are the same every time."""
    return b"".join(sha256(f"{label} {i}".encode()).digest() for i in range(2))[:length]


def wrap(kek, dek, iv, key):
    context = pairs({"purpose": key["purpose"], "record": key["record"]})
    return iv + AESGCM(hkdf(kek, b"", context)).encrypt(iv, dek, b"")


def seal(kek_name, dek, wrapped, salt, iv, key, plaintext):
    binding = pairs(
        {
            "format": str(FORMAT),
            "suite": str(SUITE),
            "kek_name": kek_name,
            "purpose": key["purpose"],
            "user": key.get("user", "-"),
            "provider": key.get("provider", "-"),
            "record": key["record"],
            "field": key["field"],
            "row_version": str(key["version"]),
            "partition": key.get("partition", "-"),
        }
    )
    encryption = hkdf(dek, salt, bytes([FORMAT, SUITE]) + b"DERIVEKEY")
    commitment = hkdf(dek, salt, b"COMMITKEY")
    head = bytes([FORMAT, SUITE]) + prefixed(kek_name.encode()) + prefixed(wrapped) + salt + commitment + iv
    return head + AESGCM(encryption).encrypt(iv, plaintext, binding)


ROWS = [
    ({"purpose": "signing", "record": "kid-1", "field": "jwk", "version": 1}, b'{"kty":"EC"}'),
    ({"purpose": "service", "record": "tickets", "field": "value", "version": 1}, fixed("value", 32)),
    (
        {"purpose": "oauth", "record": "id-7", "field": "payload", "version": 12, "user": "u1", "provider": "corp"},
        "grün, 人, \U0001f980".encode(),
    ),
    (
        {"purpose": "audit", "record": "r1/42", "field": "arguments", "version": 0, "user": "u1", "partition": "u1/2026-01-31"},
        b'{"name":"Ada"}',
    ),
    ({"purpose": "audit", "record": "r1/43", "field": "arguments", "version": 0, "partition": "-/2026-01-31"}, b""),
]


def row_of_partition(key):
    """The row that holds the data key of a partition."""
    row = {"purpose": key["purpose"], "record": key["partition"], "field": "data_key", "version": 1}
    return row | ({"user": key["user"]} if "user" in key else {})


def vector(number, key, plaintext):
    kek_name = f"local/{key['purpose']}/1"
    kek, dek = fixed(f"kek {key['purpose']}", 32), fixed(f"dek {number}", 32)
    salt, iv = fixed(f"salt {number}", 32), fixed(f"iv {number}", 12)
    made = {"key": key, "kekName": kek_name, "kek": kek.hex(), "dek": dek.hex(), "salt": salt.hex(), "iv": iv.hex()}
    if "partition" in key:
        # The data key lies in a row of its own; the record carries none.
        row, other = row_of_partition(key), fixed(f"dek of dek {number}", 32)
        wrapped = wrap(kek, other, fixed(f"wrap iv {number}", 12), row)
        data_key = seal(kek_name, other, wrapped, fixed(f"salt of dek {number}", 32), fixed(f"iv of dek {number}", 12), row, dek)
        made |= {"kekName": "partition", "kekOfPartition": kek_name, "dataKey": data_key.hex(), "wrapped": ""}
    else:
        made |= {"wrapped": wrap(kek, dek, fixed(f"wrap iv {number}", 12), key).hex()}
    wrapped = bytes.fromhex(made["wrapped"])
    return made | {
        "plaintext": plaintext.hex(),
        "sealed": seal(made["kekName"], dek, wrapped, salt, iv, key, plaintext).hex(),
    }


print(json.dumps([vector(i, *row) for i, row in enumerate(ROWS)], indent=2))
