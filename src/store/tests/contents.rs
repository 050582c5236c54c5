use std::collections::BTreeMap;

use panel_model::{
    AccessCode, ArmMode, ArmState, CodeHash, CodeState, Condition, DesiredUser, Evidence, Field, Known, Label, LockId,
    LockState, PanelError, PanelRole, PanelState, Partition, PartitionSet, PartitionState, Readiness, Refusal,
    ReportedUser, Trouble, TroubleKind, UserWish, ZoneState,
};

use super::*;

fn busy_state() -> PanelState {
    let mut state = PanelState { installer_mode: true, ..PanelState::default() };
    let modes = [ArmMode::Away, ArmMode::Stay, ArmMode::Night, ArmMode::AwayNoEntry, ArmMode::StayNoEntry];
    let arms = [ArmState::Disarmed, ArmState::ExitDelay, ArmState::EntryDelay];
    for (n, arm) in (1..).zip(arms.into_iter().chain(modes.map(ArmState::Armed))) {
        let partition = PartitionState {
            arm,
            ready: [Readiness::Unknown, Readiness::Ready, Readiness::NotReady, Readiness::ForceReady][n as usize % 4],
            alarm: n % 2 == 0,
            busy: n % 3 == 0,
            chime: n % 5 == 0,
            last_user: (n % 2 == 1).then(|| slot(n)),
            label: Label::from_panel("Küche"),
        };
        state.partitions.insert(Partition::new(n).expect("a partition"), partition);
    }
    let zone_3 = ZoneState { open: true, alarm: true, tamper: true, bypassed: true, label: Label::from_panel("Front") };
    state.zones.insert(zone(3), zone_3);
    state.zones.insert(zone(999), ZoneState::default());
    for (n, lock) in (1..).zip([LockState::Unknown, LockState::Locked, LockState::Unlocked, LockState::Jammed]) {
        state.locks.insert(LockId::new(n).expect("a lock"), lock);
    }
    state.troubles.insert(Trouble::panel(TroubleKind::AcLost));
    state.troubles.insert(Trouble::device(TroubleKind::ZoneBatteryLow, 7));
    state.troubles.insert(Trouble::partition(TroubleKind::FireTrouble, Partition::new(2).expect("a partition")));
    state
}

#[tokio::test]
async fn a_panel_state_comes_back_as_it_was_put() {
    let (dir, store) = fresh();
    let (id, other) = (panel("dsc-1"), panel("dsc-10"));
    let state = busy_state();
    let put = (id.clone(), state.clone());
    store.write(Urgency::Now, move |tx| tx.put_panel_state(&put.0, &PanelState::default(), &put.1)).await.expect("put");
    store.close().await;
    let store = open(dir.path());
    let (got, none) =
        store.read(move |view| Ok((view.panel_state(&id)?, view.panel_state(&other)?))).await.expect("got");
    assert_eq!(got, state);
    assert_eq!(none, PanelState::default(), "a panel that was never seen has no state");
}

#[tokio::test]
async fn only_rows_that_differ_are_written() {
    let (_dir, store) = fresh();
    let id = panel("dsc-1");
    let old = busy_state();
    let mut new = old.clone();
    new.zones.entry(zone(3)).or_default().open = false;
    new.zones.remove(&zone(999));
    new.troubles.remove(&Trouble::panel(TroubleKind::AcLost));
    let (first, same, changes) = ((old.clone(), id.clone()), (old.clone(), id.clone()), (old, new.clone(), id.clone()));
    store
        .write(Urgency::Now, move |tx| tx.put_panel_state(&first.1, &PanelState::default(), &first.0))
        .await
        .expect("put");
    let before = store.stats().rows;
    store.write(Urgency::Now, move |tx| tx.put_panel_state(&same.1, &same.0, &same.0)).await.expect("put");
    assert_eq!(store.stats().rows, before, "nothing changed, nothing is written");
    store.write(Urgency::Now, move |tx| tx.put_panel_state(&changes.2, &changes.0, &changes.1)).await.expect("put");
    assert_eq!(store.stats().rows, before + 3);
    assert_eq!(store.read(move |view| view.panel_state(&id)).await.expect("got"), new);
}

