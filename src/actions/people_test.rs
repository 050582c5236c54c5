//! People and accounts at the door, on a real store and without any panel.

use std::sync::Arc;

use panel_driver::clock;
use panel_model::{Refusal, WallTime};
use tempfile::TempDir;
use tokio::sync::Notify;

use super::login::Directory;
use super::people::token_hash;
use super::*;
use crate::access::{AccountStatus, Permission, PersonStatus, role_name};
use crate::secrets::seal_to;
use crate::store::StoreOptions;

/// A box without panels.
struct House {
    dir: TempDir,
    keys: Arc<Keys>,
    store: Store,
    actions: Actions,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mail {
    None,
    Queue,
}

/// Root, and two people of the socket's group.
const ROOT: u32 = 0;
const ANNA: u32 = 1000;
const BOSS: u32 = 1001;

fn actor(uid: u32) -> Actor {
    Actor::system(format!("uid-{uid}"), uid)
}

impl House {
    async fn new(mail: Mail, accounts: Directory) -> Self {
        Self::of(tempfile::tempdir().expect("a directory"), mail, accounts).await
    }

    async fn of(dir: TempDir, mail: Mail, accounts: Directory) -> Self {
        let keys = Arc::new(Keys::from_bytes([7; 32]));
        let (store, _) = Store::open(&StoreOptions::new(dir.path()), Arc::clone(&keys)).expect("opened");
        let (panels, _) = Panels::new(Vec::new(), Vec::new(), &store, &keys);
        let setup = PeopleSetup {
            mail: (mail == Mail::Queue).then(|| Arc::new(Notify::new())),
            link_base: "https://box".into(),
            accounts,
        };
        let local = LocalAccess { own_uid: 990, role: "Installer".parse().expect("a name"), company: None };
        let actions = Actions::new("site-1".into(), store.clone(), panels, Arc::clone(&keys), local, setup);
        actions.first_start().await.expect("begun");
        Self { dir, keys, store, actions }
    }

    async fn restarted(self, mail: Mail) -> Self {
        self.store.close().await;
        let dir = self.dir;
        drop((self.actions, self.store));
        Self::of(dir, mail, Directory::Own).await
    }

    fn seal(&self, text: &str) -> SealedCode {
        seal_to(&self.keys.sealing_public_key(), text).expect("sealed")
    }

    async fn does(&self, uid: u32, action: Action) -> Result<Done, Refusal> {
        self.actions.perform(&actor(uid), action).await.map_err(|refused| refused.refusal)
    }

    fn login(&self, person: &str, password: &str) -> Action {
        Action::Login(Login { person: person.parse().expect("a name"), password: self.seal(password) })
    }

    fn set_password(&self, person: &str, current: &str, new: &str) -> Action {
        let (current, new) = (self.seal(current), self.seal(new));
        Action::SetPassword(SetPassword { person: person.parse().expect("a name"), current, new })
    }

    fn accept(&self, token: &str, password: &str) -> Action {
        Action::AcceptInvitation(AcceptInvitation { token: self.seal(token), password: self.seal(password) })
    }

    /// Invites somebody and gives back the token of the link.
    async fn invited(&self, action: Action) -> String {
        match self.does(ROOT, action).await.expect("invited") {
            Done::Invited { link, .. } => link.expose().rsplit('/').next().expect("a token").to_owned(),
            other => panic!("{other:?}"),
        }
    }

    /// Somebody who has accepted.
    async fn there(&self, action: Action, password: &str) {
        let token = self.invited(action).await;
        self.does(ANNA, self.accept(&token, password)).await.expect("accepted");
    }

    /// The text of the newest mail that waits.
    async fn mailed(&self) -> String {
        let read = |view: &crate::store::View<'_>| match view.mails()?.last() {
            Some(id) => Ok(view.mail(*id)?.and_then(|mail| mail.mail)),
            None => Ok(None),
        };
        self.store.read(read).await.expect("read").expect("a mail").body.to_string()
    }

    async fn log(&self) -> Vec<NewLogLine> {
        let lines = self.store.read(|view| view.log_lines(0, 1000)).await.expect("read");
        lines.into_iter().map(|line| line.line).collect()
    }
}

