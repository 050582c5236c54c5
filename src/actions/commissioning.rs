//! Commissioning (S4): the walk test, the signature, and what the checklist is made of. What is missing is decided in
//! `checklist.rs`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use panel_driver::clock;
use panel_model::{Charset, Evidence, LabelRules, PanelId, PanelSnapshot, PanelStatus, Refusal, WallTime, Zone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tracing::warn;

use super::checklist::{CloudFacts, CodeFacts, Facts, KeptCode, checklist, missing, ranges};
use super::gate::kept_codes;
use super::orders::has_zone;
use super::{Action, Actions, Done, Entry, Refused};
use crate::panels::secret_name;
use crate::payload::{AssetRow, Checklist, CommissioningReport, PanelIdentity, ReportedPerson, Signature, Step, User};
use crate::secrets::Keys;
use crate::store::{InstallerProof, Place, StoreError, Urgency, View, WalkTest};

/// How long a walk test may be asked for, in minutes.
const MINUTES: std::ops::RangeInclusive<u16> = 1..=240;
/// How long it is unless told, in minutes.
const USUAL_MINUTES: u16 = 30;
/// The name of whoever signs.
const NAME: LabelRules = LabelRules { max_chars: 64, charset: Charset::Any };
/// Why a zone is left out.
const REASON: LabelRules = LabelRules { max_chars: 200, charset: Charset::Any };

/// A walk test to begin, or to let go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartWalkTest {
    /// The panel.
    pub panel: PanelId,
    /// After how many minutes it ends by itself: 1 to 240, 30 unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u16>,
    /// Forget what was ticked off or skipped before.
    #[serde(default)]
    pub anew: bool,
}

/// A walk test to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopWalkTest {
    /// The panel.
    pub panel: PanelId,
}

/// Zones to leave out of the walk test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SkipZones {
    /// The panel.
    pub panel: PanelId,
    /// The zones.
    pub zones: Vec<Zone>,
    /// Why, in 1 to 200 characters; it stands in the report.
    pub reason: String,
}

/// A commissioning to sign off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignOff {
    /// The panel.
    pub panel: PanelId,
    /// Who signs, at most 64 characters.
    pub name: String,
}

/// A signed report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedReport {
    /// SHA-256 of the JSON, in hex, as in the action log.
    pub sha256: String,
    /// The report, byte for byte as it was signed.
    pub json: String,
    /// The same, read.
    pub report: CommissioningReport,
}

/// What commissioning knows beside the store.
#[derive(Debug, Default)]
pub(super) struct Commissioning {
    cloud: Mutex<Cloud>,
    signed: watch::Sender<u64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Cloud {
    configured: bool,
    connected: bool,
    /// That it acknowledged something in this run stands in the store.
    noted: bool,
}

/// One moment in which the checklist is looked at.
struct Moment {
    panel: Arc<PanelSnapshot>,
    keys: Arc<Keys>,
    /// Installer codes that such panels leave the factory with.
    factory: &'static [&'static str],
    cloud: Cloud,
    now: WallTime,
}

impl Moment {
    /// What the box knows of the panel's installer code.
    fn code_facts(&self, view: &View<'_>) -> Result<CodeFacts, StoreError> {
        let id = &self.panel.id;
        let kept = kept_codes(view, id)?;
        let [code] = kept.as_slice() else {
            let kept = if kept.is_empty() { KeptCode::None } else { KeptCode::Unsettled };
            return Ok(CodeFacts { kept, ..CodeFacts::default() });
        };
        let hash = self.keys.code_hash(id, code);
        let proof = view.installer_proof(id)?.filter(|proof| proof.code == hash);
        Ok(CodeFacts {
            kept: KeptCode::One,
            factory_default: self.factory.contains(&code.as_str()),
            proved: proof.map(|proof| proof.at),
        })
    }

    fn checklist(&self, view: &View<'_>) -> Result<Checklist, StoreError> {
        let id = &self.panel.id;
        let cloud = CloudFacts {
            configured: self.cloud.configured,
            connected: self.cloud.connected,
            reached: view.cloud_reached()?,
        };
        Ok(checklist(&Facts {
            panel: &self.panel,
            code: self.code_facts(view)?,
            cloud,
            walk_test: view.walk_test(id)?,
            walked: view.walked_zones(id)?,
            signed_off: view.signed_off(id)?,
            now: self.now,
        }))
    }

    fn report(
        &self,
        gateway: &str,
        checklist: Checklist,
        signed: Signature,
        equipment: Vec<AssetRow>,
    ) -> CommissioningReport {
        let panel = &self.panel;
        let is_user = |user: &User| user.code_state == panel_model::CodeState::Set;
        CommissioningReport {
            gateway: gateway.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            panel: panel.id.clone(),
            identity: PanelIdentity {
                vendor: panel.vendor.to_owned(),
                model: panel.capabilities.model.clone(),
                firmware: panel.firmware.clone(),
                link: panel.link.clone(),
            },
            signed,
            steps: checklist.steps.into_iter().filter(|step| step.step != Step::SignedOff).collect(),
            walk_test: checklist.walk_test,
            users: User::rows(panel).filter(is_user).map(ReportedPerson::from).collect(),
            equipment,
        }
    }
}

