//! Roles, companies, requests and restoring at the door.

use std::collections::BTreeSet;
use std::task::Poll;

use panel_model::Refusal;

use super::bench::{Bench, OWN_UID, name, person};
use super::{
    Action, AddParticipation, CopyRole, CreateCompany, CreateRole, DecideRequest, DeleteCompany, DeleteRole, Done,
    EditCompany, EditParticipation, EditRole, EndParticipation, Entry, Invite, RestoreDeleted,
};
use crate::access::{Actor, Assigned, CompanyId, Permission, PersonKind, Standing, role_name};
use crate::payload::{DirectoryDocument, DirectoryRole};
use crate::store::{LogLine, NewLogLine, RequestState};

const SUPER: &str = role_name::SUPER_ADMIN;
const ADMIN: &str = role_name::COMPANY_ADMIN;

fn set(permissions: &[Permission]) -> BTreeSet<Permission> {
    permissions.iter().copied().collect()
}

fn create(role: &str, permissions: &[Permission]) -> Action {
    Action::CreateRole(CreateRole { role: name(role), permissions: set(permissions) })
}

fn edit(role: &str, add: &[Permission], remove: &[Permission]) -> Action {
    Action::EditRole(EditRole { role: name(role), add: set(add), remove: set(remove) })
}

fn delete(role: &str) -> Action {
    Action::DeleteRole(DeleteRole { role: name(role) })
}

fn decide(request: u64, approve: bool) -> Action {
    Action::DecideRequest(DecideRequest { request, approve })
}

fn company(text: &str) -> CompanyId {
    text.parse().expect("an id")
}

fn found(id: &str, parent: Option<&str>) -> Action {
    Action::CreateCompany(CreateCompany { company: company(id), name: name("Acme"), parent: parent.map(company) })
}

fn join(id: &str, person: &str, role: &str) -> Action {
    Action::AddParticipation(AddParticipation { company: company(id), person: person.into(), role: name(role) })
}

async fn ask(bench: &Bench, uid: u32, action: Action) -> u64 {
    match bench.act(ADMIN, uid, action).await {
        Ok(Done::Requested { request }) => request,
        other => panic!("no request: {other:?}"),
    }
}

async fn state(bench: &Bench, request: u64) -> (RequestState, Option<String>) {
    let kept = bench.store.read(move |view| view.change_request(request)).await.expect("read").expect("there");
    (kept.state, kept.refusal)
}

/// Who, what and how it ended, of the last lines of the action log.
async fn last_lines(bench: &Bench, count: usize) -> Vec<String> {
    let log = bench.log().await;
    let words = |line: &NewLogLine| format!("{} {} {}", line.actor, line.action, line.result);
    log[log.len() - count..].iter().map(|line| words(&line.line)).collect()
}

