/// Why there is no connection to the broker. Everything here is told to people; nothing in it is a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// Nobody answers, or the answer stays out.
    #[error("cannot reach the broker: {0}")]
    Unreachable(String),
    /// The broker does not let us in.
    #[error("the broker refuses the connection: {0}")]
    Refused(String),
    /// TLS does not come about: somebody's certificate is not trusted.
    #[error("no TLS with the broker: {0}")]
    Tls(String),
    /// A certificate or key file cannot be used.
    #[error("{0}")]
    Files(String),
    /// Another client with our name took the session over.
    #[error("another client connected as `{0}`; two gateways must not share an id")]
    TakenOver(String),
    /// The connection was there and broke.
    #[error("the connection to the broker broke: {0}")]
    Lost(String),
    /// The broker sends what we cannot take.
    #[error(
        "the broker has a message of {size} bytes for us, and {limit} is our limit: clear the retained `desired` topic that holds it"
    )]
    TooLarge {
        /// Bytes of the packet.
        size: usize,
        /// Bytes that we take.
        limit: u32,
    },
    /// We ended the connection.
    #[error("disconnected")]
    Closed,
}

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It may pass by itself.
    Soon,
    /// A person has to change something: trying often would only fill logs and trip lock-outs.
    Slowly,
}

impl CloudError {
    /// When to try again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unreachable(_) | Self::Lost(_) | Self::Closed => Retry::Soon,
            Self::Refused(_) | Self::Tls(_) | Self::Files(_) | Self::TakenOver(_) | Self::TooLarge { .. } => {
                Retry::Slowly
            }
        }
    }
}

/// Why one message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The connection ended before the broker acknowledged. It may have the message or not.
    #[error("the connection ended before the broker answered")]
    Lost,
    /// The broker says no.
    #[error("the broker refuses it: {0}")]
    Refused(String),
    /// The broker would not take a packet of that size.
    #[error("{size} bytes are more than the {limit} that the broker takes")]
    TooLarge {
        /// Bytes of topic and payload.
        size: usize,
        /// Bytes that fit.
        limit: usize,
    },
}