fn email(text: &str) -> Email {
    text.parse().expect("an e-mail")
}

fn invite(to: &str, role: Option<&str>) -> Invite {
    Invite {
        email: email(to),
        full_name: "Anna Berg".into(),
        phone: String::new(),
        role: role.map(str::to_owned),
        panels: Vec::new(),
    }
}

fn of(who: &str) -> OfPerson {
    OfPerson { person: email(who) }
}

fn account(whose: &str) -> OfAccount {
    OfAccount { account: email(whose) }
}

const ANNAS: &str = "anna@example.org";
const BOSSS: &str = "boss@example.org";

/// The one-time password in the text of a mail.
fn password_in(mail: &str) -> String {
    let line = mail.lines().find(|line| line.len() == 17 && line.matches('-').count() == 2);
    line.expect("a one-time password").to_owned()
}

#[tokio::test]
async fn an_invitation_works_once_and_only_the_newest_one_and_not_for_ever() {
    let house = House::new(Mail::None, Directory::Own).await;
    let old = house.invited(Action::InviteInstaller(invite(ANNAS, None))).await;
    let token = house.invited(Action::InviteInstaller(invite(ANNAS, None))).await;
    assert_eq!(house.does(ANNA, house.accept(&old, "green tea at five")).await, Err(Refusal::InvitationExpired));
    assert_eq!(
        house.does(ANNA, house.accept(&token, "password123")).await,
        Err(Refusal::Invalid),
        "it can be tried again"
    );
    let accepted = house.does(ANNA, house.accept(&token, "green tea at five")).await;
    assert_eq!(accepted, Ok(Done::InvitationAccepted { person: email(ANNAS).into() }));
    assert_eq!(house.does(ANNA, house.accept(&token, "green tea at six")).await, Err(Refusal::InvitationExpired));
    assert_eq!(house.does(ANNA, house.accept("made-up", "green tea at six")).await, Err(Refusal::InvitationExpired));
    assert_eq!(
        house.does(ROOT, Action::InviteInstaller(invite(ANNAS, None))).await,
        Err(Refusal::InUse),
        "she is there"
    );
    // One that is too old.
    house.invited(Action::InviteInstaller(invite("late@example.org", None))).await;
    let (hash, past) = (token_hash("late"), WallTime(clock::wall().0 - 1));
    let late = email("late@example.org").into();
    house.store.write(Urgency::Now, move |tx| tx.put_invitation(&hash, &late, past)).await.expect("stored");
    assert_eq!(house.does(ANNA, house.accept("late", "green tea at five")).await, Err(Refusal::InvitationExpired));
}

#[tokio::test]
async fn two_who_accept_one_invitation_at_once_are_one() {
    let house = House::new(Mail::None, Directory::Own).await;
    let token = house.invited(Action::InviteInstaller(invite(ANNAS, None))).await;
    let (one, other) = tokio::join!(
        house.does(ANNA, house.accept(&token, "green tea at five")),
        house.does(BOSS, house.accept(&token, "black tea at five")),
    );
    assert_eq!([one, other].iter().filter(|done| done.is_ok()).count(), 1);
}

