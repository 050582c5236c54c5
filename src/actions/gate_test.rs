//! The installer code on site, without a panel: who has to show it, and how often it may be wrong.

use std::sync::Arc;
use std::time::Duration;

use panel_driver::{DriverFactory, DriverStart, LinkConfig, PanelDriver};
use panel_model::{Access, ArmMode, Capabilities, PanelRole, Partition, PartitionSet, Sections, Slot, Zone};
use tempfile::TempDir;

use super::rules_test::capabilities;
use super::*;
use crate::access::{Limits, role_name};
use crate::panels::{Authority, ConfiguredCredentials, PanelSetup, SupervisionConfig, secret_name};
use crate::secrets::seal_to;
use crate::store::StoreOptions;

const RIGHT: &str = "8024";
const WRONG: &str = "8025";

/// A panel that is never reached.
#[derive(Debug)]
struct Away(LinkConfig);

impl DriverFactory for Away {
    fn vendor(&self) -> &'static str {
        "test"
    }

    fn capabilities(&self) -> Capabilities {
        let sections = Sections { installer_code: Access::ReadWrite, ..capabilities().sections };
        Capabilities { bypass: true, sections, ..capabilities() }
    }

    fn link(&self) -> &LinkConfig {
        &self.0
    }

    fn factory_installer_codes(&self) -> &'static [&'static str] {
        &["5555"]
    }

    fn driver(&self, _: DriverStart) -> Box<dyn PanelDriver> {
        unreachable!("its owner does not run")
    }
}

/// A box with a panel whose owner does not run: what is asked of the panel is answered as interrupted.
struct Gatehouse {
    actions: Actions,
    store: Store,
    _dir: TempDir,
}

impl Gatehouse {
    /// The box keeps these codes of the panel, as after so many.
    async fn keeping(codes: &[(&'static str, &'static str)]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let keys = Arc::new(Keys::from_bytes([7; 32]));
        let store = Store::open(&StoreOptions::new(dir.path()), Arc::clone(&keys)).expect("opened").0;
        let setup = PanelSetup {
            id: id(),
            factory: Arc::new(Away(LinkConfig::Tcp { host: "127.0.0.1".into(), port: 1 })),
            authority: Authority::Panel,
            supervision: SupervisionConfig { period: Duration::from_secs(60), offline_after: Duration::from_secs(180) },
            credentials: ConfiguredCredentials::default(),
        };
        let (panels, _) = Panels::new(vec![setup], Vec::new(), &store, &keys);
        let codes = codes.to_vec();
        let keep = move |tx: &mut crate::store::Tx<'_>| {
            codes.iter().try_for_each(|(name, code)| tx.put_secret(&id(), name, code))
        };
        store.write(Urgency::Now, keep).await.expect("kept");
        let people = PeopleSetup { mail: None, link_base: "https://box".into(), accounts: Directory::Own };
        Self { actions: Actions::new("box".into(), store.clone(), panels, keys, local(), people), store, _dir: dir }
    }

    async fn usual() -> Self {
        Self::keeping(&[(secret_name::INSTALLER, RIGHT)]).await
    }

    fn seal(&self, code: &str) -> SealedCode {
        seal_to(&self.actions.sealing_key(), code).expect("sealed")
    }

    async fn refusal(&self, actor: &Actor, action: Action) -> Option<Refusal> {
        self.actions.perform(actor, action).await.err().map(|refused| refused.refusal)
    }

    async fn unlock(&self, uid: u32, code: &str) -> Result<Done, Refused> {
        self.actions.perform(&person(uid), Action::Unlock { panel: id(), code: self.seal(code) }).await
    }

    /// A change that needs the code and nothing of the panel.
    async fn change(&self, actor: &Actor) -> Option<Refusal> {
        self.refusal(
            actor,
            Action::SetCredential { panel: id(), credential: CredentialKind::Password, value: self.seal("x") },
        )
        .await
    }
}

fn id() -> PanelId {
    "p-1".parse().expect("a panel id")
}

