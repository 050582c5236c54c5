//! The book of one panel: wishes in, evidence in, answers out; no store, no driver, no clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use panel_driver::{Command, DriverEvent, Outcome, clock};
use panel_model::{
    AccessCode, Answer, CodeState, Condition, DesiredUser, EventKind, Evidence, Field, Label, NotNow, PanelError,
    PanelEvent, PanelSnapshot, PanelState, PanelStatus, Partition, PartitionState, Refusal, ReportedUser, Slot,
    UserReport, UserWish, WallTime, Zone, ZoneState,
};

use super::Authority;
use super::book::{Accepted, Book, Changes};
use super::reconcile::{Work, tests::capabilities};
use crate::secrets::Keys;

const WALL: WallTime = WallTime(1_700_000_000_000);

fn slot(n: u32) -> Slot {
    Slot::new(n).expect("in range")
}

struct Bench {
    book: Book,
    keys: Arc<Keys>,
    now: Instant,
}

impl Bench {
    fn new(authority: Authority) -> Self {
        let picture = PanelSnapshot {
            id: "p".parse().expect("an id"),
            vendor: "test",
            link: String::new(),
            status: PanelStatus::Online,
            since: WALL,
            last_seen: None,
            needs: None,
            firmware: None,
            capabilities: capabilities(),
            state: PanelState::default(),
            users: BTreeMap::new(),
            answers: BTreeMap::new(),
            reported_version: 0,
            desired_version: 0,
            cloud_version: 0,
            progress: None,
        };
        let keys = Arc::new(Keys::from_bytes([7; 32]));
        let book = Book::new(picture, BTreeMap::new(), authority, Arc::clone(&keys));
        Self { book, keys, now: clock::now() }
    }

    fn take(&mut self, event: DriverEvent) -> Changes {
        let mut changes = Changes::default();
        self.book.take(WALL, event, &mut changes);
        changes
    }

    fn wish(&mut self, n: u32, version: u64, code: &str, label: Option<&str>) {
        let wish = UserWish::Present {
            code: Some(AccessCode::new(code.into())),
            label: label.and_then(Label::from_panel),
            role: None,
            partitions: None,
        };
        let code_hash = Some(self.keys.code_hash(&self.book.picture.id, code));
        let pending = Answer { version, condition: Condition::Pending { since: WALL, tries: 0, why: None } };
        let accepted = Accepted {
            wishes: vec![DesiredUser { slot: slot(n), version, wish, code_hash }],
            answered: vec![slot(n)],
            answers: BTreeMap::from([((slot(n), Field::Code), pending)]),
            desired_version: version,
            ..Accepted::default()
        };
        self.book.wish(accepted, &mut Changes::default());
    }

    fn step(&mut self) -> Option<(u16, Field)> {
        let step = self.book.next_step(self.now, true, &mut Changes::default());
        step.map(|step| (step.slot.number(), step.field))
    }

    fn finish(&mut self, outcome: Outcome) -> Changes {
        let mut changes = Changes::default();
        self.book.finish_step(self.now, WALL, outcome, &mut changes);
        changes
    }

    fn condition(&self, n: u32, field: Field) -> Option<&Condition> {
        self.book.picture.answers.get(&(slot(n), field)).map(|a| &a.condition)
    }
}

fn report(n: u32, code_state: CodeState) -> DriverEvent {
    let mut report = UserReport::new(slot(n), Evidence::Acknowledged);
    report.code_state = Some(code_state);
    DriverEvent::User(Box::new(report))
}

#[test]
fn a_wish_becomes_evidence_only_by_the_outcome() {
    let mut bench = Bench::new(Authority::Panel);
    bench.wish(4, 1, "4821", Some("Anna"));
    assert_eq!(bench.step(), Some((4, Field::Code)));
    assert_eq!(bench.step(), None, "one step at a time");
    assert!(bench.book.picture.users.is_empty(), "sending proves nothing");
    let changes = bench.finish(Outcome::Applied(Evidence::Acknowledged));
    assert!(changes.reports_users());
    assert_eq!(bench.book.picture.users[&slot(4)].code.value, CodeState::Set);
    assert_eq!(bench.step(), Some((4, Field::Label)), "kept by the box, after the code");
    let applied = Condition::Applied { evidence: Evidence::Acknowledged };
    assert_eq!(bench.condition(4, Field::Code), Some(&applied));
    bench.finish(Outcome::Applied(Evidence::ReadBack));
    assert_eq!(bench.step(), None);
    let label = bench.book.picture.users[&slot(4)].label.as_ref().map(|l| l.value.as_str());
    assert_eq!(label, Some("Anna"));
}

