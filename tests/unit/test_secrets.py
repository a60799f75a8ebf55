"""What never enters an index."""

import time

import pytest

from cocosearch.indexing.secrets import REDACTED, is_secret_name, redact

KEY = "-----BEGIN {kind}-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\nq83vASNFZ4k=\n-----END {kind}-----"


@pytest.mark.parametrize(
    ("secret", "near_miss"),
    [
        (".env", "env"),
        (".ENV", ".environment"),
        ("deep/er/.env.production", ".env.example"),
        (".env-local", ".env.sample"),
        (".env_test", "src/env_test.py"),
        ("prod.env", "prod.envelope"),
        (".envrc", ".envrc.template"),
        ("tls/server.pem", "pem.py"),
        ("server.key", "monkey"),
        ("server.key", "key.go"),
        ("a.p12", "p12.md"),
        ("a.pfx", "pfx"),
        ("a.p8", "p8.c"),
        ("a.jks", "jks.java"),
        ("a.keystore", "keystore.rs"),
        ("a.kdbx", "kdbx.rb"),
        ("a.gpg", "gpg.py"),
        ("a.ovpn", "ovpn.md"),
        ("a.ppk", "ppk.txt"),
        ("id_rsa", "rsa_id"),
        ("id_rsa.old", "my_id_rsa"),
        ("id_dsa", "id_ds"),
        ("id_ecdsa", "ecdsa.py"),
        ("id_ed25519", "ed25519.py"),
        (".netrc", "netrc.py"),
        ("_netrc", "test_netrc"),
        (".pgpass", "pgpass.c"),
        (".npmrc", "npmrc.md"),
        (".pypirc", "pypirc"),
        (".htpasswd", "htpasswd.conf"),
        (".git-credentials", "git-credentials.sh"),
        (".dockercfg", "dockercfg"),
        ("home/.aws/credentials", "credentials.py"),
        ("credentials.json", "credentials.schema.json"),
        ("kubeconfig", "kubeconfig.go"),
        ("dev.kubeconfig", "kubeconfigs/readme"),
        ("terraform.tfstate", "tfstate.md"),
        ("terraform.tfstate.backup", "main.tf"),
        ("prod.tfvars", "variables.tf"),
        ("prod.tfvars.json", "tfvars.py"),
        (".kube/config", "kube/config"),
        ("home/.kube/config", ".kube/config.d/readme"),
        (".docker/config.json", "docker/config.json"),
        (".aws/config", "aws/config"),
        (".gnupg/trustdb", "gnupg/readme"),
        (".ssh/known_hosts", "src/ssh/client.py"),
        ("a/.ssh/deep/x", "a/b.ssh"),
    ],
)
def test_names_that_hold_credentials_are_told_from_those_that_do_not(secret: str, near_miss: str) -> None:
    assert is_secret_name(secret)
    assert not is_secret_name(near_miss)


@pytest.mark.parametrize(
    "kind", ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]
)
def test_a_private_key_is_taken_out_and_the_lines_keep_their_numbers(kind: str) -> None:
    text = f"before = 1\nkey = '''{KEY.format(kind=kind)}'''\nafter = 2\n"
    clean = redact(text)
    assert "MII" not in clean
    assert clean.split("\n")[5] == "after = 2"
    assert clean.count("\n") == text.count("\n")
    assert REDACTED in clean


def test_each_of_several_keys_is_taken_out_and_what_is_between_stays() -> None:
    text = f"{KEY.format(kind='PRIVATE KEY')}\nbetween = 1\n{KEY.format(kind='RSA PRIVATE KEY')}\n"
    clean = redact(text)
    assert "between = 1" in clean
    assert "MII" not in clean
    assert clean.count(REDACTED) == 2


def test_a_key_with_headers_or_in_one_line_is_taken_out() -> None:
    headed = KEY.format(kind="RSA PRIVATE KEY").replace("MII", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A-1B\n\nMII")
    one_line = '{"private_key": "' + KEY.format(kind="PRIVATE KEY").replace("\n", "\\n") + '"}'
    for text in (headed, one_line, headed.split("-----END")[0], one_line.split("-----END")[0]):
        assert "MII" not in redact(text)
        assert "q83v" not in redact(text)


def test_code_that_names_the_line_of_a_key_stays() -> None:
    text = 'HEADER = "-----BEGIN RSA PRIVATE KEY-----"\n\ndef load(path):\n    return path.read_text()\n'
    assert redact(text) == f'HEADER = "{REDACTED}"\n\ndef load(path):\n    return path.read_text()\n'


def test_public_keys_and_certificates_stay() -> None:
    for kind in ("PUBLIC KEY", "CERTIFICATE", "PGP PUBLIC KEY BLOCK"):
        assert redact(KEY.format(kind=kind)) == KEY.format(kind=kind)


@pytest.mark.parametrize("text", ["-----BEGIN PRIVATE KEY-----\n" * 40_000, "-----BEGIN PRIVATE KEY-----" + "a-" * 500_000, "-" * 10**6])
def test_a_hostile_file_takes_no_long_time(text: str) -> None:
    began = time.process_time()
    redact(text)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("token", "near_miss"),
    [
        ("AKIA" + "ABCDEFGH12345678", "AKIA" + "short"),
        ("ASIA" + "ABCDEFGH12345678", "xASIA" + "ABCDEFGH12345678"),
        ("ghp_" + "a1B2" * 9, "ghp_" + "a1B2" * 8),
        ("ghs_" + "a1B2" * 9, "ghx_" + "a1B2" * 9),
        ("github_pat_" + "a1B2_" * 5, "github_pat_short"),
        ("glpat-" + "a1B2-" * 4, "glpat-short"),
        ("xoxb-" + "123456789012", "xoxb-123"),
        ("sk_live_" + "a1B2" * 4, "sk_test_" + "a1B2" * 4),
    ],
)
def test_tokens_of_known_shape_are_taken_out(token: str, near_miss: str) -> None:
    assert redact(f"key = '{token}'\n") == f"key = '{REDACTED}'\n"
    assert redact(f"key = '{near_miss}'\n") == f"key = '{near_miss}'\n"
