use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a wish was not granted: the product's stable codes, one spelling for every door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// U3: length or digits do not suit the panel.
    CodeFormat,
    /// U4, U8: the slot has no code, hence no user.
    CodeNotSet,
    /// U9: the code is taken, or must not be used. Never says by whom.
    CodeNotAvailable,
    /// U5: a master always has all partitions.
    MasterPartitionsFixed,
    /// U7: a master cannot be disabled.
    MasterCannotBeDisabled,
    /// U10: the panel has no such role for that slot.
    RoleNotSupported,
    /// U11: the panel has no such partition.
    PartitionNotAvailable,
    /// U12: the label is too long, empty or not showable.
    LabelFormat,
    /// The protocol or the panel cannot do it.
    Unsupported,
    /// I2: new code and confirmation differ.
    ConfirmationMismatch,
    /// I3: the installer code was not shown, or is wrong.
    InstallerCodeWrong,
    /// I3: too many wrong codes.
    LockedOut,
    /// I4: the installer is not assigned to the panel.
    NotAssigned,
    /// P1: the actor's role lacks the permission.
    PermissionDenied,
    /// P7, D8: something still depends on it.
    InUse,
    /// S3, S4: something has to be done before.
    Incomplete,
    /// A2: no such account.
    AccountNotFound,
    /// A3: the account is suspended.
    AccountSuspended,
    /// A5: no mail server is configured, and the action needs one.
    MailNotConfigured,
    /// A5: the mail server did not take the mail.
    MailNotDelivered,
    /// I6: the invitation was used, replaced, or is too old.
    InvitationExpired,
    /// There is no panel of that id.
    PanelNotFound,
    /// The panel's model has no such slot.
    SlotNotAvailable,
    /// There is no such thing: a zone, an output, an asset.
    NotFound,
    /// The sealed value could not be opened with the box's key.
    SealInvalid,
    /// The request is malformed; the text beside the code says how.
    Invalid,
    /// The panel is not reachable now, and the action needs it now.
    PanelOffline,
    /// The panel said no or did not answer; the text beside the code is the panel's own.
    PanelFailed,
    /// The panel cannot do it in its present state, or too much is waiting; try again later.
    Busy,
    /// A newer version of the document was already accepted.
    VersionConflict,
    /// The box could not store the wish; nothing was changed.
    StorageFailed,
}

impl Refusal {
    /// The stable code, as in payloads.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().0
    }

    /// A sentence for a person: what is wrong and what to do.
    #[must_use]
    pub fn hint(self) -> &'static str {
        self.row().1
    }

    fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::CodeFormat => {
                ("code_format", "the code does not have the length or the digits that this panel takes")
            }
            Self::CodeNotSet => ("code_not_set", "the slot has no code; set a code first"),
            Self::CodeNotAvailable => {
                ("code_not_available", "this code cannot be used on this panel; choose another one")
            }
            Self::MasterPartitionsFixed => ("master_partitions_fixed", "a master always has all partitions"),
            Self::MasterCannotBeDisabled => {
                ("master_cannot_be_disabled", "a master cannot be disabled; set a new code instead")
            }
            Self::RoleNotSupported => ("role_not_supported", "this panel has no such role for that slot"),
            Self::PartitionNotAvailable => ("partition_not_available", "this panel has no such partition"),
            Self::LabelFormat => {
                ("label_format", "the label is empty, too long, or has characters that this panel cannot show")
            }
            Self::Unsupported => ("unsupported", "this panel or its connection cannot do that"),
            Self::ConfirmationMismatch => ("confirmation_mismatch", "the two entries differ"),
            Self::InstallerCodeWrong => ("installer_code_wrong", "the panel's installer code is missing or wrong"),
            Self::LockedOut => ("locked_out", "too many wrong codes; wait before the next try"),
            Self::NotAssigned => ("not_assigned", "this installer is not assigned to this panel"),
            Self::PermissionDenied => ("permission_denied", "the role does not permit this"),
            Self::InUse => ("in_use", "something else still depends on it"),
            Self::Incomplete => ("incomplete", "something has to be done before"),
            Self::AccountNotFound => ("account_not_found", "there is no such account"),
            Self::AccountSuspended => ("account_suspended", "the account is suspended"),
            Self::MailNotConfigured => (
                "mail_not_configured",
                "this needs mail; give the configuration a section [mail] and restart the daemon",
            ),
            Self::MailNotDelivered => (
                "mail_not_delivered",
                "the mail server did not take the mail; check the address and the section [mail]",
            ),
            Self::InvitationExpired => {
                ("invitation_expired", "the invitation was used, replaced, or is too old; ask for a new one")
            }
            Self::PanelNotFound => {
                ("panel_not_found", "there is no panel of that name; `panelgate panels list` shows them")
            }
            Self::SlotNotAvailable => ("slot_not_available", "this panel has no such slot"),
            Self::NotFound => ("not_found", "there is no such thing"),
            Self::SealInvalid => ("seal_invalid", "the sealed code could not be opened; seal it to the key in `info`"),
            Self::Invalid => ("invalid", "the request is malformed"),
            Self::PanelOffline => ("panel_offline", "the panel is not reachable now"),
            Self::PanelFailed => ("panel_failed", "the panel said no or did not answer"),
            Self::Busy => {
                ("busy", "not possible at this moment, or too much is waiting already; try again in a moment")
            }
            Self::VersionConflict => ("version_conflict", "a newer version was already accepted"),
            Self::StorageFailed => ("storage_failed", "the box could not store it; nothing was changed"),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}
