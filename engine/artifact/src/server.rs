//! The file server of artifacts: GET, HEAD and ranges on files, and nothing else.

use std::{fs, io};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::services::ServeFile;

use crate::{Blocking, Place, Storage};

/// Routes of the file server. `/` answers 200 without a listing: Flux's readiness probe asks for it.
pub fn router(storage: Storage) -> Router {
    Router::new()
        .route("/", get(|| async { StatusCode::OK }))
        .route("/{kind}/{namespace}/{name}/{file}", get(file))
        .with_state(storage)
}

type Names = (String, String, String, String);

async fn file(State(storage): State<Storage>, Path(names): Path<Names>, request: Request) -> Response {
    let (kind, namespace, name, file) = names;
    let path = Place::new(&kind, &namespace, &name).and_then(|place| storage.path(&place, &file));
    let Ok(path) = path else { return StatusCode::NOT_FOUND.into_response() };
    let path = storage.root().join(path);
    let looked_at = path.clone();
    match storage.blocking_runs().run(move || fs::symlink_metadata(looked_at)).await {
        Ok(metadata) if metadata.is_file() => {}
        _ => return StatusCode::NOT_FOUND.into_response(),
    }
    if storage.blocking_runs() == Blocking::InPlace {
        return whole(fs::read(path));
    }
    match ServeFile::new(path).try_call(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => unreadable(&error),
    }
}

/// A whole file, whatever part of it was asked for.
fn whole(bytes: io::Result<Vec<u8>>) -> Response {
    match bytes {
        Ok(bytes) => bytes.into_response(),
        Err(error) => unreadable(&error),
    }
}

fn unreadable(error: &io::Error) -> Response {
    tracing::warn!(error = error as &dyn std::error::Error, "an artifact cannot be read");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
