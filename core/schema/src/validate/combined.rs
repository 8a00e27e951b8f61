//! `allOf`, `anyOf`, `oneOf` and `not`.

use super::{Outcome, Visit};
use crate::field_error::quoted;
use crate::node::Schema;

impl<'a> Visit<'a> {
    pub(super) fn check_combinations(&self, outcome: &mut Outcome) {
        let Some(validation) = &self.schema.validation else {
            outcome.checks += 2;
            return;
        };
        self.check_any_of(&validation.any_of, outcome);
        self.check_one_of(&validation.one_of, outcome);
        self.check_all_of(&validation.all_of, outcome);
        if validation.not.as_ref().is_some_and(|schema| self.alternative(schema).holds()) {
            outcome.add(self.unplaced(format!("{} must not validate the schema (not)", quoted(&self.path))));
        }
        outcome.checks += 2;
    }

    fn check_any_of(&self, schemas: &'a [Schema], outcome: &mut Outcome) {
        let mut best: Option<Outcome> = None;
        for schema in schemas {
            let tried = self.alternative(schema);
            if tried.holds() {
                outcome.merge(tried);
                return;
            }
            if best.as_ref().is_none_or(|best| tried.checks > best.checks) {
                best = Some(tried);
            }
        }
        if let Some(best) = best {
            let path = quoted(&self.path);
            outcome.add(self.unplaced(format!("{path} must validate at least one schema (anyOf)")));
            outcome.merge(best);
        }
    }

    fn check_one_of(&self, schemas: &'a [Schema], outcome: &mut Outcome) {
        if schemas.is_empty() {
            return;
        }
        let (valid, failed): (Vec<_>, Vec<_>) =
            schemas.iter().map(|schema| self.alternative(schema)).partition(Outcome::holds);
        let found = match valid.len() {
            1 => return valid.into_iter().for_each(|valid| outcome.merge(valid)),
            0 => "Found none valid".to_owned(),
            several => format!("Found {several} valid alternatives"),
        };
        let path = quoted(&self.path);
        outcome.add(self.unplaced(format!("{path} must validate one and only one schema (oneOf). {found}")));
        if valid.is_empty() {
            let best = failed.into_iter().reduce(|best, tried| if tried.checks > best.checks { tried } else { best });
            best.into_iter().for_each(|best| outcome.merge(best));
        }
    }

    fn check_all_of(&self, schemas: &'a [Schema], outcome: &mut Outcome) {
        let mut valid = 0;
        for schema in schemas {
            let tried = self.alternative(schema);
            valid += usize::from(tried.holds());
            outcome.merge(tried);
        }
        if valid < schemas.len() {
            let none = if valid == 0 { ". None validated" } else { "" };
            let path = quoted(&self.path);
            outcome.add(self.unplaced(format!("{path} must validate all the schemas (allOf){none}")));
        }
    }

    /// The same value under another schema. What is wrong with the value itself is not tolerated here.
    fn alternative(&self, schema: &'a Schema) -> Outcome {
        Visit { schema, ..self.clone() }.check()
    }
}