#[tokio::test]
async fn rules_about_roles_and_companies_refuse_with_their_codes() {
    use Permission as P;
    let bench = Bench::new();
    for action in [
        create("Held", &[P::ViewUsers]),
        found("acme", None),
        found("acme-north", Some("acme")),
        found("acme-south", Some("acme")),
        join("acme-south", "anna@example.com", "Held"),
    ] {
        assert_eq!(bench.act(SUPER, 0, action).await, Ok(Done::Changed));
    }
    let rename = |id: &str, parent: Option<&str>| {
        Action::EditCompany(EditCompany { company: company(id), name: name("Acme"), parent: parent.map(company) })
    };
    let gone = |id: &str| Action::DeleteCompany(DeleteCompany { company: company(id) });
    let placed = |id: &str, person: &str, role: &str| {
        Action::EditParticipation(EditParticipation { company: company(id), person: person.into(), role: name(role) })
    };
    let left = |id: &str, person: &str| {
        Action::EndParticipation(EndParticipation { company: company(id), person: person.into() })
    };
    let copied = |from: &str, to: &str| Action::CopyRole(CopyRole { role: name(from), copy: name(to) });
    for (what, role, action, refusal) in [
        ("a name that is taken", SUPER, create("HELD", &[]), Refusal::InUse),
        ("a copy under a name that is taken", SUPER, copied("Held", "operator"), Refusal::InUse),
        ("a copy of nothing", SUPER, copied("Nothing", "Some"), Refusal::NotFound),
        ("Super Admin edited", SUPER, edit(SUPER, &[], &[P::ManageRoles]), Refusal::PermissionDenied),
        (
            "Super Admin edited in small letters",
            SUPER,
            edit("super admin", &[], &[P::ViewRoles]),
            Refusal::PermissionDenied,
        ),
        ("Super Admin deleted", SUPER, delete(SUPER), Refusal::PermissionDenied),
        ("Super Admin deleted on request", ADMIN, delete(SUPER), Refusal::PermissionDenied),
        ("a role that is not there", SUPER, delete("Nothing"), Refusal::NotFound),
        ("P7: a role that somebody holds", SUPER, delete("Held"), Refusal::InUse),
        ("P7: asked for", ADMIN, delete("Held"), Refusal::InUse),
        ("P7: the role of the box's own users", ADMIN, delete(ADMIN), Refusal::InUse),
        ("added and removed", SUPER, edit("Held", &[P::ViewRoles], &[P::ViewRoles]), Refusal::Invalid),
        ("more than oneself has", ADMIN, create("More", &[P::RestoreDeleted]), Refusal::PermissionDenied),
        ("more by an edit", ADMIN, edit("Held", &[P::RestoreDeleted], &[]), Refusal::PermissionDenied),
        ("more by a copy", ADMIN, copied(SUPER, "Mine"), Refusal::PermissionDenied),
        ("more by a participation", ADMIN, join("acme", "me@example.com", SUPER), Refusal::PermissionDenied),
        ("a company twice", SUPER, found("acme", None), Refusal::InUse),
        ("under a company that is not there", SUPER, found("acme-west", Some("nobody")), Refusal::NotFound),
        ("under itself", SUPER, rename("acme", Some("acme")), Refusal::Invalid),
        ("under its own subsidiary", SUPER, rename("acme", Some("acme-north")), Refusal::Invalid),
        ("P7: a company with subsidiaries", SUPER, gone("acme"), Refusal::InUse),
        ("P7: a company with participants", SUPER, gone("acme-south"), Refusal::InUse),
        ("P7: the company of this gateway", SUPER, gone("acme-north"), Refusal::InUse),
        ("a company that is not there", SUPER, gone("nobody"), Refusal::NotFound),
        ("no e-mail", SUPER, join("acme", "anna", "Held"), Refusal::Invalid),
        ("an e-mail that looks like another", SUPER, join("acme", "\u{430}nna@example.com", "Held"), Refusal::Invalid),
        (
            "an endless e-mail",
            SUPER,
            join("acme", &format!("{}@example.com", "a".repeat(250)), "Held"),
            Refusal::Invalid,
        ),
        ("somebody twice", SUPER, join("acme-south", "anna@example.com", "Held"), Refusal::InUse),
        ("in a role that is not there", SUPER, join("acme", "bert@example.com", "Nothing"), Refusal::NotFound),
        ("who takes no part", SUPER, placed("acme", "bert@example.com", "Held"), Refusal::NotFound),
        ("who takes no part, ended", SUPER, left("acme", "bert@example.com"), Refusal::NotFound),
        ("a request that is not there", SUPER, decide(77, true), Refusal::NotFound),
        ("nothing deleted", SUPER, Action::RestoreDeleted(RestoreDeleted { deleted: 77 }), Refusal::NotFound),
    ] {
        let before = bench.log().await.len();
        assert_eq!(bench.refusal(role, 1000, action).await, Some(refusal), "{what}");
        let log = bench.log().await;
        assert_eq!((log.len(), log[before].line.result.as_str()), (before + 1, refusal.code()), "{what}: one line");
    }
    assert_eq!(bench.permits("Held").await, Some(vec!["view_users"]), "nothing was changed");
}

#[tokio::test]
async fn an_edited_role_counts_from_its_holders_next_action_on() {
    let bench = Bench::new();
    let door = bench.door("Night shift");
    let (holder, admin) = (person(1000), person(0));
    let make = create("Night shift", &[Permission::ManageRoles, Permission::ViewUsers]);
    assert_eq!(door.perform(&holder, create("One", &[])).await.map_err(|r| r.refusal), Err(Refusal::PermissionDenied));
    assert_eq!(door.perform(&admin, make).await, Ok(Done::Changed));
    assert_eq!(door.perform(&holder, create("One", &[])).await, Ok(Done::Changed));
    // An action that has begun ends by the role that it began with: it is judged before the edit, written after it.
    let standing = door.standing(&holder).await.expect("a standing");
    assert_eq!(door.perform(&admin, edit("Night shift", &[], &[Permission::ManageRoles])).await, Ok(Done::Changed));
    let entry = Entry::new(&holder, "create_role", None);
    assert_eq!(door.change(&standing, create("Two", &[Permission::ViewUsers]), &entry).await, Ok(Done::Changed));
    // The next one does not begin.
    assert_eq!(
        door.perform(&holder, create("Three", &[])).await.map_err(|r| r.refusal),
        Err(Refusal::PermissionDenied)
    );
    assert_eq!(
        door.may_still_view(&holder, Permission::ManageRoles, None).await.map_err(|r| r.refusal),
        Err(Refusal::PermissionDenied)
    );
    assert!(bench.permits("Two").await.is_some() && bench.permits("Three").await.is_none());
}