fn equipment(view: &View<'_>, id: &PanelId) -> Result<Vec<AssetRow>, StoreError> {
    let here = |place: &Place| matches!(place, Place::Panel { panel, .. } if panel == id);
    Ok(view.assets()?.into_iter().filter(|asset| here(&asset.place)).map(AssetRow::from).collect())
}

/// SHA-256 in hex.
fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// What an action on commissioning is about, for the action log.
pub(super) fn subject(action: &Action) -> Option<String> {
    Some(match action {
        Action::StartWalkTest(of) => {
            let anew = if of.anew { ", anew" } else { "" };
            format!("{} minutes{anew}", of.minutes.unwrap_or(USUAL_MINUTES))
        }
        Action::SkipZones(of) => format!("zones {}", ranges(&of.zones)),
        Action::SignOff(of) => of.name.clone(),
        _ => return None,
    })
}

impl Actions {
    /// Lets zones that open be ticked off from now on. What was ticked off before stays, unless it shall begin anew.
    pub(super) async fn start_walk_test(&self, asked: StartWalkTest) -> Result<Done, Refused> {
        let StartWalkTest { panel, minutes, anew } = asked;
        let minutes = minutes.unwrap_or(USUAL_MINUTES);
        if !MINUTES.contains(&minutes) {
            let (first, last) = (MINUTES.start(), MINUTES.end());
            return Err(Refused::with(Refusal::Invalid, format!("a walk test takes {first} to {last} minutes")));
        }
        if self.handle(&panel)?.snapshot().borrow().status != PanelStatus::Online {
            return Err(Refusal::PanelOffline.into());
        }
        let started = clock::wall();
        let ends = WallTime(started.0.saturating_add(i64::from(minutes) * 60_000));
        let write = self.0.store.write(Urgency::Now, move |tx| {
            if anew {
                tx.forget_walked(&panel)?;
            }
            tx.put_walk_test(&panel, WalkTest { started, ends })
        });
        write.await?;
        Ok(Done::Stored)
    }

    pub(super) async fn stop_walk_test(&self, panel: PanelId) -> Result<Done, Refused> {
        let now = clock::wall();
        let stopped = self.0.store.write(Urgency::Now, move |tx| {
            let running = tx.walk_test(&panel)?.is_some_and(|test| test.is_running(now));
            if running {
                tx.end_walk_test(&panel, now)?;
            }
            Ok(running)
        });
        if stopped.await? { Ok(Done::Stored) } else { Err(Refused::with(Refusal::Invalid, "no walk test runs")) }
    }

    /// Leaves zones out of the walk test, for a reason that stands in the report.
    pub(super) async fn skip_zones(&self, asked: SkipZones, entry: &Entry) -> Result<Done, Refused> {
        let SkipZones { panel, zones, reason } = asked;
        let snapshot = self.handle(&panel)?.snapshot().borrow().clone();
        if zones.is_empty() {
            return Err(Refused::with(Refusal::Invalid, "say which zones"));
        }
        for zone in &zones {
            has_zone(&snapshot.capabilities, *zone)
                .map_err(|refusal| Refused::with(refusal, format!("the panel {panel} has no zone {zone}")))?;
        }
        let reason = REASON.check(reason.trim()).map_err(|_| {
            Refused::with(Refusal::Invalid, "a zone is left out for a reason: --reason TEXT, 1 to 200 characters")
        })?;
        let (now, entry) = (clock::wall(), entry.clone());
        let write = self.0.store.write(Urgency::Now, move |tx| {
            for zone in zones {
                tx.skip_zone(&panel, zone, now, reason.as_str(), &entry.actor)?;
            }
            tx.add_log_line(entry.line(Done::Changed.word(), Some(reason.as_str().to_owned())))?;
            entry.answer_request(tx, &Done::Changed)
        });
        write.await?;
        Ok(Done::Changed)
    }