#[tokio::test]
async fn a_residue_stays_until_it_is_cleared() {
    let (_dir, store) = fresh();
    let id = panel("dsc-1");
    for residue in [None, Some("in *5 of partition 1"), None] {
        let id = id.clone();
        let got = store.write(Urgency::Now, move |tx| {
            tx.put_residue(&id, residue)?;
            tx.residue(&id)
        });
        assert_eq!(got.await.expect("stored").as_deref(), residue);
    }
}

fn known<T>(value: T, evidence: Evidence, at: i64) -> Known<T> {
    Known { value, evidence, at: WallTime(at) }
}

#[tokio::test]
async fn reported_users_come_back_as_they_were_put() {
    let (_dir, store) = fresh();
    let full = ReportedUser {
        slot: slot(4),
        code: known(CodeState::Set, Evidence::Acknowledged, 5),
        code_hash: Some(CodeHash([9; 32])),
        label: Label::from_panel("Ann").map(|label| known(label, Evidence::ReadBack, 6)),
        role: Some(known(PanelRole::OneTimeUser, Evidence::WrittenBlind, 7)),
        partitions: Some(known(PartitionSet::first(3), Evidence::ReadBack, 8)),
        tag: Some(true),
        stale: true,
    };
    let empty = ReportedUser {
        partitions: Some(known(PartitionSet::EMPTY, Evidence::ReadBack, 1)),
        ..ReportedUser::unknown(slot(95))
    };
    let users = [full, empty, ReportedUser::unknown(slot(1))];
    let expected: BTreeMap<_, _> = users.iter().map(|user| (user.slot, user.clone())).collect();
    let got = store.write(Urgency::Now, move |tx| {
        for user in &users {
            tx.put_reported_user(&panel("dsc-1"), user)?;
        }
        tx.put_reported_user(&panel("dsc-2"), &ReportedUser::unknown(slot(2)))?;
        let all = tx.reported_users(&panel("dsc-1"))?;
        tx.delete_reported_user(&panel("dsc-1"), slot(4))?;
        Ok((all, tx.reported_users(&panel("dsc-1"))?))
    });
    let (all, rest) = got.await.expect("stored");
    assert_eq!(all, expected);
    assert_eq!(rest.keys().copied().collect::<Vec<_>>(), [slot(1), slot(95)]);
}

#[tokio::test]
async fn a_code_that_the_panel_showed_stays_as_long_as_its_hash() {
    let (_dir, store) = fresh();
    let id = panel("dsc-1");
    let hash = keys().code_hash(&id, "0042");
    let codes = store.write(Urgency::Now, move |tx| {
        let mut user = ReportedUser { code_hash: Some(hash), ..ReportedUser::unknown(slot(4)) };
        tx.put_reported_code(&id, slot(4), &AccessCode::new("0042".into()))?;
        let unknown = tx.reported_code(&id, slot(4))?;
        tx.put_reported_user(&id, &user)?;
        tx.put_reported_code(&id, slot(4), &AccessCode::new("0042".into()))?;
        user.stale = true;
        tx.put_reported_user(&id, &user)?;
        let kept = tx.reported_code(&id, slot(4))?;
        user.code_hash = None;
        tx.put_reported_user(&id, &user)?;
        Ok([unknown, kept, tx.reported_code(&id, slot(4))?])
    });
    assert_eq!(codes.await.expect("stored"), [None, Some(AccessCode::new("0042".into())), None]);
}

