use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use panel_driver::clock;
use panel_model::GatewayId;
use uuid::Uuid;

use super::BrokerArgs;
use super::broker::Broker;
use crate::access::{Claims, Permission, Signer, Token, default_roles, role_name};
use crate::cli::{Exit, out};

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate operator token --signing-key cloud.pem --new-key > keys.json
  panelgate operator token --signing-key cloud.pem --gateway site-1 --company acme
  panelgate operator token --signing-key cloud.pem --gateway site-1 --company acme --permissions view_users,manage_users

The token is printed; it is good for one request, and whoever has it can send that.")]
pub(super) struct TokenArgs {
    /// Make the key first, and print what the gateways need of it: a JWKS file for `[cloud] keys`
    #[arg(long)]
    new_key: bool,
    #[command(flatten)]
    says: Says,
}

/// What a token shall say.
#[derive(Debug, Args)]
pub(super) struct Says {
    /// The private key that signs tokens: Ed25519, PKCS #8, PEM
    #[arg(long, value_name = "FILE")]
    signing_key: Option<PathBuf>,
    /// Who asks
    #[arg(long, value_name = "NAME", default_value = "operator")]
    sub: String,
    /// In which role
    #[arg(long, value_name = "ROLE", default_value = role_name::OPERATOR)]
    role: String,
    /// What it permits: a list of permissions [default: those that the role has on every box]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    permissions: Option<Vec<Permission>>,
    /// For which company
    #[arg(long, value_name = "NAME", default_value = "")]
    company: String,
    /// How long it is good, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    lifetime: i64,
    /// When it was made, in seconds since 1970 [default: now]
    #[arg(long, value_name = "SECONDS")]
    issued_at: Option<i64>,
}

pub(super) async fn run(args: &BrokerArgs, what: &TokenArgs) -> anyhow::Result<Exit> {
    if what.new_key {
        let path = what.says.path()?;
        make_key(path)?;
        out::json(&what.says.signer()?.key_set().to_json())?;
        return Ok(Exit::Ok);
    }
    let gateway = match &args.gateway {
        Some(gateway) => gateway.clone(),
        None => Broker::connect(args).await?.gateway(args).await?,
    };
    out::line(what.says.token(&gateway)?.expose())?;
    Ok(Exit::Ok)
}

impl Says {
    fn path(&self) -> anyhow::Result<&Path> {
        self.signing_key.as_deref().context("say with --signing-key which file has the private key")
    }

    pub(super) fn signer(&self) -> anyhow::Result<Signer> {
        read_key(self.path()?)
    }

    /// A new token for a gateway.
    pub(super) fn token(&self, gateway: &GatewayId) -> anyhow::Result<Token> {
        let signer = self.signer()?;
        if self.company.is_empty() {
            bail!("say with --company for which company the operator acts");
        }
        let permissions = match &self.permissions {
            Some(list) => list.iter().copied().collect(),
            None => default_roles()
                .into_iter()
                .find(|role| role.name.as_str() == self.role)
                .map(|role| role.permissions)
                .with_context(|| {
                    format!("{:?} is no role that every box has: say with --permissions what it permits", self.role)
                })?,
        };
        let iat = self.issued_at.unwrap_or_else(now);
        Ok(signer.token(&Claims {
            sub: self.sub.clone(),
            role: self.role.clone(),
            permissions: permissions.into_iter().map(|permission: Permission| permission.name().to_owned()).collect(),
            company: self.company.clone(),
            aud: gateway.to_string(),
            iat,
            nbf: None,
            exp: iat.saturating_add(self.lifetime),
            jti: Uuid::now_v7().to_string(),
        }))
    }
}

pub(super) fn now() -> i64 {
    clock::wall().0 / 1000
}

pub(super) fn read_key(path: &Path) -> anyhow::Result<Signer> {
    let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let pem = zeroize::Zeroizing::new(pem);
    Signer::from_pem(&pem).with_context(|| format!("cannot use {}", path.display()))
}

/// A key that is there is never replaced: every token of it would be worth nothing.
fn make_key(path: &Path) -> anyhow::Result<()> {
    let pem = Signer::new_pem().context("the system gives no random bytes")?;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("cannot make {}", path.display()))?;
    file.write_all(pem.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("cannot write {}", path.display()))
}
