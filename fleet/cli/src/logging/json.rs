//! One JSON object a line, with the keys that `flux logs` reads: `level`, `ts`, `msg`, `logger`, `controllerKind`, `name`,
//! `namespace`, `error`.
//!
//! The fields of the spans around an event are its fields too; an inner one wins.

use std::fmt;
use std::io::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// A layer that writes to what `writer` makes.
pub(super) fn layer<W>(writer: W) -> JsonLines<W> {
    JsonLines { writer }
}

pub(super) struct JsonLines<W> {
    writer: W,
}

/// The fields of a span.
struct Fields(Map<String, Value>);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Map::new();
        attributes.record(&mut Visitor(&mut fields));
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Fields(fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(Fields(fields)) = span.extensions_mut().get_mut()
        {
            values.record(&mut Visitor(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Map::new();
        line.insert("level".to_owned(), level(event.metadata().level()).into());
        #[allow(
            clippy::disallowed_methods,
            reason = "a log line bears the machine's time, whatever the program's clock says"
        )]
        let now = Timestamp::now();
        line.insert("ts".to_owned(), now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string().into());
        line.insert("logger".to_owned(), event.metadata().target().into());
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(Fields(fields)) = span.extensions().get() {
                line.extend(fields.clone());
            }
        }
        event.record(&mut Visitor(&mut line));
        let text = text(line);
        // A log that cannot be written cannot say so.
        self.writer.make_writer_for(event.metadata()).write_all(text.as_bytes()).ok();
    }
}

/// The line, beginning with what a person looks for first.
fn text(mut line: Map<String, Value>) -> String {
    let mut text = String::from("{");
    let first = ["level", "ts", "msg"].into_iter().filter_map(|key| line.remove_entry(key)).collect::<Vec<_>>();
    for (key, value) in first.into_iter().chain(line) {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&format!("{}:{value}", Value::String(key)));
    }
    text + "}\n"
}

fn level(level: &Level) -> &'static str {
    match *level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// Puts fields into a map, under the names that Flux gives them.
struct Visitor<'a>(&'a mut Map<String, Value>);

impl Visitor<'_> {
    fn insert(&mut self, field: &Field, value: Value) {
        let name = match field.name() {
            "message" => "msg",
            "kind" => "controllerKind",
            name => name,
        };
        self.0.insert(name.to_owned(), value);
    }
}

impl Visit for Visitor<'_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.insert(field, thalweg_controller_runtime::chain(value).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_has_the_keys_that_flux_logs_reads() {
        let lines = Lines::default();
        let written = lines.clone();
        let subscriber = tracing_subscriber::registry().with(layer(move || written.clone()));
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("reconcile", kind = %"Kustomization", namespace = %"apps", name = %"web", revision = tracing::field::Empty);
            let _entered = span.enter();
            span.record("revision", "main@sha1:abc");
            tracing::error!(error = "no answer", attempt = 2, "reconcile failed");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(text.starts_with(r#"{"level":"error","ts":""#), "{text}");
        let mut line: Map<String, Value> = serde_json::from_str(text.strip_suffix('\n').unwrap()).unwrap();
        let time = line.remove("ts").unwrap();
        assert!(time.as_str().unwrap().parse::<Timestamp>().is_ok() && time.as_str().unwrap().len() == 24, "{time}");
        assert_eq!(
            Value::Object(line),
            serde_json::json!({
                "level": "error", "msg": "reconcile failed", "logger": "thalweg::logging::json::tests",
                "controllerKind": "Kustomization", "namespace": "apps", "name": "web",
                "revision": "main@sha1:abc", "error": "no answer", "attempt": 2,
            })
        );
    }
}