/// Everybody at the box is an installer, but for the system's own user.
pub(super) fn local() -> LocalAccess {
    LocalAccess { own_uid: 990, role: role_name::INSTALLER.parse().expect("a name"), company: None }
}

fn person(uid: u32) -> Actor {
    Actor::system(format!("user {uid}"), uid)
}

/// Every action at a panel, and whether it needs the installer code on site.
fn actions(house: &Gatehouse) -> Vec<(Action, bool)> {
    let (panel, code) = (id(), house.seal("4711"));
    let (slot, zone, partition) =
        (Slot::new(4).expect("a slot"), Zone::new(1).expect("a zone"), Partition::new(1).expect("a partition"));
    let credential = |credential| Action::SetCredential { panel: id(), credential, value: code.clone() };
    let section = RefreshSection::State;
    let arm = |code| Action::Arm { panel: id(), partition, mode: ArmMode::Away, code };
    vec![
        (Action::SetCode { panel: id(), slot, code: code.clone() }, true),
        (Action::SetLabel { panel: id(), slot, label: "Anna".into() }, true),
        (Action::SetPartitions { panel: id(), slot, partitions: PartitionSet::first(1) }, true),
        (Action::SetRole { panel: id(), slot, role: PanelRole::User }, true),
        (Action::DisableUser { panel: id(), slot }, true),
        (Action::Bypass { panel: id(), zone, bypassed: true }, true),
        (Action::Output { panel: id(), partition, output: 1 }, true),
        (Action::SetZoneLabel { panel: id(), zone, label: "Hall".into() }, true),
        (Action::SetPartitionLabel { panel: id(), partition, label: "Shop".into() }, true),
        (Action::SetClock { panel: id() }, true),
        (
            Action::ChangeInstallerCode { panel: id(), current: None, new: code.clone(), confirmation: code.clone() },
            true,
        ),
        (credential(CredentialKind::Password), true),
        (credential(CredentialKind::MasterCode), true),
        (arm(None), true),
        (arm(Some(code.clone())), false),
        (Action::Disarm { panel: id(), partition, code: code.clone() }, false),
        (Action::SilenceSiren { panel: id(), partition, code: code.clone() }, false),
        (Action::Refresh { panel: id(), section }, false),
        (Action::VerifyInstallerCode { panel: id(), code: None }, false),
        (Action::Lock { panel: Some(panel) }, false),
        (Action::Unblock { panel: id() }, false),
        // The last: it changes the code that the others are shown.
        (credential(CredentialKind::InstallerCode), true),
    ]
}

#[tokio::test]
async fn every_change_on_site_needs_the_installer_code_and_nothing_else_does() {
    let house = Gatehouse::usual().await;
    for (action, needs) in actions(&house) {
        let name = action.name();
        let refused = house.refusal(&person(1), action).await;
        assert_eq!(refused == Some(Refusal::InstallerCodeWrong), needs, "{name}: {refused:?}");
    }
    assert_eq!(house.unlock(1, RIGHT).await, Ok(Done::Stored), "a code that was not shown is no wrong one");
    assert_eq!(house.actions.perform(&person(1), Action::Lock { panel: None }).await, Ok(Done::Stored));

    for (action, _) in actions(&house) {
        let (name, showing) = (action.name(), person(1).showing(Some(house.seal(RIGHT))));
        let refused = house.refusal(&showing, action).await;
        assert_ne!(refused, Some(Refusal::InstallerCodeWrong), "{name}, with the code");
    }
}

#[tokio::test]
async fn the_cloud_needs_no_installer_code() {
    let house = Gatehouse::usual().await;
    let action = Action::SetLabel { panel: id(), slot: Slot::new(4).expect("a slot"), label: "Anna".into() };
    assert_eq!(house.refusal(&Actor::broker(), action).await, Some(Refusal::CodeNotSet), "the rules decide");
    let unlock = Action::Unlock { panel: id(), code: house.seal(RIGHT) };
    assert_eq!(house.refusal(&Actor::broker(), unlock).await, Some(Refusal::PermissionDenied));
}