#[test]
fn a_refused_wish_is_not_tried_again_until_it_changes() {
    let mut bench = Bench::new(Authority::Panel);
    bench.wish(4, 1, "4821", None);
    bench.step();
    bench.finish(Outcome::Refused(Refusal::Unsupported));
    bench.now += Duration::from_secs(86_400);
    assert_eq!(bench.step(), None);
    bench.wish(4, 2, "4822", None);
    assert_eq!(bench.step(), Some((4, Field::Code)));
}

#[test]
fn failures_are_tried_again_by_the_policy_and_lasting_ones_never() {
    let mut bench = Bench::new(Authority::Panel);
    bench.wish(4, 1, "4821", None);
    for wait in [30, 120, 600, 1800, 1800] {
        assert_eq!(bench.step(), Some((4, Field::Code)));
        bench.finish(Outcome::Failed(PanelError::passing("502 018", "the partition is busy")));
        bench.now += Duration::from_secs(wait - 1);
        assert_eq!(bench.step(), None, "after {wait} s");
        assert_eq!(bench.book.next_try(), Some(bench.now + Duration::from_secs(1)));
        bench.now += Duration::from_secs(1);
    }
    bench.step();
    bench.finish(Outcome::Failed(PanelError::lasting("670", "the panel refused the code")));
    bench.now += Duration::from_secs(86_400);
    assert_eq!(bench.step(), None);
    assert_eq!(bench.book.next_try(), None);
}

#[test]
fn not_now_waits_for_the_panel_and_counts_no_try() {
    let mut bench = Bench::new(Authority::Panel);
    bench.wish(4, 1, "4821", None);
    bench.step();
    bench.finish(Outcome::NotNow(NotNow { why: "partition 1 is armed".into() }));
    let pending = Condition::Pending { since: WALL, tries: 0, why: Some("partition 1 is armed".into()) };
    assert_eq!(bench.condition(4, Field::Code), Some(&pending));
    assert_eq!(bench.step(), None);
    bench.book.retry_not_now();
    assert_eq!(bench.step(), Some((4, Field::Code)), "disarmed: at once");
}

#[test]
fn an_interrupted_step_is_repeated_when_the_panel_is_back() {
    let mut bench = Bench::new(Authority::Panel);
    bench.wish(4, 1, "4821", None);
    bench.step();
    bench.finish(Outcome::interrupted());
    assert_eq!(bench.book.next_step(bench.now, false, &mut Changes::default()), None, "not connected");
    assert_eq!(bench.step(), Some((4, Field::Code)));
}

#[test]
fn a_newer_wish_overtakes_the_running_step() {
    let mut bench = Bench::new(Authority::Panel);
    bench.wish(4, 1, "4821", None);
    bench.step();
    bench.wish(4, 2, "4822", None);
    bench.finish(Outcome::Failed(PanelError::lasting("670", "the panel refused the code")));
    assert!(matches!(bench.condition(4, Field::Code), Some(Condition::Pending { .. })), "the answer was to version 1");
    assert_eq!(bench.step(), Some((4, Field::Code)));
    bench.wish(4, 1, "4821", None);
    let step = bench.finish(Outcome::Applied(Evidence::ReadBack));
    assert!(step.reports_users());
    let hash = bench.keys.code_hash(&bench.book.picture.id, "4822");
    assert_eq!(bench.book.picture.users[&slot(4)].code_hash, Some(hash), "an older wish told later changes nothing");
}

#[test]
fn a_change_at_the_keypad_is_adopted_or_put_back() {
    for (authority, again) in [(Authority::Panel, None), (Authority::Cloud, Some((4, Field::Code)))] {
        let mut bench = Bench::new(authority);
        bench.wish(4, 1, "4821", None);
        bench.step();
        bench.finish(Outcome::Applied(Evidence::Acknowledged));
        assert_eq!(bench.step(), None);
        let changes = bench.take(report(4, CodeState::None));
        let kinds: Vec<_> = changes.events.iter().map(|(_, e)| (e.kind, e.text.as_deref())).collect();
        assert_eq!(kinds, [(EventKind::UserDivergence, Some("user removed"))]);
        assert_eq!(changes.adopted.contains_key(&slot(4)), authority == Authority::Panel);
        assert_eq!(bench.step(), again, "{authority:?}");
    }
}