    /// Puts somebody's name to a commissioning of which nothing is missing; a walk test that still runs ends with it.
    /// Report and log line are one transaction.
    pub(super) async fn sign_off(&self, asked: SignOff, entry: &Entry) -> Result<Done, Refused> {
        let SignOff { panel, name } = asked;
        let name = NAME.check(name.trim()).map_err(|refusal| {
            Refused::with(refusal, "the name of whoever signs has 1 to 64 characters, all of them visible")
        })?;
        let moment = self.moment(&panel)?;
        let (gateway, entry) = (self.0.gateway.clone(), entry.clone());
        let signed = self.0.store.write(Urgency::Now, move |tx| {
            let checklist = moment.checklist(tx)?;
            if !checklist.complete {
                let text = format!("{} cannot be signed off yet: {}", panel, missing(&checklist));
                return Ok(Err(Refused::with(Refusal::Incomplete, text)));
            }
            // What is signed is over: the report does not tell of a test that ends in the future.
            let checklist = if tx.walk_test(&panel)?.is_some_and(|test| test.is_running(moment.now)) {
                tx.end_walk_test(&panel, moment.now)?;
                moment.checklist(tx)?
            } else {
                checklist
            };
            let signature = Signature {
                name: name.as_str().to_owned(),
                actor: entry.actor.clone(),
                role: entry.role.clone(),
                door: entry.door.to_owned(),
                at: moment.now.into(),
            };
            let equipment = equipment(tx, &panel)?;
            let report = moment.report(&gateway, checklist, signature, equipment);
            let json = serde_json::to_string(&report).map_err(|error| StoreError::Row(error.to_string()))?;
            tx.put_commissioning_report(&panel, moment.now, &json)?;
            let sha256 = sha256(&json);
            let text = format!("report sha256 {sha256}");
            let done = Done::SignedOff { sha256 };
            tx.add_log_line(entry.line(done.word(), Some(text)))?;
            entry.answer_request(tx, &done)?;
            Ok(Ok(done))
        });
        let done = signed.await??;
        self.0.commissioning.signed.send_modify(|n| *n += 1);
        Ok(done)
    }

    /// How far a panel's commissioning is.
    ///
    /// # Errors
    /// [`Refusal::PanelNotFound`], [`Refusal::StorageFailed`].
    pub async fn checklist(&self, panel: &PanelId) -> Result<Checklist, Refused> {
        let moment = self.moment(panel)?;
        Ok(self.0.store.read(move |view| moment.checklist(view)).await?)
    }

    /// A panel's last signed report.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] before anybody signed; [`Refusal::PanelNotFound`]; [`Refusal::StorageFailed`].
    pub async fn commissioning_report(&self, panel: &PanelId) -> Result<SignedReport, Refused> {
        self.handle(panel)?;
        let id = panel.clone();
        let json = self.0.store.read(move |view| view.commissioning_report(&id)).await?.ok_or_else(|| {
            let text = format!("nobody has signed yet; `panelgate commission {panel}` shows what is missing");
            Refused::with(Refusal::NotFound, text)
        })?;
        let report = crate::payload::read(json.as_bytes()).map_err(|error| {
            warn!(%panel, %error, "a signed report cannot be read");
            Refused::with(Refusal::StorageFailed, "the stored report cannot be read; sign off again")
        })?;
        Ok(SignedReport { sha256: sha256(&json), json, report })
    }

    /// The last signed reports of the panels that are configured, byte for byte.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn commissioning_reports(&self) -> Result<BTreeMap<PanelId, String>, Refused> {
        let mut reports = self.0.store.read(|view| view.commissioning_reports()).await?;
        reports.retain(|panel, _| self.0.panels.get(panel).is_some());
        Ok(reports)
    }

    /// Changes when somebody signed.
    #[must_use]
    pub fn report_signed(&self) -> watch::Receiver<u64> {
        self.0.commissioning.signed.subscribe()
    }

    /// A cloud is configured: that it was reached belongs to commissioning.
    pub fn expect_cloud(&self) {
        self.cloud().configured = true;
    }

    /// How the way to the cloud stands now; `acknowledged`: it took something since the start.
    pub async fn cloud_stands(&self, connected: bool, acknowledged: bool) {
        let news = {
            let mut cloud = self.cloud();
            cloud.connected = connected;
            acknowledged && !cloud.noted
        };
        if !news {
            return;
        }
        let now = clock::wall();
        match self.0.store.write(Urgency::Lazy, move |tx| tx.put_cloud_reached(now)).await {
            Ok(()) => self.cloud().noted = true,
            Err(error) => warn!(%error, "that the cloud was reached could not be stored; it is tried again"),
        }
    }

    /// The panel itself took the installer code that the box keeps now.
    pub(super) async fn installer_code_proved(&self, panel: PanelId, evidence: Evidence) {
        if evidence < Evidence::Acknowledged {
            return;
        }
        let (keys, at) = (Arc::clone(&self.0.keys), clock::wall());
        let write = self.0.store.write(Urgency::Now, move |tx| match tx.secret(&panel, secret_name::INSTALLER)? {
            Some(code) => {
                let code = keys.code_hash(&panel, &code);
                tx.put_installer_proof(&panel, InstallerProof { at, code })
            }
            None => Ok(()),
        });
        if let Err(error) = write.await {
            warn!(%error, "that the panel took its installer code could not be stored: verify it again");
        }
    }

    fn moment(&self, panel: &PanelId) -> Result<Moment, Refused> {
        let handle = self.handle(panel)?;
        let (snapshot, factory) = (handle.snapshot().borrow().clone(), handle.factory_installer_codes());
        let keys = Arc::clone(&self.0.keys);
        Ok(Moment { panel: snapshot, keys, factory, cloud: *self.cloud(), now: clock::wall() })
    }

    /// Never held across an await.
    fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.0.commissioning.cloud.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
