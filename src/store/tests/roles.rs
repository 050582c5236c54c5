//! Roles, companies, requests and deleted things.

use super::*;
use crate::access::{Company, Permission, Role, default_roles, role_name};

fn role(name: &str, permissions: &[Permission]) -> Role {
    Role { name: name.parse().expect("a name"), permissions: permissions.iter().copied().collect() }
}

fn request(asker: &str) -> NewChangeRequest {
    NewChangeRequest {
        at: WallTime(5),
        asker: asker.into(),
        asker_uid: Some(1000),
        asker_name: "anna".into(),
        asker_role: "Operator".into(),
        door: "command_line".into(),
        company: Some("acme".parse().expect("an id")),
        permissions: [Permission::ViewRoles].into(),
        action: "delete_role".into(),
        body: "{}".into(),
    }
}

#[tokio::test]
async fn a_new_database_has_the_default_roles_and_a_deleted_one_does_not_come_back() {
    let (dir, store) = fresh();
    let mut expected = default_roles();
    expected.sort_by_key(|role| role.name.as_str().to_lowercase());
    assert_eq!(store.read(|view| view.roles()).await.expect("read"), expected);
    store.write(Urgency::Now, |tx| tx.delete_role(&"Operator".parse().expect("a name"))).await.expect("deleted");
    store.close().await;
    let store = open(dir.path());
    assert_eq!(store.read(|view| view.role("Operator")).await.expect("read"), None);
}

#[tokio::test]
async fn super_admin_has_every_permission_whatever_its_row_says() {
    let (_dir, store) = fresh();
    let got = store.write(Urgency::Now, |tx| {
        tx.put_role(&role(role_name::SUPER_ADMIN, &[]))?;
        tx.role("super admin")
    });
    assert_eq!(got.await.expect("stored").expect("there").permissions.len(), Permission::ALL.len());
}

#[tokio::test]
async fn capitals_make_no_second_role() {
    let (_dir, store) = fresh();
    let got = store.write(Urgency::Now, |tx| {
        tx.put_role(&role("Night shift", &[Permission::ViewUsers]))?;
        tx.put_role(&role("NIGHT SHIFT", &[Permission::ViewDevices]))?;
        tx.role("night shift")
    });
    assert_eq!(got.await.expect("stored"), Some(role("Night shift", &[Permission::ViewDevices])));
}

#[tokio::test]
async fn companies_and_participations_come_back_as_they_were_put() {
    let (_dir, store) = fresh();
    let company = |id: &str, parent: Option<&str>| Company {
        id: id.parse().expect("an id"),
        name: "Acme Ltd.".parse().expect("a name"),
        parent: parent.map(|id| id.parse().expect("an id")),
    };
    let tree = vec![company("acme", None), company("acme-north", Some("acme"))];
    let part = |role: &str| Participation {
        company: "acme".parse().expect("an id"),
        person: "anna@example.com".into(),
        role: role.parse().expect("a name"),
    };
    let (put, parts) = (tree.clone(), [part("Operator"), part("Installer")]);
    let got = store.write(Urgency::Now, move |tx| {
        put.iter().try_for_each(|company| tx.put_company(company))?;
        parts.iter().try_for_each(|part| tx.put_participation(part))?;
        let held = (tx.role_holders("Operator")?, tx.role_holders("installer")?);
        Ok((tx.companies()?, tx.participations()?, held))
    });
    assert_eq!(got.await.expect("stored"), (tree, vec![part("Installer")], (0, 1)));
}

#[tokio::test]
async fn a_request_is_decided_once_and_its_number_is_never_given_again() {
    let (_dir, store) = fresh();
    let got = store.write(Urgency::Now, |tx| {
        let id = tx.add_change_request(&request("uid:1000"))?;
        let first = tx.decide_change_request(id, RequestState::CarriedOut, (WallTime(9), "bert"), None)?;
        let again = tx.decide_change_request(id, RequestState::Refused, (WallTime(10), "carl"), Some("in_use"))?;
        Ok((id, first, again, tx.change_request(id)?))
    });
    let (id, first, again, kept) = got.await.expect("stored");
    assert_eq!((id, first, again), (1, true, false));
    let decided = Some((WallTime(9), "bert".to_owned()));
    let asked = request("uid:1000");
    assert_eq!(kept, Some(ChangeRequest { id, asked, state: RequestState::CarriedOut, decided, refusal: None }));
}

#[tokio::test]
async fn decided_requests_and_deleted_things_are_kept_to_a_number_and_open_ones_all() {
    let (_dir, store) = fresh();
    let got = store.write(Urgency::Now, |tx| {
        let open = tx.add_change_request(&request("uid:1"))?;
        for _ in 0..1100 {
            let id = tx.add_change_request(&request("uid:2"))?;
            tx.decide_change_request(id, RequestState::Refused, (WallTime(1), "bert"), None)?;
            tx.add_deleted_thing(&NewDeleted {
                kind: DeletedKind::Role,
                name: "Old".into(),
                body: "{}".into(),
                at: WallTime(1),
                by: "anna".into(),
                request: Some(id),
            })?;
        }
        Ok((tx.change_request(open)?.is_some(), tx.change_requests()?.len(), tx.deleted_things()?.len()))
    });
    assert_eq!(got.await.expect("stored"), (true, 1001, 1000));
}
