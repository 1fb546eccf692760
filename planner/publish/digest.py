"""What a page's own security policy knows its styles and scripts by."""

from __future__ import annotations

import base64
import hashlib


def digest_of(text: str) -> str:
    """The SHA-256 of a text as pages write it (W3C, Subresource Integrity), without ``sha256-`` before it.

    >>> digest_of("")
    '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