#[tokio::test]
async fn whoever_edits_a_role_while_its_holders_act_loses_no_change_and_no_line() {
    let bench = Bench::new();
    let door = bench.door("Night shift");
    door.perform(&person(0), create("Night shift", &[Permission::ManageCompanies])).await.expect("made");
    let holder = async {
        let mut done = 0;
        for n in 0..40 {
            match door.perform(&person(1000), found(&format!("company-{n}"), None)).await {
                Ok(_) => done += 1,
                Err(refused) => assert_eq!(refused.refusal, Refusal::PermissionDenied),
            }
        }
        done
    };
    let admin = async {
        for _ in 0..20 {
            let (add, remove) = ([Permission::ManageCompanies], [Permission::ManageCompanies]);
            door.perform(&person(0), edit("Night shift", &[], &remove)).await.expect("taken");
            door.perform(&person(0), edit("Night shift", &add, &[])).await.expect("given");
        }
    };
    let (done, ()) = tokio::join!(holder, admin);
    assert_eq!(door.companies().await.expect("read").len(), done);
    let log = bench.log().await;
    let ended = |result: &str| {
        log.iter().filter(|line| line.line.action == "create_company" && line.line.result == result).count()
    };
    assert_eq!((ended("changed"), ended("permission_denied")), (done, 40 - done));
}

#[tokio::test]
async fn a_sensitive_change_waits_for_somebody_else_and_both_are_logged() {
    let bench = Bench::new();
    bench.act(SUPER, 0, create("Night shift", &[Permission::ViewUsers])).await.expect("made");
    let request = ask(&bench, 1000, edit("Night shift", &[Permission::ViewRoles], &[])).await;
    assert_eq!(bench.permits("Night shift").await, Some(vec!["view_users"]), "nothing is done yet");
    assert_eq!(
        bench.refusal(ADMIN, 1000, decide(request, true)).await,
        Some(Refusal::PermissionDenied),
        "not one's own"
    );
    assert_eq!(bench.refusal("Operator", 1001, decide(request, true)).await, Some(Refusal::PermissionDenied));
    assert_eq!(bench.act(ADMIN, 1001, decide(request, true)).await, Ok(Done::Changed));
    assert_eq!(bench.permits("Night shift").await, Some(vec!["view_users", "view_roles"]));
    let lines = last_lines(&bench, 2).await;
    assert_eq!(lines, ["user-1001 decide_request approved", "user-1000 edit_role changed"]);
    let last = bench.log().await.pop().expect("a line").line;
    assert_eq!(last.text.as_deref(), Some("request 1, decided by user-1001"));
    assert_eq!(last.subject.as_deref(), Some("\"Night shift\": added [view_roles], removed []"));
    assert_eq!(bench.refusal(ADMIN, 1001, decide(request, false)).await, Some(Refusal::VersionConflict), "once");

    let request = ask(&bench, 1000, delete("Night shift")).await;
    assert_eq!(bench.act(SUPER, 0, decide(request, false)).await, Ok(Done::Changed));
    assert!(bench.permits("Night shift").await.is_some());
    let lines = last_lines(&bench, 2).await;
    assert_eq!(lines, ["user-0 decide_request refused", "user-1000 delete_role request_refused"]);
    assert_eq!(state(&bench, request).await, (RequestState::Refused, None));

    let door = bench.door(ADMIN);
    assert_eq!(door.own_requests(&person(1000)).await.expect("read").len(), 2);
    assert_eq!(door.own_requests(&person(1001)).await.expect("read").len(), 0);
    assert_eq!(door.requests().await.expect("read").len(), 2);
}