#[tokio::test]
async fn an_unlocked_panel_is_unlocked_for_one_user_until_it_is_locked_or_its_code_is_another() {
    let house = Gatehouse::usual().await;
    let (anna, ben, needed) = (person(1), person(2), Some(Refusal::InstallerCodeWrong));
    house.unlock(1, RIGHT).await.expect("unlocked");
    assert_eq!((house.change(&anna).await, house.change(&ben).await), (None, needed));
    house.actions.perform(&anna, Action::Lock { panel: Some(id()) }).await.expect("locked");
    assert_eq!(house.change(&anna).await, needed);

    house.unlock(1, RIGHT).await.expect("unlocked");
    let credential = CredentialKind::InstallerCode;
    let other = Action::SetCredential { panel: id(), credential, value: house.seal("9753") };
    house.actions.perform(&anna, other).await.expect("stored");
    assert_eq!(house.change(&anna).await, needed, "it was unlocked with the former code");
    assert!(house.unlock(1, RIGHT).await.is_err());
    house.unlock(1, "9753").await.expect("unlocked");
}

#[tokio::test]
async fn the_first_code_is_given_without_proof_and_everything_else_waits_for_it() {
    let house = Gatehouse::keeping(&[]).await;
    let refused = house.unlock(1, RIGHT).await.expect_err("nothing to compare with");
    assert_eq!(refused.refusal, Refusal::InstallerCodeWrong);
    assert!(refused.text.contains("set-credential p-1 installer-code"), "{}", refused.text);
    assert_eq!(house.change(&person(1)).await, Some(Refusal::InstallerCodeWrong));
    let credential = CredentialKind::InstallerCode;
    let give = |code| Action::SetCredential { panel: id(), credential, value: house.seal(code) };
    assert_eq!(house.refusal(&person(1), give(RIGHT)).await, None);
    assert_eq!(house.refusal(&person(2), give("9753")).await, Some(Refusal::InstallerCodeWrong), "not the second");
    for n in 0..5 {
        house.unlock(1, RIGHT).await.unwrap_or_else(|refused| panic!("{n}: {refused}"));
    }
}

#[tokio::test]
async fn after_a_change_that_broke_off_both_codes_are_taken() {
    let kept = [(secret_name::INSTALLER, RIGHT), (secret_name::NEXT_INSTALLER, "9753")];
    let house = Gatehouse::keeping(&kept).await;
    for code in [RIGHT, "9753"] {
        house.unlock(1, code).await.expect("unlocked");
    }
    assert!(house.unlock(1, WRONG).await.is_err());
    let states = house.actions.installer_codes().await.expect("read");
    assert_eq!(states[&id()], crate::payload::InstallerCodeState::Unsettled);
}

#[tokio::test]
async fn a_factory_code_is_told_until_it_is_changed() {
    use crate::payload::InstallerCodeState as State;
    let house = Gatehouse::keeping(&[]).await;
    let credential = CredentialKind::InstallerCode;
    let state = async || house.actions.installer_codes().await.expect("read")[&id()];
    assert_eq!(state().await, State::None);
    for (code, expected) in [("5555", State::FactoryDefault), (RIGHT, State::Kept)] {
        let actor = person(1).showing(Some(house.seal("5555")));
        let give = Action::SetCredential { panel: id(), credential, value: house.seal(code) };
        house.actions.perform(&actor, give).await.expect("stored");
        assert_eq!(state().await, expected);
    }
}

#[tokio::test]
async fn three_wrong_codes_close_the_door_to_right_ones_too_and_somebody_authorised_opens_it() {
    let house = Gatehouse::usual().await;
    for n in 1..=3 {
        let refused = house.unlock(1, WRONG).await.expect_err("wrong");
        assert_eq!(refused.refusal, Refusal::InstallerCodeWrong, "{n}");
        assert_eq!(refused.text.contains("in 90 s"), n == 3, "{n}: {}", refused.text);
    }
    let refused = house.unlock(1, RIGHT).await.expect_err("locked out");
    assert_eq!(refused.refusal, Refusal::LockedOut);
    assert!(refused.text.contains("in 90 s") || refused.text.contains("in 89 s"), "{}", refused.text);
    assert_eq!(house.change(&person(1)).await, Some(Refusal::LockedOut), "so that nobody is asked for it in vain");
    house.unlock(2, RIGHT).await.expect("another source is another count");
    let log = house.actions.newest_log_lines(20).await.expect("read");
    let results: Vec<_> = log.iter().rev().map(|line| line.line.result.as_str()).collect();
    let (wrong, locked) = ("installer_code_wrong", "locked_out");
    assert_eq!(results, [wrong, wrong, wrong, locked, locked, "stored"]);

    assert_eq!(house.refusal(&person(0), Action::Unblock { panel: id() }).await, None);
    house.unlock(1, RIGHT).await.expect("unblocked");
}