#[tokio::test]
async fn desired_users_come_back_with_their_codes() {
    let (dir, store) = fresh();
    let wish = |code: Option<&str>, role| UserWish::Present {
        code: code.map(|code| AccessCode::new(code.into())),
        label: Label::from_panel("Ann"),
        role,
        partitions: Some(PartitionSet::first(2)),
    };
    let nothing = UserWish::Present { code: None, label: None, role: None, partitions: None };
    let user = |n, version, wish| DesiredUser { slot: slot(n), version, wish, code_hash: Some(CodeHash([3; 32])) };
    let users = [
        user(4, 1, wish(Some("0042"), Some(PanelRole::Supervisor))),
        user(5, 2, wish(None, None)),
        user(6, 3, UserWish::Disabled),
        user(7, u64::from(u32::MAX) * 4, nothing),
    ];
    let expected: BTreeMap<_, _> = users.iter().map(|user| (user.slot, user.clone())).collect();
    let put = store.write(Urgency::Now, move |tx| {
        tx.put_desired_user(&panel("dsc-1"), &user(4, 1, UserWish::Disabled))?;
        users.iter().try_for_each(|user| tx.put_desired_user(&panel("dsc-1"), user))
    });
    put.await.expect("stored");
    store.close().await;
    let store = open(dir.path());
    let got = store.write(Urgency::Now, |tx| {
        let all = tx.desired_users(&panel("dsc-1"))?;
        tx.delete_desired_user(&panel("dsc-1"), slot(5))?;
        Ok((all, tx.desired_users(&panel("dsc-1"))?.len()))
    });
    assert_eq!(got.await.expect("read"), (expected, 3));
}

#[tokio::test]
async fn answers_of_every_kind_come_back() {
    let (_dir, store) = fresh();
    let at = WallTime(77);
    let conditions = [
        Condition::Applied { evidence: Evidence::Acknowledged },
        Condition::Pending { since: at, tries: 3, why: Some("partition 1 is armed".into()) },
        Condition::Refused { refusal: Refusal::CodeNotAvailable },
        Condition::Failed { error: PanelError::passing("502 018", "the panel said no"), next_try: Some(at) },
    ];
    let fields = [Field::Code, Field::Label, Field::Partitions, Field::Role];
    let rows: Vec<_> = fields.into_iter().zip(conditions).collect();
    let expected: BTreeMap<_, _> = rows.iter().map(|(field, c)| ((slot(4), *field), (9, c.clone()))).collect();
    let got = store.write(Urgency::Now, move |tx| {
        let id = panel("dsc-1");
        for (field, condition) in &rows {
            tx.put_answer(&id, slot(4), *field, 8, &Condition::Applied { evidence: Evidence::ReadBack })?;
            tx.put_answer(&id, slot(4), *field, 9, condition)?;
        }
        let all = tx.answers(&id)?;
        tx.put_answer(&id, slot(5), Field::Code, 9, &Condition::Applied { evidence: Evidence::ReadBack })?;
        tx.delete_answer(&id, slot(4), Field::Role)?;
        let three = tx.answers(&id)?.len();
        tx.delete_answers(&id, slot(4))?;
        Ok((all, three, tx.answers(&id)?.into_keys().collect::<Vec<_>>()))
    });
    assert_eq!(got.await.expect("stored"), (expected, 4, vec![(slot(5), Field::Code)]));
}

#[tokio::test]
async fn versions_rise_by_one_for_each_panel() {
    let (_dir, store) = fresh();
    let got = store.write(Urgency::Now, |tx| {
        let (one, two) = (panel("dsc-1"), panel("dsc-2"));
        let none = tx.versions(&one)?;
        let bumps = [tx.bump_desired(&one)?, tx.bump_desired(&one)?, tx.bump_reported(&one)?, tx.bump_reported(&two)?];
        tx.set_cloud_version(&one, 41)?;
        Ok((none, bumps, tx.versions(&one)?, tx.versions(&two)?))
    });
    let (none, bumps, one, two) = got.await.expect("stored");
    assert_eq!((none, bumps), (Versions::default(), [1, 2, 1, 1]));
    assert_eq!(one, Versions { desired: 2, reported: 1, cloud: 41 });
    assert_eq!(two, Versions { desired: 0, reported: 1, cloud: 0 });
}