#[tokio::test]
async fn the_first_account_must_change_its_password_and_is_asked_to_go() {
    let house = House::new(Mail::None, Directory::Own).await;
    let me = actor(ANNA);
    assert_eq!(
        house.does(ANNA, Action::FirstLogin {}).await,
        Err(Refusal::PermissionDenied),
        "not root, not the service"
    );
    let drawn = |done| match done {
        Ok(Done::TemporaryPassword { password }) => password.expose().to_owned(),
        other => panic!("{other:?}"),
    };
    let lost = drawn(house.does(ROOT, Action::FirstLogin {}).await);
    let first = drawn(house.does(ROOT, Action::FirstLogin {}).await);
    assert_eq!(house.does(ANNA, house.login("init", &lost)).await, Err(Refusal::PermissionDenied), "drawn again");
    let done = house.does(ANNA, house.login("init", &first)).await;
    assert!(matches!(done, Ok(Done::LoggedIn { must_change: true, .. })), "{done:?}");
    assert_eq!(house.does(ROOT, Action::FirstLogin {}).await, Err(Refusal::PermissionDenied), "used");
    // Nothing but a new password, not even a look.
    let asked = Action::InviteManager(invite(BOSSS, None));
    assert_eq!(house.does(ANNA, asked.clone()).await, Err(Refusal::PermissionDenied));
    assert!(house.actions.may_still_view(&me, Permission::ViewInstallers, None).await.is_err());
    assert_eq!(house.does(ANNA, house.set_password("init", &first, &first)).await, Err(Refusal::Invalid));
    assert_eq!(
        house.does(ANNA, house.set_password("init", "wrong", "quite another word")).await,
        Err(Refusal::PermissionDenied)
    );
    house.does(ANNA, house.set_password("init", &first, "quite another word")).await.expect("set");
    // S2.
    let told = |notice: Option<&'static str>| notice.unwrap_or("-").split(':').next().unwrap_or_default().to_owned();
    assert_eq!(told(house.actions.notice_for(&me).await), "invite the first manager");
    let token = match house.does(ANNA, asked).await {
        Ok(Done::Invited { link, .. }) => link.expose().rsplit('/').next().expect("a token").to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(house.does(ANNA, Action::DeactivateInit {}).await, Err(Refusal::InUse), "nobody else is there");
    house.does(BOSS, house.accept(&token, "green tea at five")).await.expect("accepted");
    assert_eq!(told(house.actions.notice_for(&me).await), "deactivate the init account");
    assert_eq!(told(house.actions.first_start_notice().await.expect("read")), "deactivate the init account");
    house.does(ANNA, Action::DeactivateInit {}).await.expect("deactivated");
    assert_eq!(house.actions.first_start_notice().await.expect("read"), None);
    assert_eq!(house.actions.who_am_i(&me).await.expect("read").person, None, "the session ended");
    assert_eq!(house.does(ANNA, house.login("init", "quite another word")).await, Err(Refusal::PermissionDenied));
    let house = house.restarted(Mail::None).await;
    assert_eq!(house.actions.first_start_notice().await.expect("read"), None, "it does not come back");
}

#[tokio::test]
async fn who_logged_in_acts_in_that_name_until_suspended_or_removed() {
    let house = House::new(Mail::None, Directory::Own).await;
    house.there(Action::InviteInstaller(invite(ANNAS, None)), "green tea at five").await;
    let login = || house.login(ANNAS, "green tea at five");
    let done = house.does(ANNA, login()).await;
    assert!(matches!(done, Ok(Done::LoggedIn { must_change: false, last_login: None, .. })), "{done:?}");
    // An installer's role does not let her invite others; the log names her.
    assert_eq!(
        house.does(ANNA, Action::InviteInstaller(invite("eve@example.org", None))).await,
        Err(Refusal::PermissionDenied)
    );
    let line = house.log().await.pop().expect("a line");
    assert_eq!((line.actor.as_str(), line.role.as_str()), (ANNAS, role_name::INSTALLER));
    let seen = |person: Option<crate::store::Person>| person.map(|person| person.name.to_string());
    let me = actor(ANNA);
    house.does(ROOT, Action::SuspendPerson(of(ANNAS))).await.expect("suspended");
    assert_eq!(seen(house.actions.who_am_i(&me).await.expect("read").person), None);
    assert_eq!(house.does(ANNA, login()).await, Err(Refusal::AccountSuspended));
    house.does(ROOT, Action::ResumePerson(of(ANNAS))).await.expect("resumed");
    let done = house.does(ANNA, login()).await;
    assert!(matches!(done, Ok(Done::LoggedIn { last_login: Some(_), .. })), "{done:?}");
    house
        .does(ROOT, Action::SetMayUpdateSoftware(MayUpdateSoftware { person: email(ANNAS), may: true }))
        .await
        .expect("set");
    assert!(house.actions.people(None).await.expect("read")[0].may_update_software);
    house.does(ROOT, Action::RemovePerson(of(ANNAS))).await.expect("removed");
    assert_eq!(seen(house.actions.who_am_i(&me).await.expect("read").person), None);
    assert_eq!(house.does(ANNA, login()).await, Err(Refusal::PermissionDenied), "as if she had never been");
    assert_eq!(house.does(ROOT, Action::ResumePerson(of(ANNAS))).await, Err(Refusal::NotFound));
    // P5: back as invited; the password is gone for good.
    let restored = house.store.write(Urgency::Now, |tx| tx.restore_person(&email(ANNAS).into())).await;
    assert!(restored.expect("restored"));
    let back = house.actions.people(None).await.expect("read").remove(0);
    assert_eq!((back.status, back.may_update_software), (PersonStatus::Invited, false));
    assert_eq!(house.does(ANNA, login()).await, Err(Refusal::PermissionDenied));
}

/// P4, P5.
#[tokio::test]
async fn who_is_not_super_admin_asks_for_a_removal_and_a_removed_person_comes_back_as_invited() {
    let house = House::new(Mail::None, Directory::Own).await;
    house.there(Action::InviteManager(invite(BOSSS, None)), "green tea at five").await;
    house.there(Action::InviteInstaller(invite(ANNAS, None)), "black tea at nine").await;
    house.does(ROOT, Action::AddAccount(account("carl@example.org"))).await.expect("added");
    house.does(BOSS, house.login(BOSSS, "green tea at five")).await.expect("logged in");
    house.does(ANNA, house.login(ANNAS, "black tea at nine")).await.expect("logged in");
    let decide = |request| Action::DecideRequest(DecideRequest { request, approve: true });
    for (action, there) in [
        (Action::RemovePerson(of(ANNAS)), true),
        (Action::RemoveAccount(account("carl@example.org")), true),
        (Action::RemovePerson(of("nobody@example.org")), false),
    ] {
        let asked = house.does(BOSS, action.clone()).await;
        let Ok(Done::Requested { request }) = asked else {
            assert_eq!((asked, there), (Err(Refusal::NotFound), false), "{action:?}");
            continue;
        };
        assert_eq!(house.does(BOSS, decide(request)).await, Err(Refusal::PermissionDenied), "one's own");
        assert_eq!(
            house.actions.people(Some(PersonKind::Installer)).await.expect("read").len(),
            usize::from(matches!(action, Action::RemovePerson(_)),)
        );
        assert_eq!(house.does(ROOT, decide(request)).await, Ok(Done::Changed), "{action:?}");
    }
    assert_eq!(house.actions.accounts(String::new()).await.expect("read"), []);
    let anna = actor(ANNA);
    assert_eq!(house.actions.who_am_i(&anna).await.expect("read").person, None, "her session ended");
    // P7 counts who is there, P5 brings back who was.
    let holders = async || house.store.read(|view| view.role_holders(role_name::INSTALLER)).await.expect("read");
    assert_eq!(holders().await, 0);
    let deleted = house.actions.deleted_things().await.expect("read");
    assert_eq!(deleted.iter().map(|it| it.thing.name.as_str()).collect::<Vec<_>>(), [ANNAS], "no account");
    let restore = Action::RestoreDeleted(RestoreDeleted { deleted: deleted[0].id });
    assert_eq!(house.does(BOSS, restore.clone()).await, Err(Refusal::PermissionDenied));
    assert_eq!(house.does(ROOT, restore).await, Ok(Done::Changed));
    assert_eq!(holders().await, 1);
    assert_eq!(house.does(ANNA, house.login(ANNAS, "black tea at nine")).await, Err(Refusal::PermissionDenied));
    let token = house.invited(Action::InviteInstaller(invite(ANNAS, None))).await;
    house.does(ANNA, house.accept(&token, "a word of my own")).await.expect("accepted");
    house.does(ANNA, house.login(ANNAS, "a word of my own")).await.expect("logged in");
}

#[tokio::test]
async fn nobody_gives_or_takes_what_is_above_themselves() {
    let house = House::new(Mail::None, Directory::Own).await;
    house.there(Action::InviteManager(invite(BOSSS, None)), "green tea at five").await;
    house
        .there(Action::InviteManager(invite("top@example.org", Some(role_name::SUPER_ADMIN))), "green tea at five")
        .await;
    house.invited(Action::InviteManager(invite("next@example.org", Some(role_name::SUPER_ADMIN)))).await;
    house.does(BOSS, house.login(BOSSS, "green tea at five")).await.expect("logged in");
    let unnamed = house.does(u32::MAX, house.login(BOSSS, "green tea at five")).await;
    assert_eq!(unnamed, Err(Refusal::PermissionDenied), "whom the system does not name");
    for (action, refusal) in [
        (Action::InviteManager(invite("x@example.org", Some(role_name::SUPER_ADMIN))), Refusal::PermissionDenied),
        (Action::InviteManager(invite("x@example.org", Some("King"))), Refusal::NotFound),
        (Action::InviteManager(invite("next@example.org", None)), Refusal::PermissionDenied),
        (Action::SuspendPerson(of("top@example.org")), Refusal::PermissionDenied),
        (Action::RemovePerson(of("top@example.org")), Refusal::PermissionDenied),
        (Action::ResetPassword(of("top@example.org")), Refusal::PermissionDenied),
        (Action::SuspendPerson(of("nobody@example.org")), Refusal::NotFound),
        (Action::ResetPassword(of(BOSSS)), Refusal::MailNotConfigured),
    ] {
        assert_eq!(house.does(BOSS, action.clone()).await, Err(refusal), "{action:?}");
    }
    house.does(BOSS, Action::InviteManager(invite("x@example.org", Some(role_name::OPERATOR)))).await.expect("invited");
}

#[tokio::test]
async fn wrong_passwords_cost_time_and_a_restart_makes_it_no_shorter() {
    let house = House::new(Mail::None, Directory::Own).await;
    house.there(Action::InviteInstaller(invite(ANNAS, None)), "green tea at five").await;
    let said = |refused: Refused| (refused.refusal, refused.text);
    let wrong = house.actions.perform(&actor(ANNA), house.login(ANNAS, "wrong")).await.map_err(said);
    let nobody = house.actions.perform(&actor(ANNA), house.login("nobody@example.org", "wrong")).await.map_err(said);
    assert_eq!(wrong, nobody, "who is not there is refused in the same words");
    house.does(ANNA, house.login(ANNAS, "green tea at five")).await.expect("a right one begins anew");
    for n in 0..5 {
        assert_eq!(house.does(ANNA, house.login(ANNAS, "wrong")).await, Err(Refusal::PermissionDenied), "{n}");
    }
    let right = house.login(ANNAS, "green tea at five");
    assert_eq!(house.does(ANNA, right.clone()).await, Err(Refusal::LockedOut), "even the right one waits");
    assert_eq!(house.does(BOSS, right.clone()).await, Err(Refusal::LockedOut), "from elsewhere too");
    let other = house.does(ANNA, house.login("other@example.org", "wrong")).await;
    assert_eq!(other, Err(Refusal::LockedOut), "and whoever is tried from there");
    let house = house.restarted(Mail::None).await;
    assert_eq!(house.does(ANNA, right).await, Err(Refusal::LockedOut), "after a restart");
}

#[tokio::test]
async fn guessing_at_full_speed_from_eight_sources_gets_five_answers() {
    let house = House::new(Mail::None, Directory::Own).await;
    house.there(Action::InviteInstaller(invite(ANNAS, None)), "green tea at five").await;
    let wrong = house.login(ANNAS, "wrong");
    let tries = (0..400).map(|n| house.does(2000 + n % 8, wrong.clone()));
    let answers = futures_util::future::join_all(tries).await;
    let count = |refusal| answers.iter().filter(|answer| **answer == Err(refusal)).count();
    assert_eq!((count(Refusal::PermissionDenied), count(Refusal::LockedOut)), (5, 395));
    assert_eq!(house.log().await.iter().filter(|line| line.action == "login").count(), 400, "each leaves a line");
}

#[tokio::test]
async fn a_reset_password_is_mailed_and_the_old_one_stays_until_a_new_one_is_set() {
    let house = House::new(Mail::None, Directory::Own).await;
    house.there(Action::InviteInstaller(invite(ANNAS, None)), "green tea at five").await;
    let house = house.restarted(Mail::Queue).await;
    assert_eq!(house.does(ROOT, Action::ResetPassword(of(ANNAS))).await, Ok(Done::Mailed { to: email(ANNAS) }));
    let one_time = password_in(&house.mailed().await);
    let done = house.does(ANNA, house.login(ANNAS, "green tea at five")).await;
    assert!(matches!(done, Ok(Done::LoggedIn { must_change: false, .. })), "{done:?}");
    let done = house.does(ANNA, house.login(ANNAS, &one_time)).await;
    assert!(matches!(done, Ok(Done::LoggedIn { must_change: true, .. })), "{done:?}");
    house.does(ANNA, house.set_password(ANNAS, &one_time, "a word of my own")).await.expect("set");
    for (password, good) in [(one_time.as_str(), false), ("green tea at five", false), ("a word of my own", true)] {
        assert_eq!(house.does(ANNA, house.login(ANNAS, password)).await.is_ok(), good, "{password}");
    }
}

#[tokio::test]
async fn accounts_live_as_the_rules_say() {
    let house = House::new(Mail::Queue, Directory::Own).await;
    let carl = || account("carl@example.org");
    let status = async || house.actions.accounts("carl".into()).await.expect("read").first().map(|a| a.status);
    for missing in [Action::ResetAccount(carl()), Action::SuspendAccount(carl()), Action::RemoveAccount(carl())] {
        assert_eq!(house.does(ROOT, missing).await, Err(Refusal::AccountNotFound));
    }
    house.does(ROOT, Action::AddAccount(carl())).await.expect("added");
    assert_eq!(house.does(ROOT, Action::AddAccount(carl())).await, Err(Refusal::InUse));
    assert_eq!(status().await, Some(AccountStatus::NotConfirmed));
    let set = |current: &str, new: &str| {
        let (current, new) = (house.seal(current), house.seal(new));
        Action::SetAccountPassword(SetAccountPassword { account: email("carl@example.org"), current, new })
    };
    let first = password_in(&house.mailed().await);
    assert_eq!(house.does(ROOT, set("wrong", "a word of my own")).await, Err(Refusal::PermissionDenied));
    house.does(ROOT, set(&first, "a word of my own")).await.expect("set");
    assert_eq!(status().await, Some(AccountStatus::Active));
    assert_eq!(house.does(ROOT, set(&first, "yet another word")).await, Err(Refusal::PermissionDenied), "used");
    // A5: with the one-time password or with the old one.
    house.does(ROOT, Action::ResetAccount(carl())).await.expect("mailed");
    house.does(ROOT, set("a word of my own", "my second word")).await.expect("the old one is still good");
    house.does(ROOT, Action::SuspendAccount(carl())).await.expect("suspended");
    assert_eq!(status().await, Some(AccountStatus::Suspended));
    assert_eq!(house.does(ROOT, Action::ResetAccount(carl())).await, Err(Refusal::AccountSuspended));
    house.does(ROOT, Action::ResumeAccount(carl())).await.expect("resumed");
    assert_eq!(status().await, Some(AccountStatus::Active));
    house.does(ROOT, Action::RemoveAccount(carl())).await.expect("removed");
    assert_eq!(status().await, None);
}

#[tokio::test]
async fn with_a_cloud_the_accounts_are_the_clouds() {
    let house = House::new(Mail::Queue, Directory::Cloud).await;
    let carl = || account("carl@example.org");
    for action in [
        Action::AddAccount(carl()),
        Action::ResetAccount(carl()),
        Action::SuspendAccount(carl()),
        Action::ResumeAccount(carl()),
        Action::RemoveAccount(carl()),
    ] {
        assert_eq!(house.does(ROOT, action.clone()).await, Err(Refusal::Unsupported), "{action:?}");
    }
}

#[tokio::test]
async fn without_mail_nothing_is_reset_and_a_queue_that_is_full_changes_nothing() {
    let house = House::new(Mail::None, Directory::Own).await;
    house.does(ROOT, Action::AddAccount(account("carl@example.org"))).await.expect("added all the same");
    let reset = Action::ResetAccount(account("carl@example.org"));
    assert_eq!(house.does(ROOT, reset).await, Err(Refusal::MailNotConfigured));
    let house = house.restarted(Mail::Queue).await;
    for n in 0..200 {
        let who = format!("p{n}@example.org");
        house.does(ROOT, Action::InviteInstaller(invite(&who, None))).await.expect("invited");
    }
    let full = house.does(ROOT, Action::InviteInstaller(invite("last@example.org", None))).await;
    assert_eq!(full, Err(Refusal::Busy));
    assert_eq!(house.actions.people(None).await.expect("read").len(), 201, "init and two hundred");
}

#[tokio::test]
async fn the_cloud_gets_no_link_and_logs_nobody_in() {
    let house = House::new(Mail::None, Directory::Own).await;
    let cloud = Actor::broker();
    let login = house.actions.perform(&cloud, house.login("init", "whatever")).await;
    assert_eq!(login.map_err(|refused| refused.refusal), Err(Refusal::Unsupported));
    let entry = Entry::new(&cloud, "invite_installer", None);
    let super_admin = house.actions.standing(&actor(ROOT)).await.expect("root");
    let asked = invite(ANNAS, None);
    let done = house.actions.invite(&super_admin, PersonKind::Installer, asked, &entry).await;
    assert_eq!(done.map_err(|refused| refused.refusal), Err(Refusal::MailNotConfigured));
}

#[tokio::test]
async fn no_secret_of_people_is_logged_or_kept_in_clear() {
    let house = House::new(Mail::Queue, Directory::Own).await;
    house.does(ROOT, Action::InviteInstaller(invite(ANNAS, None))).await.expect("invited");
    let mail = house.mailed().await;
    let link = mail.lines().find(|line| line.starts_with("https://box/invitation/")).expect("a link");
    let token = link.rsplit('/').next().expect("a token").to_owned();
    house.does(ANNA, house.accept(&token, "green tea at five")).await.expect("accepted");
    house.does(ROOT, Action::ResetPassword(of(ANNAS))).await.expect("mailed");
    let one_time = password_in(&house.mailed().await);
    house.does(ANNA, house.login(ANNAS, "green tea at nine")).await.expect_err("wrong");
    house.does(ANNA, house.login(ANNAS, "green tea at five")).await.expect("logged in");
    let temporary = match house.does(ROOT, Action::FirstLogin {}).await {
        Ok(Done::TemporaryPassword { password }) => password.expose().to_owned(),
        other => panic!("{other:?}"),
    };
    let secrets = [token.as_str(), "green tea at five", "green tea at nine", &one_time, &temporary];
    let log = format!("{:?}", house.log().await);
    house.store.close().await;
    let files: Vec<Vec<u8>> = std::fs::read_dir(house.dir.path())
        .expect("listed")
        .map(|entry| std::fs::read(entry.expect("an entry").path()).expect("read"))
        .collect();
    for secret in secrets {
        assert!(!log.contains(secret), "{secret} in the log");
        let found = |file: &Vec<u8>| file.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!files.iter().any(found), "{secret} on the disk");
    }
}

