//! The environment that rules are compiled in and run in.

use std::sync::{Arc, LazyLock};

use cel::common::ast::IdedExpr;
use cel::{Context, Env, ExecutionError, Program, Value, extensions};

use crate::{functions, values};

pub(crate) const SELF: &str = "self";
pub(crate) const OLD_SELF: &str = "oldSelf";

/// What every rule may use.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib();
    let declared = environment
        .add_extension(extensions::strings)
        .and_then(|()| environment.add_extension(extensions::math))
        .and_then(|()| functions::declare(&mut environment));
    declared.expect("no function is declared twice: every test of a rule would fail");
    Arc::new(environment)
});

/// Operators and brackets in one expression, at most: each may nest what stands around it one level deeper.
const STEPS_MAX: usize = 1_000;
/// Bytes of stack that asking needs for a level: 26 KiB were measured without optimisation.
const STACK_PER_STEP: usize = 64 << 10;
/// Bytes of stack for reading any expression. The parser refuses what nests deeper than 96 levels; until then it took 24 MiB
/// without optimisation.
const STACK_TO_READ: usize = 64 << 20;

/// An expression that was read.
#[derive(Debug)]
pub(crate) struct Expression {
    program: Program,
    /// Bytes that walking down its tree may take.
    stack: usize,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong, and where, as CEL says it.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let steps = steps(text);
        if steps > STEPS_MAX {
            return Err(format!(
                "the expression has {steps} operators and brackets, of {STEPS_MAX} that are read at most"
            ));
        }
        let program = with_stack(STACK_TO_READ, || ENVIRONMENT.compile(text)).map_err(|errors| errors.to_string())?;
        Ok(Self { program, stack: (steps + 4) * STACK_PER_STEP })
    }

    pub(crate) fn execute(&self, context: &Context<'_, '_>) -> Result<Value, ExecutionError> {
        with_stack(self.stack, || self.program.execute(context))
    }

    /// What `look` makes of the tree.
    pub(crate) fn look<'a, T>(&'a self, look: impl FnOnce(&'a IdedExpr) -> T) -> T {
        with_stack(self.stack, || look(self.program.expression()))
    }

    /// Where in the text a node of the tree begins.
    pub(crate) fn offset(&self, node: u64) -> Option<(u32, u32)> {
        self.program.source_info().offset_for(node)
    }

    pub(crate) fn has_variable(&self, name: &str) -> bool {
        with_stack(self.stack, || self.program.references().has_variable(name))
    }
}

/// How deep an expression may nest at most, by the signs in it; those in texts count too.
fn steps(text: &str) -> usize {
    text.matches(|sign| ".([{?+-*/%<>=!&|".contains(sign)).count() + text.matches("in").count()
}

/// Runs what goes down the tree of an expression where the stack is deep enough for it.
fn with_stack<T>(bytes: usize, walk: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(bytes, bytes, walk)
}

/// A context for the values of one place of an object.
pub(crate) fn context<'a>(this: values::Value, old: Option<values::Value>) -> Context<'a, 'a> {
    let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
    context.add_variable_as_val(SELF, this);
    if let Some(old) = old {
        context.add_variable_as_val(OLD_SELF, old);
    }
    context
}

/// An error of an evaluation, as cel-go words it.
pub(crate) fn describe(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("no such key: {key}"),
        ExecutionError::NoSuchOverload(_) | ExecutionError::ValuesNotComparable(..) => "no such overload".to_owned(),
        ExecutionError::UndeclaredReference(name) => format!("undeclared reference to '{name}'"),
        ExecutionError::IndexOutOfBounds(Value::Int(index)) => format!("index out of bounds: {index}"),
        ExecutionError::DivisionByZero(_) => "division by zero".to_owned(),
        ExecutionError::RemainderByZero(_) => "modulus by zero".to_owned(),
        ExecutionError::Overflow(..) => "integer overflow".to_owned(),
        ExecutionError::FunctionError { message, .. } => message.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_expression_is_too_deep_for_the_stack() {
        let nested = |open: &str, inner: &str, close: &str, times: usize| {
            format!("{}{inner}{}", open.repeat(times), close.repeat(times))
        };
        let context = context(values::value(&serde_json::json!({}), &Default::default(), false), None);
        for (open, inner, close) in [
            ("(", "true", ")"),
            ("(')'+", "'x'", ")"),
            ("!", "true", ""),
            ("", "1", "+1"),
            ("", "true", "?true:true"),
            ("", "self", ".a"),
            ("", "self", "[0]"),
            ("", "self", ".f()"),
            ("[", "", "]"),
            ("{1:", "1", "}"),
            ("[1].all(x,", "true", ")"),
            ("", "1", " in 1"),
        ] {
            for times in [30, 90, STEPS_MAX / 3, STEPS_MAX] {
                if let Ok(expression) = Expression::read(&nested(open, inner, close, times)) {
                    expression.execute(&context).ok();
                }
            }
            let why = Expression::read(&nested(open, inner, close, STEPS_MAX + 1)).unwrap_err();
            assert!(why.ends_with("operators and brackets, of 1000 that are read at most"), "{open}{close}: {why}");
        }
    }
}