#[tokio::test]
async fn a_request_that_is_not_possible_any_more_ends_as_failed() {
    let bench = Bench::new();
    bench.act(SUPER, 0, create("Night shift", &[])).await.expect("made");
    bench.act(SUPER, 0, found("acme", None)).await.expect("made");
    let request = ask(&bench, 1000, delete("Night shift")).await;
    bench.act(SUPER, 0, join("acme", "anna@example.com", "Night shift")).await.expect("joined");
    assert_eq!(bench.refusal(SUPER, 0, decide(request, true)).await, Some(Refusal::InUse));
    assert_eq!(state(&bench, request).await, (RequestState::Failed, Some("in_use".into())));
    let lines = last_lines(&bench, 2).await;
    assert_eq!(lines, ["user-1000 delete_role in_use", "user-0 decide_request in_use"]);
    assert!(bench.permits("Night shift").await.is_some());
}

#[tokio::test]
async fn a_request_of_somebody_who_lost_the_permission_meanwhile_is_not_carried_out() {
    let bench = Bench::new();
    bench.act(SUPER, 0, create("Night shift", &[])).await.expect("made");
    let request = ask(&bench, 1000, delete("Night shift")).await;
    bench.act(SUPER, 0, edit(ADMIN, &[], &[Permission::DeleteRoles])).await.expect("edited");
    assert_eq!(bench.refusal(SUPER, 0, decide(request, true)).await, Some(Refusal::PermissionDenied));
    assert_eq!(state(&bench, request).await, (RequestState::Failed, Some("permission_denied".into())));
    assert!(bench.permits("Night shift").await.is_some());
}

#[tokio::test]
async fn two_who_decide_at_once_have_it_carried_out_once() {
    let bench = Bench::new();
    for n in 0..20 {
        bench.act(SUPER, 0, create("Night shift", &[])).await.expect("made");
        let request = ask(&bench, 1000, delete("Night shift")).await;
        let (one, two) = tokio::join!(
            bench.act(ADMIN, 1001, decide(request, true)),
            bench.act(ADMIN, 1002, decide(request, n % 2 == 0)),
        );
        let refusals: Vec<_> =
            [&one, &two].iter().filter_map(|answer| answer.as_ref().err()).map(|r| r.refusal).collect();
        assert_eq!(refusals, [Refusal::VersionConflict], "{one:?} {two:?}");
        let carried_out = state(&bench, request).await.0 == RequestState::CarriedOut;
        assert_eq!(bench.permits("Night shift").await.is_none(), carried_out);
        if !carried_out {
            bench.act(SUPER, 0, delete("Night shift")).await.expect("deleted");
        }
    }
    assert_eq!(bench.door(ADMIN).deleted_things().await.expect("read").len(), 20, "each deleted once");
}

#[tokio::test]
async fn a_decision_that_is_cut_off_is_made_whole_or_not_at_all() {
    let mut bench = Bench::new();
    for steps in 0..4 {
        bench.act(SUPER, 0, create("Night shift", &[])).await.expect("made");
        let request = ask(&bench, 1000, delete("Night shift")).await;
        {
            // The decider goes away after so many steps, and the box stops right after.
            let mut deciding = Box::pin(bench.act(ADMIN, 1001, decide(request, true)));
            let mut left = steps;
            let cut = std::future::poll_fn(|context| {
                if left == 0 {
                    return Poll::Ready(());
                }
                left -= 1;
                deciding.as_mut().poll(context).map(|_| ())
            });
            cut.await;
        }
        bench = bench.again().await;
        let gone = bench.permits("Night shift").await.is_none();
        let carried_out = state(&bench, request).await.0 == RequestState::CarriedOut;
        assert_eq!(gone, carried_out, "cut after {steps}");
        // The first step asks the store for the decider's role, the second hands the decision over.
        assert!(if steps == 0 { !gone } else { gone || steps < 2 }, "cut after {steps}");
        let about = format!("request {request},");
        let of_asker = |line: &&LogLine| {
            let text = line.line.text.as_deref().unwrap_or_default();
            line.line.result == "changed" && text.starts_with(&about)
        };
        assert_eq!(bench.log().await.iter().filter(of_asker).count(), usize::from(gone), "and so is its line");
        if !gone {
            assert_eq!(bench.act(ADMIN, 1001, decide(request, true)).await, Ok(Done::Changed), "it still waits");
        }
    }
}