fn account_gone(whose: &str) -> Action {
    Action::RemoveAccount(account(whose))
}

fn decide(request: u64, approve: bool) -> Action {
    Action::DecideRequest(DecideRequest { request, approve })
}

impl House {
    async fn asked(&self, uid: u32, action: Action) -> u64 {
        match self.does(uid, action).await {
            Ok(Done::Requested { request }) => request,
            other => panic!("no request: {other:?}"),
        }
    }
}

/// A house with an account, two managers who accepted, and a role for the box's users that decides requests.
async fn desk() -> House {
    let house = House::new(Mail::None, Directory::Own).await;
    house.there(Action::InviteManager(invite(ANNAS, None)), "green tea at five").await;
    house.there(Action::InviteManager(invite(BOSSS, None)), "black tea at five").await;
    house.does(ROOT, Action::AddAccount(account("carl@example.org"))).await.expect("added");
    let edit = EditRole {
        role: "Installer".parse().expect("a name"),
        add: [Permission::DecideRequests].into(),
        remove: Default::default(),
    };
    house.does(ROOT, Action::EditRole(edit)).await.expect("edited");
    house
}

#[tokio::test]
async fn nobody_decides_their_own_request_by_logging_in_or_out() {
    let house = desk().await;
    let anna = || house.login(ANNAS, "green tea at five");
    // As a person, then as the system user that she acted through.
    house.does(ANNA, anna()).await.expect("in");
    let request = house.asked(ANNA, account_gone("carl@example.org")).await;
    house.does(ANNA, Action::Logout {}).await.expect("out");
    assert_eq!(house.does(ANNA, decide(request, true)).await, Err(Refusal::PermissionDenied), "logged out");
    // As the same person through another system user.
    house.does(BOSS, anna()).await.expect("in");
    assert_eq!(house.does(BOSS, decide(request, true)).await, Err(Refusal::PermissionDenied), "elsewhere");
    house.does(BOSS, Action::Logout {}).await.expect("out");
    // As a system user, then as the person behind it.
    let other = house.asked(ANNA, account_gone("carl@example.org")).await;
    house.does(ANNA, anna()).await.expect("in");
    assert_eq!(house.does(ANNA, decide(other, true)).await, Err(Refusal::PermissionDenied), "logged in");
    // Somebody else who proved who they are, at the same desk.
    house.does(ANNA, house.login(BOSSS, "black tea at five")).await.expect("in");
    assert_eq!(house.does(ANNA, decide(request, false)).await, Ok(Done::Changed));
    house.does(ANNA, Action::Logout {}).await.expect("out");
    assert_eq!(house.does(BOSS, decide(other, true)).await, Ok(Done::Changed), "another system user");
}

