use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use panel_model::Refusal;

use crate::actions::Refused;
use crate::api::{ApiProblem, PageError};
use crate::payload::JsonError;

/// An answer that is not the one asked for. What it says is meant for people; nothing internal is in it.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    problem: ApiProblem,
}

impl ApiError {
    /// There is nothing at this path.
    #[must_use]
    pub fn no_such_path() -> Self {
        Self::plain(StatusCode::NOT_FOUND, "not_found", "the API has no such path")
    }

    /// The path has no such method.
    #[must_use]
    pub fn no_such_method() -> Self {
        Self::plain(StatusCode::METHOD_NOT_ALLOWED, "invalid", "this path takes another method")
    }

    /// The request cannot be read.
    #[must_use]
    pub fn malformed(text: impl Into<String>) -> Self {
        Self::plain(StatusCode::BAD_REQUEST, "invalid", text)
    }

    /// The body is longer than any action is.
    #[must_use]
    pub fn too_long() -> Self {
        Self::plain(StatusCode::PAYLOAD_TOO_LARGE, "invalid", "the body is too long for an action")
    }

    /// The body does not come.
    #[must_use]
    pub fn too_slow() -> Self {
        Self::plain(StatusCode::REQUEST_TIMEOUT, "invalid", "the body did not arrive in time")
    }

    fn plain(status: StatusCode, refusal: &str, text: impl Into<String>) -> Self {
        Self { status, problem: ApiProblem { refusal: refusal.to_owned(), text: text.into(), hint: None } }
    }
}

/// The one table from refusals to statuses.
fn status(refusal: Refusal) -> StatusCode {
    use Refusal as R;
    match refusal {
        R::PermissionDenied | R::NotAssigned | R::InstallerCodeWrong => StatusCode::FORBIDDEN,
        R::InvitationExpired => StatusCode::GONE,
        R::PanelNotFound | R::SlotNotAvailable | R::NotFound | R::AccountNotFound => StatusCode::NOT_FOUND,
        R::InUse | R::Incomplete | R::VersionConflict => StatusCode::CONFLICT,
        R::LockedOut | R::Busy => StatusCode::TOO_MANY_REQUESTS,
        R::PanelOffline | R::StorageFailed | R::MailNotDelivered => StatusCode::SERVICE_UNAVAILABLE,
        R::Invalid => StatusCode::BAD_REQUEST,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let hint = refused.refusal.hint();
        let hint = (hint != refused.text).then(|| hint.to_owned());
        let problem = ApiProblem { refusal: refused.refusal.code().to_owned(), text: refused.text, hint };
        Self { status: status(refused.refusal), problem }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::plain(status(refusal), refusal.code(), refusal.hint())
    }
}

impl From<PageError> for ApiError {
    fn from(error: PageError) -> Self {
        Self::malformed(error.to_string())
    }
}

impl From<JsonError> for ApiError {
    fn from(error: JsonError) -> Self {
        Self::malformed(error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.problem)).into_response()
    }
}
