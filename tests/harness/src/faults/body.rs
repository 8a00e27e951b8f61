//! Answers whose bodies break, and streams of events that do not arrive as they were sent.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use futures::stream::{self, StreamExt as _};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, BodyStream, StreamBody};
use hyper::body::Frame;
use tower::BoxError;

use super::WatchFault;
use super::rates::Chance;

/// The body of an answer.
pub(super) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// The first half of a body, then an error or an early end.
pub(super) async fn cut(body: Body, is_error: bool) -> Body {
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let half = bytes.slice(..bytes.len() / 2);
    let broken: BoxError = std::io::Error::from(std::io::ErrorKind::ConnectionReset).into();
    let frames = [Ok(Frame::data(half))].into_iter().chain(is_error.then_some(Err(broken)));
    Body::new(StreamBody::new(stream::iter(frames)))
}

/// A stream of events, one a line, of which some are dropped, doubled or late, and which may end.
pub(super) fn events(body: Body, chance: Arc<Mutex<Chance>>) -> Body {
    let frames = BodyStream::new(body);
    let state = Some((Box::pin(frames), Vec::<u8>::new(), chance));
    let lines = stream::unfold(state, |state| async move {
        let (mut frames, mut rest, chance) = state?;
        loop {
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                let drawn = chance.lock().unwrap_or_else(PoisonError::into_inner).event();
                let data = |line: Vec<u8>| Ok::<_, BoxError>(Frame::data(Bytes::from(line)));
                match drawn.filter(|_| !is_bookmark(&line)) {
                    None => return Some((data(line), Some((frames, rest, chance)))),
                    Some(WatchFault::Dropped) => continue,
                    Some(WatchFault::Duplicated) => {
                        return Some((data([line.clone(), line].concat()), Some((frames, rest, chance))));
                    }
                    Some(WatchFault::Delayed(delay)) => {
                        tokio::time::sleep(delay).await;
                        return Some((data(line), Some((frames, rest, chance))));
                    }
                    Some(WatchFault::Ended) => return None,
                    Some(WatchFault::Expired) => return Some((data(EXPIRED.as_bytes().to_vec()), None)),
                }
            }
            match frames.next().await? {
                Ok(frame) => rest.extend(frame.into_data().unwrap_or_default()),
                Err(error) => return Some((Err(error), None)),
            }
        }
    });
    Body::new(StreamBody::new(lines))
}

const EXPIRED: &str = concat!(
    r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","#,
    r#""message":"too old resource version","reason":"Expired","code":410}}"#,
    "\n"
);

fn is_bookmark(line: &[u8]) -> bool {
    line.starts_with(br#"{"type":"BOOKMARK""#)
}
