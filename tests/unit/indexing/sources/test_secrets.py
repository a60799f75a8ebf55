"""Values of secrets in text: masked, and nothing else is.

Every secret here is put together when the tests run, so that none stands in this repository.
"""

import base64
import random
import string
from collections.abc import Callable

import pytest

from cocosearch.indexing.sources.secrets import REDACTED, redact

HEX = "0123456789abcdef"
ALNUM = string.ascii_letters + string.digits
URLSAFE = ALNUM + "-_"
UPPER = string.ascii_uppercase + string.digits
BASE64 = ALNUM + "+/"
_generator = random.Random(20)  # noqa: S311 - data that can be made again


def some(alphabet: str, count: int) -> str:
    """Random characters with at least one digit among them, as in a real token."""
    found = "".join(_generator.choice(alphabet) for _ in range(count - 1))
    return found + _generator.choice([character for character in alphabet if character.isdigit()])


def jwt() -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    claims = base64.urlsafe_b64encode(f'{{"sub":"{some(HEX, 12)}","iat":1516239022}}'.encode()).decode().rstrip("=")
    return f"{header}.{claims}.{some(ALNUM, 43)}"


def basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


TOKENS: dict[str, Callable[[], str]] = {
    "AWS access key": lambda: "AKIA" + some("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
    "AWS temporary access key": lambda: "ASIA" + some("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
    "AWS Bedrock": lambda: "ABSK" + some(BASE64, 128),
    "OpenAI": lambda: "sk-" + some(ALNUM, 20) + "T3Blbk" + "FJ" + some(ALNUM, 20),
    "OpenAI project": lambda: "sk-" + "proj-" + some(URLSAFE, 74) + "T3Blbk" + "FJ" + some(URLSAFE, 74),
    "OpenAI service account": lambda: "sk-" + "svcacct-" + some(URLSAFE, 58) + "T3Blbk" + "FJ" + some(URLSAFE, 58),
    "Anthropic": lambda: "sk-" + "ant-api03-" + some(URLSAFE, 93) + "AA",
    "Anthropic admin": lambda: "sk-" + "ant-admin01-" + some(URLSAFE, 93) + "AA",
    "OpenRouter": lambda: "sk-" + "or-v1-" + some(HEX, 64),
    "Groq": lambda: "gsk" + "_" + some(ALNUM, 52),
    "xAI": lambda: "xai" + "-" + some(ALNUM, 80),
    "Replicate": lambda: "r8" + "_" + some(ALNUM, 37),
    "Hugging Face": lambda: "hf" + "_" + some(ALNUM, 34),
    "Perplexity": lambda: "pplx" + "-" + some(ALNUM, 48),
    "npm": lambda: "npm" + "_" + some(ALNUM, 36),
    "PyPI": lambda: "pypi-" + "AgEIcHlwaS5vcmc" + some(URLSAFE, 120),
    "RubyGems": lambda: "rubygems" + "_" + some(HEX, 48),
    "crates.io": lambda: "cio" + some(ALNUM, 32),
    "NuGet": lambda: "oy2" + some(string.ascii_lowercase + string.digits, 43),
    "Docker Hub": lambda: "dckr" + "_pat_" + some(URLSAFE, 27),
    "Google API key": lambda: "AIza" + some(URLSAFE, 35),
    "Google OAuth secret": lambda: "GOCSPX" + "-" + some(URLSAFE, 28),
    "Google OAuth token": lambda: "ya29" + "." + some(URLSAFE, 120),
    "Google refresh token": lambda: "1/" + "/0" + some(URLSAFE, 90),
    "Stripe secret": lambda: "sk" + "_live_" + some(ALNUM, 24),
    "Stripe test": lambda: "sk" + "_test_" + some(ALNUM, 24),
    "Stripe restricted": lambda: "rk" + "_live_" + some(ALNUM, 99),
    "Stripe webhook": lambda: "whsec" + "_" + some(ALNUM, 32),
    "Square": lambda: "sq0" + "atp-" + some(URLSAFE, 22),
    "Shopify": lambda: "shpat" + "_" + some(HEX, 32),
    "HashiCorp Vault": lambda: "hvs" + "." + some(URLSAFE, 95),
    "HashiCorp Vault batch": lambda: "hvb" + "." + some(URLSAFE, 140),
    "HashiCorp Terraform": lambda: some(ALNUM, 14) + ".atlas" + "v1." + some(ALNUM, 67),
    "GitHub": lambda: "ghp" + "_" + some(ALNUM, 36),
    "GitHub OAuth": lambda: "gho" + "_" + some(ALNUM, 36),
    "GitHub server": lambda: "ghs" + "_" + some(ALNUM, 36),
    "GitHub fine-grained": lambda: "github" + "_pat_" + some(ALNUM, 22) + "_" + some(ALNUM, 59),
    "GitLab": lambda: "glpat" + "-" + some(URLSAFE, 20),
    "GitLab routable": lambda: "glpat" + "-" + some(ALNUM, 27) + ".01." + some(HEX, 9),
    "GitLab runner": lambda: "glrt" + "-" + some(URLSAFE, 20),
    "Slack bot": lambda: "xoxb" + "-" + some("123456789", 12) + "-" + some("123456789", 12) + "-" + some(ALNUM, 24),
    "Slack user": lambda: "xoxp" + "-" + "-".join(some("123456789", 12) for _ in range(3)) + "-" + some(HEX, 32),
    "Slack app": lambda: "xapp" + "-1-A" + some(UPPER, 10) + "-" + some("123456789", 13) + "-" + some(HEX, 64),
    "Azure client secret": lambda: some(ALNUM, 3) + "8Q" + "~" + some(ALNUM, 34),
    "DigitalOcean": lambda: "dop" + "_v1_" + some(HEX, 64),
    "SendGrid": lambda: "SG" + "." + some(URLSAFE, 22) + "." + some(URLSAFE, 43),
    "Twilio": lambda: "SK" + some(HEX, 32),
    "Mailgun": lambda: "key" + "-" + some(HEX, 32),
    "Mailchimp": lambda: some(HEX, 32) + "-us" + "12",
    "Brevo": lambda: "xkeysib" + "-" + some(HEX, 64) + "-" + some(ALNUM, 16),
    "Discord bot": lambda: "M" + some(ALNUM, 25) + "." + some(ALNUM, 6) + "." + some(ALNUM, 38),
    "Telegram bot": lambda: "9" + some("0123456789", 8) + ":" + "AA" + some(URLSAFE, 33),
    "JSON web token": jwt,
    "age": lambda: "AGE-" + "SECRET-KEY-1" + some("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
    "Databricks": lambda: "dapi" + some(HEX, 32),
    "Doppler": lambda: "dp" + ".pt." + some(ALNUM, 43),
    "Linear": lambda: "lin" + "_api_" + some(ALNUM, 40),
    "Notion": lambda: "ntn" + "_" + some("0123456789", 11) + some(ALNUM, 35),
    "Figma": lambda: "figd" + "_" + some(URLSAFE, 40),
    "Airtable": lambda: "pat" + some(ALNUM, 14) + "." + some(HEX, 64),
    "Atlassian": lambda: "ATATT3" + some(URLSAFE, 186),
    "Bitbucket": lambda: "ATBB" + some(ALNUM, 24) + some("0123456789ABCDEF", 8),
    "Grafana": lambda: "glsa" + "_" + some(ALNUM, 32) + "_" + some(HEX, 8),
    "Sentry": lambda: "sntryu" + "_" + some(HEX, 64),
    "New Relic": lambda: "NRAK" + "-" + some(UPPER, 27),
    "PlanetScale": lambda: "pscale" + "_tkn_" + some(ALNUM, 43),
    "Postman": lambda: "PMAK" + "-" + some(HEX, 24) + "-" + some(HEX, 34),
    "Pulumi": lambda: "pul" + "-" + some(HEX, 40),
    "Tailscale": lambda: "tskey" + "-auth-" + some(ALNUM, 17) + "-" + some(ALNUM, 32),
    "Supabase": lambda: "sbp" + "_" + some(HEX, 40),
    "Netlify": lambda: "nfp" + "_" + some(ALNUM, 36),
    "Heroku": lambda: "HRKU" + "-" + "-".join(some(HEX, count) for count in (8, 4, 4, 4, 12)),
    "Facebook": lambda: "EAA" + "M" + some(ALNUM, 120),
    "Alibaba": lambda: "LTAI" + some(ALNUM, 20),
    "Buildkite": lambda: "bkua" + "_" + some(HEX, 40),
}
FRAMES = [
    "key = '{}'\n",
    'token: "{}",\n',
    "curl https://api.example.com/?key={}&x=1\n",
    "<key>{}</key>\n",
    "// was {} until May\n",
    "({})\n",
    "A={}",
]
# What is around a value says that it is one: (before, value, after).
PLACED: dict[str, tuple[str, str, str]] = {
    "URL": ("db = 'postgres://admin:", "h8" + "kw-Zx", "@db.internal:5432/app'\n"),
    "URL of a queue without a user": ("broker: redis://:", "Tr0ub4" + "dor", "@10.0.0.7:6379/0\n"),
    "URL with @ in it": ("url = mongodb+srv://app:", "p@ss" + "9w", "@cluster0.mongodb.net/x\n"),
    "URL of a git remote": ("url = https://oauth2:", "q9k" + "2mz7", "@git.example.org/a/b.git\n"),
    "AWS secret key": ("aws_secret_access_key = ", some(BASE64, 40), "\n"),
    "Azure storage": ("AccountName=x;AccountKey=", some(BASE64, 86) + "==", ";EndpointSuffix=core.windows.net\n"),
    "Azure shared access key": ("SharedAccessKeyName=Root;SharedAccessKey=", some(BASE64, 43) + "=", "\n"),
    "Azure signature": ("https://x.blob.core.windows.net/c?sv=2022&sig=", some(ALNUM, 43) + "%3D", "\n"),
    "ADO connection string": ('"Server=db;Database=x;User Id=sa;Password=', "Yu7" + "mn#q", ';Encrypt=true"\n'),
    "libpq connection string": ("dsn = 'host=db user=app password=", "x7Kq" + "pl2", " dbname=x'\n"),
    "basic authorization": ("Authorization: Basic ", basic("build", "s3" + "cr3t77"), "\n"),
    "bearer authorization": ('headers = {"Authorization": "Bearer ', some(ALNUM, 40), '"}\n'),
    "X-Api-Key": ('-H "X-Api-Key: ', some(ALNUM, 32), '"\n'),
    "curl -u": ("curl -sS -u deploy:", "n7Qw" + "zz1", " https://x.example.com\n"),
    "docker auth": ('{"auths": {"ghcr.io": {"auth": "', basic("bot", "Zk3" + "pq9"), '"}}}\n'),
    "registry token": ("//registry.npmjs.org/:_authToken=", "-".join(some(HEX, n) for n in (8, 4, 4, 4, 12)), "\n"),
    "Slack webhook": ("https://hooks.slack" + ".com/services/", "T" + some(UPPER, 9) + "/B" + some(UPPER, 9) + "/" + some(ALNUM, 24), "\n"),
    "Discord webhook": ("https://discord" + ".com/api/webhooks/123456789012345678/", some(URLSAFE, 68), "\n"),
    "service account": ('"private_key_id": "', some(HEX, 40), '",\n'),
    "kubernetes client key": ("    client-key-data: ", some(BASE64, 120) + "==", "\n"),
    "netrc": ("machine example.com login ann password ", "w3Rt" + "yuu", "\n"),
    "WireGuard": ("PrivateKey = ", some(BASE64, 43) + "=", "\n"),
    "JSON web key": ('{"kty": "EC", "d": "', some(URLSAFE, 43), '"}\n'),
    "quoted password": ('password = "', "Xk7" + "#mQ2!v", '"\n'),
    "API key beside its word": ('api_key = "', some(ALNUM, 32), '"\n'),
    "client secret": ('client_secret: "', some(ALNUM, 40), '"\n'),
    "Twitter": ('twitter_api_secret = "', some(ALNUM, 50), '"\n'),
    "Datadog": ('DATADOG_KEY = "', some(HEX, 40), '"\n'),
    "password in XML": ("<password>", "Gh5" + "ttR9", "</password>\n"),
    "hash of /etc/shadow": ("root:", "$6$" + some(ALNUM, 16) + "$" + some(ALNUM, 86), ":19000:0:99999:7:::\n"),
}
HARMLESS = [
    "url = 'postgres://user:password@localhost/db'",
    "url = f'postgres://{user}:{password}@{host}/db'",
    "url: postgres://${DB_USER}:${DB_PASSWORD}@db/app",
    "redis://:<password>@host:6379",
    "https://user:pass@example.com/",
    "amqp://guest:guest@localhost:5672//",
    "https://example.com:8080/a@b",
    "git@github.com:owner/repository.git",
    "see https://host/path?x=1:2@3",
    "mongodb://%s:%s@%s/" + "db",
    "password = os.environ['PASSWORD']",
    "password = getpass.getpass()",
    'password = "changeme"',
    'api_key = "YOUR_API_KEY"',
    'api_key = "your-api-key-here"',
    'token = "<token>"',
    'token = "xxxxxxxxxxxxxxxxxxxxxxxx"',
    "secret: {{ .Values.secret }}",
    "secret: ${{ secrets.GITHUB_TOKEN }}",
    "key = self.config.api_key_for_project1",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "AKIA" + "short",
    "ghp" + "_short",
    "class Ghp_parser_for_tokens_with_prefix: pass",
    "import { token1234567890 } from './token1234567890'",
    "sk-learn and sk-image are packages",
    ".sk-circle-fade-dot { animation: sk-fade 1s }",
    "commit 0bd2556671c64fc998095603878beb1289abcdef",
    'integrity = "sha512-' + "oRw0+FHL3" * 9 + 'w=="',
    "id: 7488a646-e31f-11e4-aace-600308960662",
    "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAAAE" * 8,
    'HEADER = "-----BEGIN RSA PRIVATE KEY-----"',
    'BEGIN = "-----BEGIN PRIVATE KEY-----"\nEND = "-----END PRIVATE KEY-----"\n',
    "Authorization: Bearer <token>",
    'headers["Authorization"] = basic_auth_header(username, password1)',
    "Authorization: Basic $(echo -n user:pass | base64)",
    "Basic authentication of version 2 is used",
    'curl -u "$USER:$TOKEN" https://example.com',
    "curl -u username:password https://example.com",
    'type: "auth": "basic"',
    "machine learning login password",
    'tokenizer.ggml.tokens = "tokenizer.ggml.tokens1"',
    "primary_key = 'customer_id_2024_backup'",
    "keyboard_key = 'ArrowLeft1234567'",
    "for key in sorted(mapping): value = mapping[key]",
    "const accessToken = await getAccessTokenSilently();",
    "def test_password_reset_token_is_refused_after_1_hour() -> None:",
    'os.environ["AWS_SECRET_ACCESS_KEY"]',
    "<password>${env.PASSWORD}</password>",
    "author = 'someone1234567890'",
    "x = y.z.w1.access.token2.value",
    "v = 'hvs.short'",
    "eyJhbGciOi.not.a.token",
]


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_of_a_known_issuer_is_masked_wherever_it_stands(kind: str, frame: str) -> None:
    token = TOKENS[kind]()
    clean = redact(frame.format(token))
    assert token not in clean
    assert token[-12:] not in clean
    assert REDACTED in clean
    before, after = frame.split("{}")
    assert clean.startswith(before)
    assert clean.endswith(after)


@pytest.mark.parametrize("kind", PLACED)
def test_a_value_that_its_place_makes_a_secret_is_masked_and_its_line_stays(kind: str) -> None:
    before, value, after = PLACED[kind]
    assert redact(f"first = 1\n{before}{value}{after}last = 2\n") == f"first = 1\n{before}{REDACTED}{after}last = 2\n"


@pytest.mark.parametrize("text", HARMLESS)
def test_code_that_looks_like_a_secret_stays(text: str) -> None:
    assert redact(f"before = 1\n{text}\nafter = 2\n") == f"before = 1\n{text}\nafter = 2\n"


@pytest.mark.parametrize("path", ["config/app.yml", "app.properties", "settings.ini", "docker-compose.yaml", "setup.toml", "Procfile"])
def test_a_password_in_a_file_of_settings_needs_no_quotes(path: str) -> None:
    value = "Kq7" + "!zmP0"
    assert value not in redact(f"name: app\ndb_password: {value}\nport: 80\n", path)
    assert (
        redact("db_password: changeme\ntoken: ${TOKEN}\nsecret: {{ x }}\npassword:\n", path)
        == "db_password: changeme\ntoken: ${TOKEN}\nsecret: {{ x }}\npassword:\n"
    )


def pem(kind: str, lines: int = 4) -> str:
    body = "\n".join(some(BASE64, 64) for _ in range(lines))
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----"


KEYS = [
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "DSA PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "PGP PRIVATE KEY BLOCK",
]


@pytest.mark.parametrize("kind", KEYS)
def test_a_private_key_is_masked_and_the_lines_keep_their_numbers(kind: str) -> None:
    key = pem(kind)
    text = f"before = 1\nkey = '''{key}'''\nafter = 2\n"
    clean = redact(text)
    assert not any(line in clean for line in key.split("\n")[1:-1])
    assert clean.count("\n") == text.count("\n")
    assert clean.split("\n")[7] == "after = 2"
    assert REDACTED in clean


@pytest.mark.parametrize("kind", ["PUBLIC KEY", "CERTIFICATE", "PGP PUBLIC KEY BLOCK", "CERTIFICATE REQUEST", "PGP SIGNATURE"])
def test_public_keys_and_certificates_stay(kind: str) -> None:
    text = pem(kind)
    assert redact(text) == text


def test_each_of_several_keys_is_masked_and_what_is_between_stays() -> None:
    clean = redact(f"{pem('PRIVATE KEY')}\nbetween = 1\n{pem('RSA PRIVATE KEY')}\n")
    assert "between = 1" in clean
    assert clean.count(REDACTED) == 2


def test_a_key_with_headers_in_one_line_in_a_literal_or_cut_short_is_masked() -> None:
    key = pem("RSA PRIVATE KEY")
    body = key.split("\n")[1:-1]
    headed = key.replace(body[0], f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B\n\n{body[0]}")
    one_line = '{"private_key": "' + key.replace("\n", "\\n") + '\\n"}'
    literal = "\n".join(f'    "{line}\\n" +' for line in key.split("\n"))
    indented = "\n".join(f"      {line}" for line in key.split("\n"))
    commented = "\n".join(f"# {line}" for line in key.split("\n"))
    for text in (headed, one_line, literal, indented, commented, key.split("-----END")[0], one_line.split("-----END")[0]):
        clean = redact(text)
        assert not any(line in clean for line in body)
        assert clean.count("\n") == text.count("\n")


def test_a_putty_key_loses_its_private_lines() -> None:
    public, private = [some(BASE64, 64) for _ in range(3)], [some(BASE64, 64) for _ in range(3)]
    text = "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nPublic-Lines: 3\n" + "\n".join(public)
    text += "\nPrivate-Lines: 3\n" + "\n".join(private) + "\nPrivate-MAC: 00\n"
    clean = redact(text)
    assert not any(line in clean for line in private)
    assert clean.count("\n") == text.count("\n")


def test_a_kubernetes_secret_loses_its_values_and_keeps_its_references() -> None:
    value = base64.b64encode(b"letters only").decode()
    text = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\ndata:\n  password: {value}\n  other: {{{{ .Values.other | b64enc }}}}\n"
    text += "---\nkind: ConfigMap\ndata:\n  mode: plain\n"
    assert redact(text, "deploy/app.yaml") == text.replace(value, REDACTED)
    listed = f"kind: Secret\nstringData:\n  config.yaml: |\n    user: ann\n    word: {value}\ntype: Opaque\n"
    assert value not in redact(listed)
    assert redact(listed).endswith("type: Opaque\n")


def test_a_file_of_credentials_that_no_name_tells_keeps_none_of_them() -> None:
    key, token, identity = pem("PRIVATE KEY"), basic("bot", "Zk3" + "pq9"), some(HEX, 40)
    account = '{"type": "service_account", "private_key_id": "' + identity + '", "private_key": "' + key.replace("\n", "\\n") + '"}'
    assert key.split("\n")[2] not in redact(account)
    assert identity not in redact(account)
    assert token not in redact(
        '{\n\t"auths": {\n\t\t"https://index.docker.io/v1/": {\n\t\t\t"auth": "' + token + '"\n\t\t}\n\t}\n}', "config.json"
    )


def test_text_around_a_secret_in_another_script_stays() -> None:
    token = TOKENS["GitHub"]()
    assert redact(f"# ключ 鍵 🔑 {token} конец\n") == f"# ключ 鍵 🔑 {REDACTED} конец\n"
    assert redact(f"x = {token}", "caf\udce9/a.yml") == f"x = {REDACTED}"
    assert redact("lone \udc80 surrogate " + token) == f"lone \udc80 surrogate {REDACTED}"


def test_what_is_masked_stays_as_it_is_when_masked_again() -> None:
    text = "\n".join(before + value + after for before, value, after in PLACED.values())
    assert redact(redact(text)) == redact(text)