#[tokio::test]
async fn what_was_deleted_comes_back_as_it_was() {
    let bench = Bench::new();
    bench.act(SUPER, 0, create("Night shift", &[Permission::ViewUsers])).await.expect("made");
    bench.act(SUPER, 0, found("acme", None)).await.expect("made");
    bench.act(SUPER, 0, found("acme-south", Some("acme"))).await.expect("made");
    let request = ask(&bench, 1000, delete("Night shift")).await;
    bench.act(ADMIN, 1001, decide(request, true)).await.expect("carried out");
    bench
        .act(SUPER, 0, Action::DeleteCompany(DeleteCompany { company: company("acme-south") }))
        .await
        .expect("deleted");
    let kept = bench.door(ADMIN).deleted_things().await.expect("read");
    let told: Vec<_> =
        kept.iter().map(|kept| (kept.thing.name.as_str(), kept.thing.by.as_str(), kept.thing.request)).collect();
    assert_eq!(told, [("acme-south", "user-0", None), ("Night shift", "user-1000", Some(request))]);
    for kept in &kept {
        let restored = Action::RestoreDeleted(RestoreDeleted { deleted: kept.id });
        assert_eq!(bench.refusal(ADMIN, 1001, restored.clone()).await, Some(Refusal::PermissionDenied));
        assert_eq!(bench.act(SUPER, 0, restored.clone()).await, Ok(Done::Changed));
        assert_eq!(bench.refusal(SUPER, 0, restored).await, Some(Refusal::NotFound), "it is back already");
    }
    assert_eq!(bench.permits("Night shift").await, Some(vec!["view_users"]));
    let tree = bench.door(ADMIN).companies().await.expect("read");
    assert_eq!(tree[1].parent, Some(company("acme")));
    // Under a name that was taken meanwhile it stays where it is.
    bench.act(SUPER, 0, delete("Night shift")).await.expect("deleted");
    bench.act(SUPER, 0, create("night SHIFT", &[])).await.expect("made");
    let deleted = bench.door(ADMIN).deleted_things().await.expect("read")[0].id;
    let restored = Action::RestoreDeleted(RestoreDeleted { deleted });
    assert_eq!(bench.refusal(SUPER, 0, restored).await, Some(Refusal::InUse));
}

#[tokio::test]
async fn one_person_cannot_fill_the_desk_of_those_who_decide() {
    let bench = Bench::new();
    bench.act(SUPER, 0, create("Night shift", &[])).await.expect("made");
    for _ in 0..20 {
        ask(&bench, 1000, delete("Night shift")).await;
    }
    assert_eq!(bench.refusal(ADMIN, 1000, delete("Night shift")).await, Some(Refusal::Busy));
    ask(&bench, 1001, delete("Night shift")).await;
}

#[tokio::test]
async fn there_is_always_a_way_in() {
    let bench = Bench::new();
    let door = bench.door("Nothing of the kind");
    for uid in [0, OWN_UID] {
        assert!(door.may_still_view(&person(uid), Permission::ManageRoles, None).await.is_ok(), "{uid}");
    }
    let refused = door.may_still_view(&person(1000), Permission::ViewDevices, None).await.expect_err("refused");
    assert_eq!(refused.refusal, Refusal::PermissionDenied, "a role that is not there permits nothing");
    assert!(refused.text.contains("Nothing of the kind") && refused.text.contains("view_devices"), "{}", refused.text);
}

#[tokio::test]
async fn a_panel_that_is_not_assigned_and_a_gateway_of_another_company_are_refused() {
    let bench = Bench::new();
    let door = bench.door("Installer");
    let panel = super::samples::PANEL.parse().expect("a panel id");
    let all = door.standing(&person(1000)).await.expect("a standing");
    let none = Standing { panels: Assigned::Only(BTreeSet::new()), ..all.clone() };
    let this =
        Standing { panels: Assigned::Only([super::samples::PANEL.parse().expect("an id")].into()), ..all.clone() };
    let outside = Standing { outside: true, ..all.clone() };
    for (who, standing, refusal) in [
        ("who sees all", all, None),
        ("who is assigned", this, None),
        ("who is not assigned", none, Some(Refusal::NotAssigned)),
        ("who is of another company", outside, Some(Refusal::PermissionDenied)),
    ] {
        let judged = door.permitted(&standing, Permission::ManageUsers, Some(&panel));
        assert_eq!(judged.err().map(|refused| refused.refusal), refusal, "{who}");
    }
}

