"""Files that never enter an index, by their names."""

import pytest

from cocosearch.indexing.sources.secrets import is_secret_name

_REFUSED = """
.env .ENV .env~ #.env# .#.env .env.swp .env.swo .env.bak .env.bak.2 .env.old .env.orig .env.save .env.backup .env.20240131 .env.local
.env.production .env-local .env_test .env.local.php deep/er/.env.development.local env.local env.production prod.env docker/app.env
prod.env.bak .envrc .envrc.local .dev.vars .Renviron .dockercfg .dockerconfigjson home/.docker/config.json dockerconfig.json
pull-secret.dockerconfigjson .config/containers/auth.json kubeconfig kubeconfig.yaml kubeconfig-prod.yml dev.kubeconfig prod-kubeconfig
kube_config_cluster.yml .kube/config etc/kubernetes/admin.conf talosconfig clouds.yaml secrets.yml secrets.yaml secrets.json secrets.toml
.streamlit/secrets.toml secrets.prod.yaml prod-secrets.yml config/secrets.properties secrets.ini secrets.xml values-secret.yaml
secrets.yaml.dec credentials credentials.json credentials.yml credentials.xml credentials.csv my-credentials.json aws_credentials.ini
creds.json credentials.yml.enc .credentials home/.aws/credentials home/.aws/config .aws/sso/cache/botocore.json client_secret.json
client_secrets.json client_secret_123.apps.googleusercontent.com.json service-account.json service_account_prod.json
my-service-account.json myapp-firebase-adminsdk-x1y2.json gcp-key.json .config/gcloud/credentials.db application_default_credentials.json
azureauth.json .azure/accessTokens.json msal_token_cache.json .oci/config rootkey.csv alice_accessKeys.csv local.settings.json
site.publishsettings .s3cfg .boto rclone.conf .config/rclone/rclone.conf .databrickscfg .snowsql/config .tugboat .config/doctl/config.yaml
.fly/config.yml .ngrok2/ngrok.yml terraform.tfstate terraform.tfstate.backup terraform.tfstate.1693.backup prod.tfvars prod.tfvars.json
prod.auto.tfvars .terraformrc .terraform.d/credentials.tfrc.json .pulumi/credentials.json .vault_pass .vault_pass.txt vault-password.txt
.vault-token ansible/vault_pass vault_unseal_keys.txt~ unseal-keys.json .bash_history .zsh_history .python_history .psql_history
.mysql_history .sqlite_history .node_repl_history .irb_history .rediscli_history .histfile fish_history .bash_history~ .lesshst .viminfo
ConsoleHost_history.txt .ipython/profile_default/history.sqlite .my.cnf .mylogin.cnf .pgpass pgpass.conf .pg_service.conf .cqlshrc
.idea/dataSources.local.xml .netrc _netrc .netrc.gpg .authinfo .authinfo.gpg .msmtprc .fetchmailrc .mbsyncrc sasl_passwd .git-credentials
.config/git/credentials .config/gh/hosts.yml .config/hub .npmrc .pypirc .gem/credentials .cargo/credentials .cargo/credentials.toml
.composer/auth.json auth.json .m2/settings.xml .m2/settings-security.xml .gradle/gradle.properties .nuget/NuGet.Config .sbt/.credentials
.ivy2/.credentials .lein/credentials.clj .bundle/config .hex/hex.config pub-credentials.json recentservers.xml sitemanager.xml
filezilla.xml sftp-config.json .vscode/sftp.json .ftpconfig WinSCP.ini office.remmina server.rdp cookies.txt cookies.sqlite logins.json
key4.db .htpasswd .htpasswd-old htpasswd .htdigest shadow shadow- gshadow master.passwd chap-secrets ipsec.secrets wpa_supplicant.conf
Home.nmconnection krb5.keytab .smbcredentials id_rsa id_rsa.old id_rsa~ id_dsa id_ecdsa id_ed25519 id_ed25519_sk github_rsa deploy_key
ssh_host_ed25519_key .ssh/known_hosts a/.ssh/deep/x .gnupg/trustdb secring.gpg server.key tls/server.pem www.example.com.key a.p12 a.pfx
a.p8 a.jks a.keystore a.kdbx a.kdb a.gpg a.ovpn a.ppk age.key wallet.dat wg0.conf etc/wireguard/office.conf jenkins/secrets/master.key
secrets/initialAdminPassword hudson.util.Secret config/master.key encrypted_data_bag_secret kaggle.json .huggingface/token .sentryclirc
.clasprc.json password.txt db_password.txt token.txt api_key.txt .secret .token .api_key app.secret deploy.token run/secrets/db
run/secrets/smtp.conf .password-store/mail.txt restic-password .codex/auth.json .claude/.credentials.json .gemini/oauth_creds.json
.config/github-copilot/hosts.json key.properties keystore.properties openrc admin-openrc.sh
"""
SECRET = [
    *_REFUSED.split(),
    "Copy of .env",
    ".env copy",
    "credentials (1).json",
    "secrets copy 2.yml",
    "client_secret (2).json",
    "Login Data",
    "secrets - Copy.json",
    *("helm/values.secret.yaml", "gha-creds-1.json", "sa-key.json", "bitwarden_export.json", "lastpass_export.csv"),
]

