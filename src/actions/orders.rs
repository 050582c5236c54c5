//! What a panel's capabilities say of orders that it is given at once, pure: refused here, nothing reaches the panel.

use panel_driver::Command;
use panel_model::{Access, Capabilities, LabelRules, Partition, Refusal, Zone};

/// Names a zone.
pub(super) fn zone_label(capabilities: &Capabilities, zone: Zone, text: &str) -> Result<Command, Refusal> {
    let rules = zone_labels(capabilities)?;
    has_zone(capabilities, zone)?;
    Ok(Command::SetZoneLabel { zone, label: rules.check(text)? })
}

/// Names a partition.
pub(super) fn partition_label(
    capabilities: &Capabilities,
    partition: Partition,
    text: &str,
) -> Result<Command, Refusal> {
    let rules = zone_labels(capabilities)?;
    has_partition(capabilities, partition)?;
    Ok(Command::SetPartitionLabel { partition, label: rules.check(text)? })
}

fn zone_labels(capabilities: &Capabilities) -> Result<LabelRules, Refusal> {
    capabilities.zone_labels.ok_or(Refusal::Unsupported)
}

/// Whether the installer code can be proved. Read-only is enough: proving writes nothing.
pub(super) fn provable(installer_code: Access) -> Result<(), Refusal> {
    if installer_code == Access::Unsupported { Err(Refusal::Unsupported) } else { Ok(()) }
}

pub(super) fn writable(access: Access) -> Result<(), Refusal> {
    if access.writable() { Ok(()) } else { Err(Refusal::Unsupported) }
}

pub(super) fn has_zone(capabilities: &Capabilities, zone: Zone) -> Result<(), Refusal> {
    if zone.number() <= capabilities.zones { Ok(()) } else { Err(Refusal::NotFound) }
}

pub(super) fn has_partition(capabilities: &Capabilities, partition: Partition) -> Result<(), Refusal> {
    if capabilities.partitions.contains(partition) { Ok(()) } else { Err(Refusal::PartitionNotAvailable) }
}

#[cfg(test)]
mod tests {
    use panel_model::Charset;

    use super::super::rules_test::capabilities;
    use super::*;

    /// A panel with 16 zones and 2 partitions, whose labels hold 28 characters.
    fn with_labels() -> Capabilities {
        Capabilities { zone_labels: Some(LabelRules { max_chars: 28, charset: Charset::Utf16 }), ..capabilities() }
    }

    #[test]
    fn zones_and_partitions_are_named_by_the_panels_own_rules() {
        let zone = |n: u32, text: &str| zone_label(&with_labels(), Zone::new(n).expect("in range"), text);
        let partition =
            |n: u32, text: &str| partition_label(&with_labels(), Partition::new(n).expect("in range"), text);
        let (fitting, longer) = ("ü".repeat(28), "ü".repeat(29));
        for (what, order, refusal) in [
            ("as long as can be", zone(16, &fitting), None),
            ("one too long", zone(16, &longer), Some(Refusal::LabelFormat)),
            ("empty", zone(3, ""), Some(Refusal::LabelFormat)),
            ("padded", zone(3, " Hall"), Some(Refusal::LabelFormat)),
            ("not in the basic plane", zone(3, "Hall 🚪"), Some(Refusal::LabelFormat)),
            ("two lines", zone(3, "Hall\nway"), Some(Refusal::LabelFormat)),
            ("no such zone", zone(17, "Hall"), Some(Refusal::NotFound)),
            ("a partition", partition(2, "Shop"), None),
            ("too long for a partition", partition(2, &longer), Some(Refusal::LabelFormat)),
            ("no such partition", partition(3, "Shop"), Some(Refusal::PartitionNotAvailable)),
        ] {
            assert_eq!(order.as_ref().err().copied(), refusal, "{what}");
            let whole = match order {
                Ok(Command::SetZoneLabel { label, .. }) => label.as_str() == fitting,
                Ok(Command::SetPartitionLabel { label, .. }) => label.as_str() == "Shop",
                _ => refusal.is_some(),
            };
            assert!(whole, "{what}: nothing is cut");
        }
    }

    #[test]
    fn a_panel_whose_labels_cannot_be_written_refuses_them() {
        let zone = zone_label(&capabilities(), Zone::new(1).expect("in range"), "Hall");
        let partition = partition_label(&capabilities(), Partition::new(1).expect("in range"), "Shop");
        assert_eq!((zone, partition), (Err(Refusal::Unsupported), Err(Refusal::Unsupported)));
    }

    #[test]
    fn an_installer_code_can_be_proved_wherever_there_is_one() {
        for (access, can) in [
            (Access::ReadWrite, true),
            (Access::ReadOnly, true),
            (Access::WriteOnly, true),
            (Access::Unsupported, false),
        ] {
            assert_eq!(provable(access).is_ok(), can, "{access:?}");
        }
    }
}