#[test]
fn a_wish_that_is_not_written_yet_outlives_what_the_panel_shows() {
    let mut bench = Bench::new(Authority::Panel);
    bench.take(report(4, CodeState::None));
    bench.wish(4, 1, "4821", Some("Anna"));
    assert_eq!(bench.step(), Some((4, Field::Code)));
    // The panel took the code, but the line broke before it could say so; then its list of users is read.
    bench.finish(Outcome::interrupted());
    let changes = bench.take(report(4, CodeState::Set));
    assert!(changes.reports_users() && changes.events.is_empty(), "nobody else added that user: {changes:?}");
    assert!(matches!(bench.condition(4, Field::Code), Some(Condition::Pending { .. })));
    assert_eq!(bench.step(), Some((4, Field::Code)), "written again: nobody knows which code is there");
    bench.finish(Outcome::Applied(Evidence::Acknowledged));
    bench.step();
    bench.finish(Outcome::Applied(Evidence::ReadBack));
    assert_eq!(bench.step(), None);
    let changes = bench.take(report(4, CodeState::None));
    assert!(changes.adopted[&slot(4)].wish.is_empty(), "now somebody removed the user");
    assert_eq!(bench.step(), None);
}

#[test]
fn what_nobody_can_try_wakes_nobody() {
    let mut bench = Bench::new(Authority::Cloud);
    bench.wish(4, 1, "4821", None);
    bench.step();
    bench.finish(Outcome::Failed(PanelError::passing("timeout", "no answer")));
    let dropped = Accepted { dropped: vec![slot(4)], desired_version: 2, ..Accepted::default() };
    bench.book.wish(dropped, &mut Changes::default());
    bench.now += Duration::from_secs(60);
    assert_eq!(bench.step(), None);
    assert_eq!(bench.book.next_try(), None, "a time that has passed would wake the owner for ever");
}

#[test]
fn that_a_code_is_there_does_not_prove_which() {
    let mut bench = Bench::new(Authority::Panel);
    bench.wish(4, 1, "4821", None);
    bench.step();
    bench.finish(Outcome::Applied(Evidence::Acknowledged));
    bench.step();
    let mut seen = UserReport::new(slot(4), Evidence::ReadBack);
    seen.code_state = Some(CodeState::Set);
    bench.take(DriverEvent::User(Box::new(seen)));
    bench.step();
    let applied = Condition::Applied { evidence: Evidence::Acknowledged };
    assert_eq!(bench.condition(4, Field::Code), Some(&applied), "the list shows a letter, no digits");
}

#[test]
fn what_proved_a_code_proves_nothing_of_the_next_one() {
    let mut bench = Bench::new(Authority::Panel);
    bench.wish(4, 1, "4821", None);
    bench.step();
    bench.finish(Outcome::Applied(Evidence::ReadBack));
    let evidence = |bench: &Bench| bench.book.picture.users[&slot(4)].code.evidence;
    assert_eq!(evidence(&bench), Evidence::ReadBack);
    bench.wish(4, 2, "4822", None);
    assert_eq!(bench.step(), Some((4, Field::Code)));
    bench.finish(Outcome::Applied(Evidence::WrittenBlind));
    assert_eq!(evidence(&bench), Evidence::WrittenBlind);
    bench.step();
    let applied = Condition::Applied { evidence: Evidence::WrittenBlind };
    assert_eq!(bench.condition(4, Field::Code), Some(&applied));
    // The same code, proved better: that stands when it is written blindly again.
    let mut seen = UserReport::new(slot(4), Evidence::ReadBack);
    (seen.code_state, seen.code) = (Some(CodeState::Set), Some(AccessCode::new("4822".into())));
    bench.take(DriverEvent::User(Box::new(seen.clone())));
    assert_eq!(evidence(&bench), Evidence::ReadBack);
    // A code that somebody else set, shown less surely.
    (seen.evidence, seen.code) = (Evidence::Acknowledged, Some(AccessCode::new("9753".into())));
    let changes = bench.take(DriverEvent::User(Box::new(seen)));
    assert_eq!(changes.events.len(), 1, "{changes:?}");
    assert_eq!(evidence(&bench), Evidence::Acknowledged);
}

#[test]
fn what_is_wished_and_found_at_the_panel_is_nobody_elses_doing() {
    let mut bench = Bench::new(Authority::Panel);
    let shown = |code: &str, label: &str| {
        let mut seen = UserReport::new(slot(4), Evidence::ReadBack);
        (seen.code_state, seen.code) = (Some(CodeState::Set), Some(AccessCode::new(code.into())));
        seen.label = Label::from_panel(label);
        DriverEvent::User(Box::new(seen))
    };
    let told = |changes: &Changes| changes.events.iter().filter_map(|(_, e)| e.text.clone()).collect::<Vec<_>>();
    bench.take(shown("1111", "User 4"));
    bench.wish(4, 1, "4821", Some("Anna"));
    bench.step();
    bench.finish(Outcome::interrupted());
    assert_eq!(told(&bench.take(shown("4821", "Anna"))), [""; 0], "our own writing arrived");
    bench.wish(4, 2, "4822", None);
    bench.step();
    bench.finish(Outcome::interrupted());
    assert_eq!(told(&bench.take(shown("9753", "Berta"))), ["code changed, label Anna -> Berta"]);
}