/// P6: in the name of a company only its own part of the tree is changed.
#[tokio::test]
async fn somebody_of_a_company_changes_only_its_part_of_the_tree() {
    let bench = Bench::new();
    let (door, root) = (bench.door(SUPER), person(0));
    for action in [found("acme", None), found("acme-north", Some("acme")), found("rival", None)] {
        door.perform(&root, action).await.expect("made");
    }
    let standing = door.standing(&root).await.expect("a standing");
    let standing = Standing { company: Some(company("acme")), ..standing };
    let entry = Entry::new(&root, "test", None);
    for (what, action, refusal) in [
        ("at the top", found("acme-two", None), Some(Refusal::PermissionDenied)),
        ("under a rival", found("rival-north", Some("rival")), Some(Refusal::PermissionDenied)),
        ("in a rival", join("rival", "me@example.com", SUPER), Some(Refusal::PermissionDenied)),
        ("under oneself", found("acme-south", Some("acme")), None),
        ("under a subsidiary", found("acme-oslo", Some("acme-north")), None),
        ("in a subsidiary", join("acme-oslo", "anna@example.com", "Operator"), None),
    ] {
        let answer = door.change(&standing, action, &entry).await;
        assert_eq!(answer.err().map(|refused| refused.refusal), refusal, "{what}");
    }
}

#[tokio::test]
async fn whoever_is_not_shown_something_stands_in_the_action_log() {
    let bench = Bench::new();
    let door = bench.door("End user");
    let panel = super::samples::PANEL.parse().expect("a panel id");
    assert!(door.may_view(&person(1000), Permission::ViewUsers, Some(&panel)).await.is_err());
    assert!(door.may_view(&person(0), Permission::ViewUsers, Some(&panel)).await.is_ok());
    let log = bench.log().await;
    let lines: Vec<_> = log.iter().map(|line| (line.line.action.as_str(), line.line.role.as_str())).collect();
    assert_eq!(lines, [("view", "End user")], "what was shown leaves none");
}

#[tokio::test]
async fn nobody_invites_to_panels_that_they_do_not_see() {
    let bench = Bench::new();
    let door = bench.door(ADMIN);
    let mut standing = door.standing(&person(1000)).await.expect("somebody");
    standing.panels = Assigned::Only(BTreeSet::new());
    let invite = |panels: &[&str]| Invite {
        email: "eve@example.org".parse().expect("an e-mail"),
        full_name: "Eve".into(),
        phone: String::new(),
        role: None,
        panels: panels.iter().map(|id| id.parse().expect("an id")).collect(),
    };
    let entry = Entry::new(&person(1000), "invite_installer", None);
    for (kind, invited) in
        [(PersonKind::Installer, invite(&[super::samples::PANEL])), (PersonKind::Manager, invite(&[]))]
    {
        let refused = door.invite(&standing, kind, invited, &entry).await.expect_err("refused");
        assert_eq!(refused.refusal, Refusal::NotAssigned, "{kind:?}");
    }
    assert!(door.invite(&standing, PersonKind::Installer, invite(&[]), &entry).await.is_ok());
}

#[tokio::test]
async fn what_was_asked_for_in_a_role_that_is_gone_is_not_done() {
    use Permission as P;
    let bench = Bench::new();
    assert_eq!(bench.act(SUPER, 0, create("Desk", &[P::DeleteRoles, P::ViewRoles])).await, Ok(Done::Changed));
    let asked = bench.act("Desk", 1000, delete("Operator")).await;
    let Ok(Done::Requested { request }) = asked else { panic!("{asked:?}") };
    assert_eq!(bench.act(SUPER, 0, delete("Desk")).await, Ok(Done::Changed));
    assert_eq!(bench.refusal(SUPER, 0, decide(request, true)).await, Some(Refusal::PermissionDenied));
    assert!(bench.permits("Operator").await.is_some());
}

#[tokio::test]
async fn a_role_that_the_box_itself_needs_outlasts_the_clouds_directory() {
    let bench = Bench::new();
    let door = bench.door("Night desk");
    let of = |version, roles: &[&str]| {
        let role = |name: &&str| ((*name).to_owned(), DirectoryRole { permissions: ["view_users".to_owned()].into() });
        DirectoryDocument { version, roles: roles.iter().map(role).collect(), ..DirectoryDocument::default() }
    };
    let cloud = Actor::broker();
    door.apply_directory(&cloud, of(1, &["Installer", "Night desk", "Day desk", SUPER])).await.expect("taken");
    door.apply_directory(&cloud, of(2, &[])).await.expect("taken");
    assert_eq!(bench.permits("Night desk").await, Some(vec!["view_users"]), "the role of the box's own users");
    assert_eq!(bench.permits("Installer").await, Some(vec!["view_users"]), "the one that installers are invited in");
    assert_eq!(bench.permits("Day desk").await, None);
    assert_eq!(bench.permits(SUPER).await.map(|all| all.len()), Some(Permission::ALL.len()));
}
