#!/bin/sh
# webpush 1.0.6: the token that signs a message (VAPID, RFC 8292) names its audience without the port. Section 2 of the RFC wants the
# origin of the push service (RFC 6454), to which a port belongs that is not the scheme's own; a service at such a port refuses it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check webpush==1.0.6
"$folder/venv/bin/python" - <<'EOF'
import base64
import sys
from importlib.metadata import version

import jwt
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec
from webpush import WebPush, WebPushSubscription


def coded(key):
    raw = key.public_key().public_bytes(form.Encoding.X962, form.PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


ours, browser = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
push = WebPush(
    ours.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()),
    ours.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo),
    "somebody@example.org",
)
keys = {"auth": base64.urlsafe_b64encode(bytes(16)).rstrip(b"=").decode(), "p256dh": coded(browser)}
seen = {}
for port in ("", ":8443"):
    to = WebPushSubscription.model_validate({"endpoint": f"https://push.example.org{port}/abc", "keys": keys})
    headers = push.get("hello", to).headers
    said = next(value for name, value in headers.items() if name.lower() == "authorization")
    token = next(part.strip()[2:] for part in said.split(" ", 1)[1].split(",") if part.strip().startswith("t="))
    seen[port or ":443"] = jwt.decode(token, options={"verify_signature": False})["aud"]
print("webpush", version("webpush"), seen)
sys.exit(seen != {":443": "https://push.example.org", ":8443": "https://push.example.org"})
EOF