#[tokio::test]
async fn what_somebody_asked_for_is_not_done_after_they_were_suspended_or_removed() {
    let house = desk().await;
    house.does(ANNA, house.login(ANNAS, "green tea at five")).await.expect("in");
    let requests = [
        house.asked(ANNA, account_gone("carl@example.org")).await,
        house.asked(ANNA, account_gone("carl@example.org")).await,
    ];
    house.does(ROOT, Action::SuspendPerson(of(ANNAS))).await.expect("suspended");
    assert_eq!(house.does(ROOT, decide(requests[0], true)).await, Err(Refusal::PermissionDenied));
    house.does(ROOT, Action::RemovePerson(of(ANNAS))).await.expect("removed");
    assert_eq!(house.does(ROOT, decide(requests[1], true)).await, Err(Refusal::PermissionDenied));
    let carl = email("carl@example.org");
    assert!(house.store.read(move |view| view.account(&carl)).await.expect("read").is_some());
}

#[tokio::test]
async fn a_refused_action_leaves_a_log_line_that_is_short_and_shows_what_it_holds() {
    let house = House::new(Mail::None, Directory::Own).await;
    let trick = format!("\u{1b}[2Jroot\u{202e}{}", "x".repeat(60_000));
    let add = Action::AddCategory(NewName { name: trick.clone() });
    assert!(house.does(ANNA, add).await.is_err());
    let gone = Action::DeleteCategory(Named { name: trick });
    assert!(house.does(ANNA, gone).await.is_err());
    for line in house.log().await {
        for text in [line.subject.unwrap_or_default(), line.text.unwrap_or_default()] {
            assert!(text.chars().count() <= 1000, "{} characters", text.chars().count());
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
        }
    }
}

#[tokio::test]
async fn a_box_has_room_for_so_many_people() {
    let house = House::new(Mail::None, Directory::Own).await;
    house.invited(Action::InviteInstaller(invite(ANNAS, None))).await;
    let anna = PersonName::from(email(ANNAS));
    let fill = move |tx: &mut crate::store::Tx<'_>| {
        let anna = tx.person(&anna)?.expect("there");
        (2..Listed::People.most()).try_for_each(|n| {
            let name = email(&format!("n{n}@example.org")).into();
            tx.put_person(&crate::store::Person { name, ..anna.clone() })
        })
    };
    house.store.write(Urgency::Now, fill).await.expect("filled");
    assert_eq!(house.does(ROOT, Action::InviteInstaller(invite(BOSSS, None))).await, Err(Refusal::Busy));
    assert!(house.does(ROOT, Action::InviteInstaller(invite(ANNAS, None))).await.is_ok(), "she is invited already");
}
