use std::collections::BTreeMap;

use panel_model::{Field, Slot};

use crate::payload::{DesiredDocument, DesiredUser};

/// A value that was wished for, and that the panel answers by itself.
pub(super) type Path = (Slot, Field);

/// The document with one user changed; what is not said of the user stays as it was wished before.
pub(super) fn with_user(
    old: Option<DesiredDocument>,
    slot: Slot,
    change: Option<DesiredUser>,
    newer_than: u64,
) -> DesiredDocument {
    let mut document = old.unwrap_or(DesiredDocument { version: 0, users: BTreeMap::new() });
    let user = change.map(|change| {
        let before = document.users.remove(&slot).flatten().unwrap_or_default();
        DesiredUser {
            code: change.code.or(before.code),
            label: change.label.or(before.label),
            role: change.role.or(before.role),
            partitions: change.partitions.or(before.partitions),
        }
    });
    document.users.insert(slot, user);
    raised(document, newer_than)
}

/// The document with a version that the box will take: its own, or the next one that is free.
pub(super) fn raised(mut document: DesiredDocument, newer_than: u64) -> DesiredDocument {
    document.version = document.version.max(newer_than.saturating_add(1));
    document
}

/// What is wished for one user.
pub(super) fn paths(slot: Slot, user: Option<&DesiredUser>) -> Vec<Path> {
    let Some(user) = user else { return vec![(slot, Field::Code)] };
    let fields = [
        (Field::Code, user.code.is_some()),
        (Field::Label, user.label.is_some()),
        (Field::Partitions, user.partitions.is_some()),
        (Field::Role, user.role.is_some()),
    ];
    fields.into_iter().filter(|(_, wished)| *wished).map(|(field, _)| (slot, field)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::SealedCode;

    fn slot(n: u32) -> Slot {
        Slot::new(n).expect("in range")
    }

    fn labelled(label: &str) -> DesiredUser {
        DesiredUser { label: Some(label.into()), ..DesiredUser::default() }
    }

    #[test]
    fn one_user_changes_and_the_others_stay() {
        let coded = DesiredUser { code: Some(SealedCode { sealed: "x".into() }), ..labelled("Anna") };
        let old = DesiredDocument { version: 7, users: BTreeMap::from([(slot(4), Some(coded)), (slot(5), None)]) };
        let new = with_user(Some(old.clone()), slot(4), Some(labelled("Berta")), 9);
        assert_eq!(new.version, 10, "newer than whatever was seen");
        let user = new.users[&slot(4)].clone().expect("there");
        assert_eq!((user.label.as_deref(), user.code.is_some()), (Some("Berta"), true), "the code stays as wished");
        assert_eq!(new.users[&slot(5)], None);
        assert_eq!(with_user(Some(old), slot(4), None, 7).users[&slot(4)], None);
        let first = with_user(None, slot(6), Some(labelled("Carla")), 0);
        assert_eq!((first.version, first.users.len()), (1, 1));
    }

    #[test]
    fn a_version_is_kept_where_it_is_newer() {
        let document = DesiredDocument { version: 12, users: BTreeMap::new() };
        assert_eq!(raised(document.clone(), 11).version, 12);
        assert_eq!(raised(document, 12).version, 13);
    }

    #[test]
    fn each_wished_value_is_a_path_and_a_removed_user_is_its_code() {
        assert_eq!(paths(slot(4), Some(&labelled("Anna"))), [(slot(4), Field::Label)]);
        assert_eq!(paths(slot(4), None), [(slot(4), Field::Code)]);
        assert!(paths(slot(4), Some(&DesiredUser::default())).is_empty());
    }
}