#[test]
fn the_first_sight_of_a_user_is_no_divergence() {
    let mut bench = Bench::new(Authority::Panel);
    assert!(bench.take(report(4, CodeState::Set)).events.is_empty());
    let again = bench.take(report(4, CodeState::Set));
    assert!(!again.reports_users(), "seeing the same again is no change");
}

#[test]
fn told_again_is_no_news_but_every_alarm_counts() {
    let mut bench = Bench::new(Authority::Panel);
    let zone = Zone::new(3).expect("in range");
    let opened = || DriverEvent::Happened(PanelEvent::new(EventKind::ZoneOpened).zone(zone));
    let alarm = || DriverEvent::Happened(PanelEvent::new(EventKind::ZoneAlarm).zone(zone));
    assert_eq!(bench.take(opened()).events.len(), 1);
    assert!(!bench.take(opened()).is_stored());
    assert_eq!(bench.take(alarm()).events.len(), 1);
    let second = bench.take(alarm());
    assert_eq!(second.events.len(), 1);
    assert!(!second.can_wait());
}

#[test]
fn users_are_in_doubt_once() {
    let mut bench = Bench::new(Authority::Panel);
    bench.take(report(4, CodeState::Set));
    let doubt = bench.take(DriverEvent::UsersStale);
    assert_eq!(doubt.events.len(), 1);
    assert!(bench.book.picture.users[&slot(4)].stale);
    assert!(!bench.take(DriverEvent::UsersStale).is_stored());
    bench.take(report(4, CodeState::Set));
    assert!(!bench.book.picture.users[&slot(4)].stale, "seen again");
}

#[test]
fn a_master_code_under_way_is_proved_only_afterwards() {
    let mut bench = Bench::new(Authority::Panel);
    bench.wish(40, 1, "9753", None);
    bench.step();
    assert!(bench.book.writes_master());
    assert!(!bench.take(DriverEvent::MasterProved).master_proved, "that was the old one");
    bench.finish(Outcome::Applied(Evidence::Acknowledged));
    assert!(bench.take(DriverEvent::MasterProved).master_proved);
}

#[test]
fn a_wrong_master_code_asks_for_a_person_and_goes_on_with_a_new_one() {
    let mut bench = Bench::new(Authority::Panel);
    bench.wish(4, 1, "4821", None);
    bench.step();
    let refused = PanelError::lasting("master_code_needed", "the panel does not take the master code");
    assert!(bench.finish(Outcome::Failed(refused)).master_refused, "kept across restarts");
    assert!(bench.book.picture.needs.is_some());
    assert_eq!(bench.step(), None);
    assert!(bench.book.master_needed().is_some(), "no other wish may try the same code again");
    let mut changes = Changes::default();
    bench.book.credentials_changed(WALL, &mut changes);
    assert!(bench.book.picture.needs.is_none());
    assert!(bench.book.master_needed().is_none());
    assert_eq!(bench.step(), Some((4, Field::Code)));
}

#[test]
fn a_snapshot_after_a_break_tells_what_changed_and_invents_nothing() {
    let mut bench = Bench::new(Authority::Panel);
    let zone = Zone::new(1).expect("in range");
    let p1 = Partition::new(1).expect("in range");
    let state = |open| {
        let mut state = PanelState::default();
        state.zones.insert(zone, ZoneState { open, ..ZoneState::default() });
        state.partitions.insert(p1, PartitionState::default());
        DriverEvent::Snapshot(Box::new(state))
    };
    bench.take(state(false));
    let changes = bench.take(state(true));
    assert_eq!(changes.events.iter().map(|(_, e)| e.kind).collect::<Vec<_>>(), [EventKind::ZoneOpened]);
    assert!(!bench.take(state(true)).is_stored());
}

#[test]
fn steps_name_their_command_and_never_a_code() {
    let mut bench = Bench::new(Authority::Panel);
    bench.wish(4, 1, "739182", None);
    let step = bench.book.next_step(bench.now, true, &mut Changes::default()).expect("a step");
    assert!(!format!("{step:?}").contains("739182"));
    assert!(matches!(step.work, Work::Panel(Command::SetUser(_))));
    assert_eq!(ReportedUser::unknown(slot(4)).code.value, CodeState::Unknown);
}