#[tokio::test]
async fn what_no_seal_is_counts_as_no_try() {
    let house = Gatehouse::usual().await;
    for _ in 0..20 {
        let code = SealedCode { sealed: "AAAA".into() };
        let refused = house.refusal(&person(1), Action::Unlock { panel: id(), code }).await;
        assert_eq!(refused, Some(Refusal::SealInvalid));
    }
    house.unlock(1, RIGHT).await.expect("unlocked");
}

#[tokio::test]
async fn a_code_that_only_the_panel_could_judge_is_no_try_while_it_is_away() {
    let house = Gatehouse::usual().await;
    for code in [WRONG, RIGHT].repeat(10) {
        let verify = Action::VerifyInstallerCode { panel: id(), code: Some(house.seal(code)) };
        assert_eq!(house.refusal(&person(1), verify).await, Some(Refusal::PanelOffline), "and tells nothing");
    }
    house.unlock(1, RIGHT).await.expect("unlocked");
}

/// Ten thousand tries at full speed, from eight users of the box at once. At the gate itself: what the action log costs
/// is not measured.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brute_force_from_many_sources_gets_a_handful_of_comparisons() {
    const SOURCES: u32 = 8;
    const TRIES: usize = 10_000 / SOURCES as usize;
    let house = Gatehouse::usual().await;
    let mut attackers = tokio::task::JoinSet::new();
    for source in 0..SOURCES {
        let (actions, code) = (house.actions.clone(), house.seal(WRONG));
        attackers.spawn(async move {
            let (mut compared, mut refused) = (0, Vec::new());
            for _ in 0..TRIES {
                let begun = clock::now();
                match actions.right_code(&person(source), &id(), &code).await.expect_err("wrong").refusal {
                    Refusal::InstallerCodeWrong => compared += 1,
                    Refusal::LockedOut => refused.push(clock::now().duration_since(begun)),
                    other => panic!("{other}"),
                }
            }
            (compared, refused)
        });
    }
    let (mut compared, mut first, mut last) = (0, Vec::new(), Vec::new());
    for (n, refused) in attackers.join_all().await {
        assert_eq!(n, Limits::OF_SOURCE.waits_from, "each source: as many as it has before the first wait");
        compared += n;
        first.extend_from_slice(&refused[..200]);
        last.extend_from_slice(&refused[refused.len() - 200..]);
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (first, last) = (median(first), median(last));
    println!("{} tries: {compared} compared; a refusal took {first:?} at first and {last:?} at last", 8 * TRIES);
    assert!(last < first * 3 + Duration::from_millis(5), "{first:?} at first, {last:?} at last: it must not grow");
    house.unlock(100, RIGHT).await.expect("the panel's own budget is not used up: others still get in");
    let counted = house.store.read(|view| view.tries(&id(), None)).await.expect("read");
    assert_eq!(counted.lockout(Default::default()), crate::access::Lockout::Open);

    // More sources than the panel bears: the panel as a whole is closed.
    for source in 200..220 {
        for _ in 0..3 {
            compared +=
                u32::from(house.unlock(source, WRONG).await.expect_err("wrong").refusal == Refusal::InstallerCodeWrong);
        }
    }
    assert_eq!(compared as usize, Limits::OF_PANEL.in_a_day);
    let closed = house.unlock(100, RIGHT).await.expect_err("blocked");
    assert!(closed.text.contains("panels unblock p-1"), "{}", closed.text);
}
