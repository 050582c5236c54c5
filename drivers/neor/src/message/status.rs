//! Status bytes of zones and partitions (dossier 3.7).

use panel_model::Partition;

use super::value::Mask;

/// Status byte of one zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ZoneStatus(pub u8);

#[allow(missing_docs, reason = "the names say it")]
impl ZoneStatus {
    pub const OPEN: u8 = 0x01;
    pub const TAMPER: u8 = 0x02;
    pub const FAULT: u8 = 0x04;
    pub const LOW_BATTERY: u8 = 0x08;
    pub const DELINQUENCY: u8 = 0x10;
    pub const ALARM: u8 = 0x20;
    pub const ALARM_MEMORY: u8 = 0x40;
    pub const BYPASSED: u8 = 0x80;

    /// Whether any of these bits is set.
    #[must_use]
    pub fn has(self, bits: u8) -> bool {
        self.0 & bits != 0
    }
}

/// Status bytes of one partition: two or more of them. Bits are named by byte and value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartitionStatus(pub Vec<u8>);

#[allow(missing_docs, reason = "the names say it")]
impl PartitionStatus {
    pub const ARMED: (usize, u8) = (0, 0x01);
    /// Byte 0 while disarmed.
    pub const READY: (usize, u8) = (0, 0x02);
    pub const READY_TO_FORCE: (usize, u8) = (0, 0x04);
    pub const NOT_READY: (usize, u8) = (0, 0x08);
    pub const WALK_TEST: (usize, u8) = (0, 0x10);
    /// Byte 0 while armed.
    pub const STAY: (usize, u8) = (0, 0x02);
    pub const AWAY: (usize, u8) = (0, 0x04);
    pub const NIGHT: (usize, u8) = (0, 0x08);
    pub const NO_ENTRY_DELAY: (usize, u8) = (0, 0x10);
    pub const EXIT_DELAY: (usize, u8) = (0, 0x20);
    pub const ENTRY_DELAY: (usize, u8) = (0, 0x40);
    pub const QUICK_EXIT: (usize, u8) = (0, 0x80);
    pub const IN_ALARM: (usize, u8) = (1, 0x01);
    pub const TROUBLE: (usize, u8) = (1, 0x02);
    pub const ZONES_BYPASSED: (usize, u8) = (1, 0x04);
    pub const PROGRAMMING: (usize, u8) = (1, 0x08);
    pub const ALARM_MEMORY: (usize, u8) = (1, 0x10);
    pub const CHIME: (usize, u8) = (1, 0x20);
    pub const BELL: (usize, u8) = (1, 0x40);
    pub const BUZZER: (usize, u8) = (1, 0x80);
    pub const FIRE_PRE_ALERT: (usize, u8) = (2, 0x01);
    pub const FIRE: (usize, u8) = (2, 0x02);

    /// Whether the bit is set; a byte that is not there has none.
    #[must_use]
    pub fn has(&self, (byte, bit): (usize, u8)) -> bool {
        self.0.get(byte).is_some_and(|b| b & bit != 0)
    }

    /// Sets a bit.
    pub fn set(&mut self, (byte, bit): (usize, u8)) {
        if self.0.len() <= byte {
            self.0.resize(byte + 1, 0);
        }
        if let Some(b) = self.0.get_mut(byte) {
            *b |= bit;
        }
    }
}

/// What the first field of 0812 is: implementations differ (dossier 3.7, "0812 pitfall").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PartitionForm {
    /// A mask of partitions, as the vendor's family has it; the number form is taken only where the mask does not
    /// fit the data.
    #[default]
    Mask,
    /// One partition's number.
    Number,
}

/// The answer to a request for 0812.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionReport {
    /// The first field as it came: a mask, or a number (`PartitionForm`).
    pub field: Vec<u8>,
    /// One status per partition.
    pub statuses: Vec<PartitionStatus>,
}

impl PartitionReport {
    /// Who has which status. `None`: the field does not fit the statuses in either form.
    #[must_use]
    pub fn by_partition(&self, form: PartitionForm) -> Option<Vec<(Partition, &PartitionStatus)>> {
        let mask = Mask(self.field.clone());
        let fits = mask.numbers().count() == self.statuses.len();
        if form == PartitionForm::Mask && fits {
            let of = |n| Partition::new(n).ok();
            return mask.numbers().zip(&self.statuses).map(|(n, status)| Some((of(n)?, status))).collect();
        }
        let number = self.field.iter().fold(0_u32, |n, b| n.saturating_mul(256).saturating_add(u32::from(*b)));
        match &*self.statuses {
            [status] => Some(vec![(Partition::new(number).ok()?, status)]),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(field: &[u8], statuses: usize) -> PartitionReport {
        PartitionReport { field: field.to_vec(), statuses: vec![PartitionStatus(vec![2, 0]); statuses] }
    }

    fn numbers(report: &PartitionReport, form: PartitionForm) -> Option<Vec<u8>> {
        Some(report.by_partition(form)?.iter().map(|(p, _)| p.number()).collect())
    }

    #[test]
    fn the_mask_form_wins_where_it_fits() {
        assert_eq!(numbers(&report(&[0b101], 2), PartitionForm::Mask), Some(vec![1, 3]));
        assert_eq!(numbers(&report(&[4], 1), PartitionForm::Mask), Some(vec![3]));
        assert_eq!(numbers(&report(&[4], 1), PartitionForm::Number), Some(vec![4]));
        assert_eq!(numbers(&report(&[3], 1), PartitionForm::Mask), Some(vec![3]), "two bits, one status: a number");
        assert_eq!(numbers(&report(&[7], 2), PartitionForm::Mask), None);
        assert_eq!(numbers(&report(&[0, 1], 1), PartitionForm::Mask), Some(vec![9]));
    }
}
