//! The environment that rules are compiled in and run in.

use std::sync::{Arc, LazyLock};

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

/// Reads an expression.
///
/// # Errors
/// What is wrong, and where, as CEL says it.
pub(crate) fn compile(expression: &str) -> Result<Program, String> {
    ENVIRONMENT.compile(expression).map_err(|errors| errors.to_string())
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