_READ = """
env .environment env.py env.ts env.d.ts src/env_test.py env.example .env.example .env.sample .env.template .env.dist .env.example~
example.env sample.env .env.j2 .env.schema prod.envelope .envrc.template pem.py key.go monkey keys.ts p12.md pfx p8.c jks.java keystore.rs
kdbx.rb gpg.py ovpn.md ppk.txt rsa_id id_ds ecdsa.py ed25519.py id_rsa_parser.py id_rsa.go id_rsa.pub id_ed25519.pub netrc.py test_netrc
pgpass.c npmrc.md pypirc htpasswd.conf htpasswd.py git-credentials.sh dockercfg credentials.py credentials.go secrets.py secrets.rs
secret.ts credentials.schema.json credentials.example.json secrets.example.yml secrets.yml.example secrets.template.yaml
credentials.sample.ini client_secret.example.json config.json kubeconfig.go kubeconfigs/readme tfstate.md main.tf variables.tf tfvars.py
terraform.tfvars.example kube/config .kube/config.d/readme docker/config.json aws/config gnupg/readme src/ssh/client.py a/b.ssh history.py
HISTORY.md history.txt CHANGELOG shadow.css shadow.ts passwd.c password.py password_reset.html tokens.json tokens.css token.go
tokenizer.json cookies.js cookies.py locales/en/auth.json src/i18n/auth.json auth.ts settings.xml gradle.properties
charts/app/templates/secrets.yaml charts/app/templates/secret.yaml secret.yaml sealed-secret.yaml vault.go vault.yml values.yaml
wp-config.php database.yml application.properties appsettings.json my.cnf setup.cfg .gitconfig hosts.yml login.py cert.crt server.crt
public.asc wireguard.go openvpn.md wg.py boto.py rclone.go s3.cfg secrets.md docs/secrets.rst key.properties.example password.test.ts
secret_manager.py credentials_test.go
"""
HARMLESS = _READ.split()


@pytest.mark.parametrize("path", SECRET)
def test_a_file_that_holds_credentials_by_convention_is_refused(path: str) -> None:
    assert is_secret_name(path)


@pytest.mark.parametrize("path", HARMLESS)
def test_code_templates_and_prose_named_like_a_secret_are_not_refused(path: str) -> None:
    assert not is_secret_name(path)


@pytest.mark.parametrize(
    "decoration",
    ["{}~", "{}.bak", "{}.swp", ".{}.swp", "#{}#", ".#{}", "{}.orig", "{}.old", "{}.save", "{}_backup", "{}.1", "{}.rej", "{}.bak~"],
)
@pytest.mark.parametrize(
    "name", [".env", "secrets.yml", "id_rsa", ".npmrc", "credentials", "server.key", ".pgpass", "terraform.tfstate", ".my.cnf"]
)
def test_what_editors_leave_beside_a_secret_is_refused_too(name: str, decoration: str) -> None:
    assert is_secret_name("deep/" + decoration.format(name))


@pytest.mark.parametrize("decoration", ["{}~", "{}.bak", "#{}#", "{}.orig"])
@pytest.mark.parametrize("name", ["credentials.py", "id_rsa_parser.py", ".env.example", "secrets.go", "env.ts", "README.md"])
def test_what_editors_leave_beside_code_is_not_refused(name: str, decoration: str) -> None:
    assert not is_secret_name(decoration.format(name))


def test_hostile_names_are_judged_in_linear_time() -> None:
    for name in (
        ".env" + "~" * 5000,
        "." * 5000,
        "a." * 2500 + "swp",
        "#" * 5000,
        "secrets." * 600 + "yml",
        "copy of " * 600,
        " (1)" * 1200,
        "*" * 5000,
    ):
        assert isinstance(is_secret_name(name), bool)


def test_a_name_that_is_no_utf_8_is_judged_too() -> None:
    assert is_secret_name("caf\udce9/.env")
    assert is_secret_name("caf\udce9.pem")
    assert not is_secret_name("caf\udce9.py")
