//! DELETE on a collection: every object that the selectors choose.

use super::delete::{self, Deletion};
use crate::answer::{Answer, Reply};
use crate::read;
use crate::request::Call;
use crate::state::State;
use crate::status::Status;

pub(super) fn delete(state: &mut State, call: &Call) -> Result<Answer, Status> {
    let list = read::select(state, call)?;
    let deletion = Deletion::read(call)?;
    for object in &list.items {
        match delete::delete_object(state, &call.served, object, deletion.clone()) {
            Err(status) if status.code != 404 => return Err(status),
            _ => {}
        }
    }
    Ok(Reply::List(call.served.clone(), list).into())
}
