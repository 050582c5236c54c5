//! Proximity tags: who has one is read, as far as anybody knows how it is told.

use panel_driver::testkit::Failure;
use panel_driver::{Command, Outcome, Section};
use panel_model::{Evidence, Refusal};

use crate::bench::{online, slot, user};

const READ_BACK: Outcome = Outcome::Applied(Evidence::ReadBack);

#[test]
fn who_has_a_tag_is_read_with_the_users() -> Result<(), Failure> {
    let mut pair = online()?;
    assert_eq!(user(&pair, 6).and_then(|user| user.tag), Some(false), "none is enrolled");
    pair.poke("edit 6 tag on")?;
    assert_eq!(pair.ask(Command::Refresh(Section::Users))?, READ_BACK);
    let tag = |n| user(&pair, n).and_then(|user| user.tag);
    assert_eq!((tag(5), tag(6)), (Some(false), Some(true)));
    Ok(())
}

#[test]
fn tags_in_a_form_that_nobody_knows_are_not_guessed_at() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault odd_tags")?;
    pair.poke("edit 6 tag on")?;
    assert_eq!(pair.ask(Command::Refresh(Section::Users))?, READ_BACK);
    assert_eq!(user(&pair, 6).map(|user| user.tag), Some(None));
    Ok(())
}

#[test]
fn tags_cannot_be_given_over_the_service() -> Result<(), Failure> {
    let mut pair = online()?;
    for command in [Command::EnrolTag { slot: slot(6) }, Command::RemoveTag { slot: slot(6) }] {
        assert_eq!(pair.ask(command)?, Outcome::Refused(Refusal::Unsupported));
    }
    Ok(())
}
