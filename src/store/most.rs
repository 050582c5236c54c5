//! How many a box keeps of what people add by hand: the lists are read whole, and the disk is small.

use super::column::Count;
use super::{StoreError, View};

/// A list that people add to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Managers and installers, those who were removed left out.
    People,
    /// Accounts of the customer application.
    Accounts,
    /// Storage codes, product categories and product models.
    Register,
    /// Assets.
    Assets,
}

impl Listed {
    /// How many there may be.
    #[must_use]
    pub fn most(self) -> u64 {
        match self {
            Self::People => 1000,
            Self::Accounts | Self::Register => 5000,
            Self::Assets => 10_000,
        }
    }
}

impl View<'_> {
    /// Whether there is no room for one more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_full(&self, list: Listed) -> Result<bool, StoreError> {
        let sql = match list {
            Listed::People => "SELECT count(*) FROM person WHERE deleted IS NULL",
            Listed::Accounts => "SELECT count(*) FROM account",
            Listed::Register => "SELECT count(*) FROM register",
            Listed::Assets => "SELECT count(*) FROM asset",
        };
        Ok(self.row(sql, [], |row| row.get::<_, Count>(0))?.is_some_and(|count| count.0 >= list.most()))
    }
}
