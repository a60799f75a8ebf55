"""Which files hold credentials by convention, told from their names."""

import re

import re2

# Patterns of a file's name, lower case. Each group is a kind; add to the kind, not at the end.
_NAMES = (
    # environment files
    *(".env", ".env[._-]*", "*.env", "*.env.*", ".envrc", ".envrc.*", "env.local", "env.*.local", ".dotenv", "dotenv", ".dev.vars*"),
    *(f"env.{stage}" for stage in ("prod", "production", "dev", "development", "staging", "stage", "test", "secret", "secrets", "private")),
    *(".prod.vars", ".renviron"),
    # keys, certificates with keys, key stores, password safes
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.p8", "*.pvk", "*.snk", "*.ppk", "*.jks", "*.jceks", "*.bks", "*.bcfks", "*.keystore"),
    *("*.kdb", "*.kdbx", "*.psafe3", "*.agilekeychain", "*.opvault", "*.1pux", "*.keychain", "*.keychain-db", "*.kwallet", "wallet.dat"),
    *("*.gpg", "*.pgp", "secring.*", "*.keytab", "ssh_host_*_key", "deploy_key", "deploy-key", "*_deploy_key", "*-deploy-key", "age.key"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*_rsa", "*_dsa", "*_ecdsa", "*_ed25519", "age-key*.txt", "age_key*.txt"),
    *("*private_key", "*private-key", "*private_key.txt", "*private-key.txt", "*.privkey", "privkey*", "utc--20*--*"),
    # passwords, tokens and secrets as such
    *(".password", ".passwd", ".passphrase", ".pass", ".secret", ".secrets", ".token", ".creds", ".credential", ".credentials", ".apikey"),
    *(".api_key", ".api-key", ".*-token", ".*_token", ".*-password", ".*_password", ".*_pass", ".*-pass", ".secret_key", ".secret-key"),
    *("credential", "credentials", "creds", "apikey", "api_key", "api-key", "secret_key", "secret_token", "secret_key_base"),
    *("*.secret", "*.secrets", "*.credential", "*.credentials", "*.creds", "*.token", "*.passwd", "*.password", "*.passphrase"),
    *("*password.txt", "*passwords.txt", "passwd.txt", "*passphrase.txt", "secret.txt", "*secrets.txt", "token.txt", "*_token.txt"),
    *("*-token.txt", "*api_key.txt", "*api-key.txt", "*apikey.txt", "*apikeys.txt", "*api_keys.txt", "*credential.txt", "*credentials.txt"),
    *("creds.txt", "recovery-codes*.txt", "*recovery_codes*.txt", "*recovery-codes*.txt", "*backup-codes*.txt", "passwords.csv"),
    # files of secrets of programs: secrets.yml, credentials.prod.json, prod-secrets.toml
    *(
        f"{before}{word}{after}.{ending}"
        for word in ("secrets", "credentials", "creds", "credential")
        for before, after in (("", ""), ("*[._-]", ""), ("", "[._-]*"))
        for ending in ("yml", "yaml", "json", "toml", "ini", "cfg", "conf", "properties", "xml", "xcconfig", "plist", "csv", "auto.tfvars")
    ),
    *("secrets.y*ml.dec", "*.y*ml.dec", "*.dec.y*ml", "values-secret*.y*ml", "secret-values.y*ml", "credentials.*.enc", "credentials.yml.enc"),
    *("passwords.y*ml", "passwords.json", "passwords.ini", "tokens.json.enc", "local.settings.json", "*.publishsettings", "*.pubxml.user"),
    *("key.properties", "keystore.properties", "signing.properties", "apikey.properties", "api_keys.json", "apikeys.json", "api-keys.json"),
    # shells, programming shells and databases remember what was typed
    *(".*_history", ".*-history", ".*_hist", ".history", "*_history.txt", "fish_history", "ghci_history", "mongosh_repl_history", ".histfile"),
    *(".zhistory", ".lesshst", ".viminfo", ".wget-hsts", ".dbshell", "history.sqlite", "consolehost_history.txt"),
    # clients of databases
    *(".my.cnf", ".mylogin.cnf", ".pgpass", "pgpass.conf", ".pg_service.conf", "pg_service.conf", ".cqlshrc", "cqlshrc", ".odbc.ini"),
    *("robomongo.json", "credentials-config.json", "datasources.local.xml", ".sqlpwd", "pgadmin4.db"),
    # mail, web and file transfer
    *(".netrc*", "_netrc", ".authinfo*", ".msmtprc", ".esmtprc", ".fetchmailrc", ".offlineimaprc", ".mbsyncrc", ".getmailrc", "sasl_passwd"),
    *(".htpasswd*", "htpasswd", ".htdigest", "htdigest", "cookies.txt", "cookies.sqlite", "cookies", "logins.json", "key3.db", "key4.db"),
    *("login data", "recentservers.xml", "sitemanager.xml", "filezilla.xml", "winscp.ini", "sftp-config.json", "sftp-config-alt*.json"),
    *(".ftpconfig", ".sftpconfig*", ".remote-sync.json", "*.remmina", "*.rdp", ".git-credentials", ".wgetrc", ".curlrc", "_curlrc"),
    # package registries
    *(".npmrc", ".pypirc", ".gemrc.credentials", ".pause", "pub-tokens.json", "pub-credentials.json", "settings-security.xml"),
    *("sonatype_credentials", "sonatype.credentials", "credentials.toml", "credentials.clj", "hex.config", ".clojars"),
    # containers and clusters
    *(".dockercfg", ".dockerconfigjson", "dockerconfig.json", "docker-config.json", "*.dockerconfigjson", "talosconfig", "k3s.yaml"),
    *("kubeconfig*", "*.kubeconfig", "*.kubeconfig.*", "*[._-]kubeconfig", "*[._-]kubeconfig.y*ml", "kube_config*", "kube-config*"),
    *("kube.config", "admin.kubeconfig", "clouds.yaml", "clouds.yml", "secure.yaml", "*-openrc.sh", "openrc", "swarm-worker-token"),
    # clouds, infrastructure as code, secret stores
    *("client_secret*.json", "client-secret*.json", "service[_-]account*.json", "serviceaccount*.json", "*[_-]service[_-]account.json"),
    *("*-serviceaccount.json", "*serviceaccountkey.json", "*firebase-adminsdk*.json", "gcp-key*.json", "gcloud-*key*.json", "gcp_key*.json"),
    *("application_default_credentials.json", "*accesskeys*.csv", "rootkey.csv", "*credentials*.csv", "accesstokens.json", "azureauth.json"),
    *("msal_token_cache*", "service_principal_entries.*", ".s3cfg", ".passwd-s3fs", ".boto", "rclone.conf", ".rclone.conf", ".databrickscfg"),
    *("*.tfstate", "*.tfstate.*", "*.tfvars", "*.tfvars.json", ".terraformrc", "terraform.rc", "credentials.tfrc.json", "*.tfplan"),
    *(".vault_pass*", ".vault-pass*", "vault_pass*", "vault-pass*", "*vault_pass", "*vault_password*", "*vault-password*", ".vaultpass*"),
    *("vault-keys*", "vault_keys*", "unseal-key*", "unseal_key*", "*unseal-keys*", "encrypted_data_bag_secret", "initialadminpassword"),
    *("hudson.util.secret", "*.sops.key", ".tugboat", ".hcloud.toml", ".linode-cli", ".vultr-cli.yaml", ".sentryclirc", ".twurlrc", ".trc"),
    *(".fog", ".gist", "ngrok.yml", ".ngrok.yml", ".clasprc.json", "kaggle.json", "oauth_creds.json", "token-cache.json", ".comet.config"),
    *(".google_authenticator", "jupyter_cookie_secret", "oauth_token.json", "oauth-token.json", "oauth2_token.json"),
    # the operating system
    *("shadow", "shadow-", "gshadow", "gshadow-", "opasswd", "master.passwd", "chap-secrets", "pap-secrets", "ipsec.secrets", "psk.txt"),
    *("wpa_supplicant*.conf", "*.nmconnection", ".smbcredentials*", "smbcredentials", ".smbcreds", ".cifscreds", ".vncpasswd", "vncpasswd"),
    *("*.ovpn", "wg[0-9]*.conf", "wireguard*.conf", "ldap.secret", ".ldap.secret", "restic-password*", "restic_password*"),
)
# Patterns of a path's end, lower case: names that mean a secret in their directory alone.
_PATHS = (
    *(".ssh/*", ".gnupg/*", ".aws/*", ".azure/*", ".oci/*", ".bluemix/*", ".aliyun/*", ".password-store/*", ".pki/*", ".filezilla/*"),
    *(".kube/config", ".docker/config.json", "containers/auth.json", ".config/gcloud/*", ".config/gh/hosts.yml", ".config/hub"),
    *(".config/glab-cli/*", ".config/op/*", ".config/rclone/*", ".config/doctl/*", ".config/hcloud/*", ".config/linode-cli", ".config/fly*"),
    *(".config/configstore/*", ".config/github-copilot/*", ".config/git/credentials", ".config/sops/*", ".config/argocd/*", ".argocd/*"),
    *(".config/netlify/*", ".config/ngrok/*", ".config/containers/*", ".config/vercel/*", ".config/neofetch/secret", ".ngrok2/*"),
    *(".fly/config.yml", ".now/*", ".vercel/auth.json", ".netlify/config.json", ".wrangler/config/*", ".cloudflared/*", ".expo/state.json"),
    *(".composer/auth.json", ".claude/.credentials.json", ".codex/auth.json", ".gemini/*.json", ".mcp-auth/*", ".travis/config.yml"),
    *(".m2/settings.xml", ".m2/settings-security.xml", ".gradle/gradle.properties", ".bundle/config", ".gem/*", ".cargo/credentials*"),
    *(".nuget/*.config", ".sbt/*credentials*", ".ivy2/*credentials*", ".lein/credentials*", ".hex/*", ".conan/*", ".conan2/*", ".luarocks/*"),
    *(".subversion/auth/*", ".chef/*", ".terraform.d/*", ".pulumi/credentials*", ".snowsql/*", ".snowflake/*", ".dbt/profiles.yml"),
    *(".circleci/cli.yml", ".databricks/*", ".heroku/*", ".kaggle/*", ".huggingface/token", "huggingface/token", ".mc/config.json"),
    *(".rancher/*", ".talos/config", ".jupyter/*.json", ".vnc/*", ".purple/*", ".weechat/sec.conf", ".local/share/keyrings/*"),
    *(".vscode/sftp.json", ".idea/webservers.xml", "etc/wireguard/*", "run/secrets/*", ".secrets/*", "secrets/master.key", ".mutt/*pass*"),
    *("etc/kubernetes/*.conf", "secrets/*password*", "secrets/*token*", "secrets/*_key", "secrets/*.txt", "openvpn/auth*", "openvpn/*pass*"),
)
# Only at a project's root, or in a directory that is hidden: elsewhere it is a page's text in some language.
_COMPOSER_AUTH = "auth.json"

# Endings of code and prose: a file named like a key that has one is about keys.
_CODE = frozenset(
    "adb ads ahk asm astro awk bash bat bazel bzl c c++ cc cjs clj cljc cljs cmake cmd coffee cpp cr cs css csx cts cu cxx d dart el elm erl ex "
    "exs f90 feature fish fs fsi fsx gd go gradle graphql groovy h hcl hh hpp hrl hs htm html hxx idr inc ipynb java jl js jsx kt kts less "
    "lhs lisp lua m markdown md mdx mjs mk ml mli mm mts nim nix odin org pas php pl pm po pot proto ps1 psm1 purs py pyi pyx qml r rb rego "
    "res rkt rs rst rsx sass sbt scala scm scss sh snap sol spec sql ss styl sv svelte svg swift t tcl tex tf thrift ts tsx v vala vb vhd "
    "vhdl vim vue wat xaml xhtml xsd xsl zig zsh adoc asciidoc pub css.map js.map".split()
)
# Names that are no code whatever their ending: compiled environments, histories.
_NEVER_CODE = re.compile(r"\.env(?:[._-].*)?|.*openrc\.sh|credentials\.clj|upload_config\.lua")
_TYPINGS = re.compile(r"\.?env\.d\.ts")
# Files that exist to be read: .env.example, credentials.sample.json, example.env, secrets.yml.j2. A key or a state is none, whatever its name.
_TEMPLATE_WORD = r"(?:example|sample|template|tmpl|tpl|dist|schema|skel|j2|jinja2?|erb|gotmpl|ejs|mustache|hbs)s?"
_TEMPLATE = re.compile(rf"(?:^|.*[._-]){_TEMPLATE_WORD}(?:\.[a-z0-9]{{1,10}})?|{_TEMPLATE_WORD}[._-].*")
_KEYS = re.compile(r".*\.(?:pem|key|p12|pfx|p8|ppk|jks|keystore|kdbx|ovpn|tfstate|gpg)")
# What editors, file managers and people put around a name: .env~, #.env#, .env.swp, secrets (1).yml, Copy of .env, .env.bak.2
_DECORATIONS = tuple(
    re.compile(pattern)
    for pattern in (
        r"#(?P<name>.+)#",
        r"\.#(?P<name>.+)",
        r"\.?(?P<name>.+)\.sw[a-z]",
        r"copy of (?P<name>.+)",
        r"(?P<name>.+?)(?: copy(?: \d+)?| ?\(\d+\)| - copy)(?P<ending>\.[a-z0-9]+)?",
        r"(?P<name>.+?)(?:~|[._-](?:(?:bak|backup|bck|bkp|old|orig|save|copy|tmp|prev)\d*|original|saved|temp|rej|previous|disabled|off|dpkg-[a-z]+"
        r"|rpm(?:save|new|orig)|ucf-[a-z]+|pacnew|pacsave|undo-tree|un)~?|[._-]\d{1,14}|[._-]\d{4}-\d\d-\d\d.*|\.~\d+~)",
    )
)
_MAX_DECORATIONS = 4
# A chart's or a kustomization's templates refer to values; what is literal in them is masked as in any text.
_CHART_TEMPLATES = re.compile(r"(?:.*/)?templates/(?:.*/)?[^/]*\.ya?ml")


def _glob(pattern: str) -> str:
    """The pattern as an expression: `*` is anything, brackets are a set of characters."""
    return re.sub(r"\\\*", ".*", re.sub(r"\\\[(.*?)\\\]", lambda match: f"[{match[1].replace(chr(92), '')}]", re.escape(pattern)))


def _compile(patterns: tuple[str, ...], before: str) -> "re2._Regexp[str]":
    return re2.compile(f"(?s:{before}(?:{'|'.join(map(_glob, patterns))}))")


_ANY_NAME = _compile(_NAMES, "")
_ANY_PATH = _compile(_PATHS, "(?:.*/)?")


def is_secret_name(path: str) -> bool:
    """Whether a file, by its path relative to the project, holds credentials by convention.

    Backups of such a file are as secret as it is. Templates (`.env.example`) and code that is named like a key (`id_rsa_parser.py`) are not.
    """
    directory, _, name = path.lower().rpartition("/")
    names = _undecorated(name)
    return not _is_read_by_people(names[-1]) and any(_holds_credentials(directory, candidate) for candidate in names)


def _is_read_by_people(name: str) -> bool:
    """Code, prose and templates."""
    ending = name.rpartition(".")[2] if "." in name.lstrip(".") else ""
    is_code = (ending in _CODE and not _NEVER_CODE.fullmatch(name)) or _TYPINGS.fullmatch(name) is not None
    return is_code or (_TEMPLATE.fullmatch(name) is not None and not _KEYS.fullmatch(name))


def _undecorated(name: str) -> list[str]:
    """The name, and what it is the backup of."""
    found = [name]
    for _ in range(_MAX_DECORATIONS):
        for decoration in _DECORATIONS:
            match = decoration.fullmatch(found[-1])
            if match:
                inside = match["name"] + (match.groupdict().get("ending") or "")
                # Vim puts a dot before the name that it swaps, unless there is one.
                found += [f".{inside}", inside] if "sw" in decoration.pattern and found[-1].startswith(".") else [inside]
                break
        else:
            break
    return found


def _holds_credentials(directory: str, name: str) -> bool:
    path = f"{directory}/{name}" if directory else name
    if _ANY_PATH.fullmatch(path):
        return True
    if name == _COMPOSER_AUTH:
        return not directory or directory.rpartition("/")[2].startswith(".")
    return _ANY_NAME.fullmatch(name) is not None and not _CHART_TEMPLATES.fullmatch(path)