#[tokio::test]
async fn secrets_are_kept_by_panel_and_name() {
    let (dir, store) = fresh();
    let put = store.write(Urgency::Now, |tx| {
        tx.put_secret(&panel("dsc-1"), "password", "wrong")?;
        tx.put_secret(&panel("dsc-1"), "password", "user")?;
        tx.put_secret(&panel("dsc-1"), "master_code", "0042")?;
        tx.put_secret(&panel("dsc-2"), "password", "")?;
        tx.delete_secret(&panel("dsc-1"), "master_code")
    });
    put.await.expect("stored");
    store.close().await;
    let store = open(dir.path());
    let got = store.read(|view| {
        let keys = [("dsc-1", "password"), ("dsc-2", "password"), ("dsc-1", "master_code"), ("dsc-3", "password")];
        keys.into_iter().map(|(id, name)| Ok(view.secret(&panel(id), name)?.map(|s| s.to_string()))).collect()
    });
    let got: Vec<Option<String>> = got.await.expect("read");
    assert_eq!(got, [Some("user".into()), Some(String::new()), None, None]);
}

#[tokio::test]
async fn the_boot_counter_counts_openings() {
    let (dir, store) = fresh();
    assert_eq!(store.boots(), 1);
    store.close().await;
    let (store, opened) = Store::open(&options(dir.path()), keys()).expect("opened");
    assert_eq!((store.boots(), opened), (2, Opened::Existing));
}

#[tokio::test]
async fn wrong_codes_and_the_boxs_own_time_outlive_a_restart() {
    use std::time::Duration;

    use crate::access::{Limits, Lockout, OwnTime, PanelTries, Tries};
    let (dir, store) = fresh();
    let at = |own, since_boot| OwnTime { own: Duration::from_secs(own), since_boot: Duration::from_secs(since_boot) };
    let (mut tries, mut at_panel) = (Tries::default(), PanelTries::default());
    for _ in 0..3 {
        tries.wrong(at(700, 100), &Limits::OF_SOURCE);
    }
    at_panel.take(at(700, 100)).expect("the first");
    let (written, written_at_panel) = (tries.clone(), at_panel.clone());
    let write = move |tx: &mut Tx<'_>| {
        tx.put_tries(&panel("dsc-1"), Some("uid 1000"), &written)?;
        tx.put_panel_tries(&panel("dsc-1"), &written_at_panel)?;
        tx.put_own_time(at(700, 100))
    };
    store.write(Urgency::Now, write).await.expect("stored");
    store.close().await;
    let store = open(dir.path());
    let read = store.read(move |view| {
        let now = view.own_time(Duration::from_secs(130))?;
        assert_eq!(now, at(730, 130));
        assert_eq!(view.tries(&panel("dsc-1"), Some("uid 1000"))?.lockout(now), Lockout::Wait(Duration::from_secs(60)));
        assert_eq!(view.tries(&panel("dsc-1"), None)?, Tries::default(), "everybody's are counted apart");
        assert_eq!(view.tries(&panel("dsc-2"), Some("uid 1000"))?, Tries::default());
        view.panel_tries(&panel("dsc-1"))
    });
    assert_eq!(read.await.expect("read"), at_panel);
    store.write(Urgency::Now, |tx| tx.forget_tries(&panel("dsc-1"))).await.expect("stored");
    let (left, at_panel_left) = store
        .read(|view| Ok((view.tries(&panel("dsc-1"), Some("uid 1000"))?, view.panel_tries(&panel("dsc-1"))?)))
        .await
        .expect("read");
    assert_eq!((left, at_panel_left), (Tries::default(), at_panel), "the panel itself remembers");
}
