//! Generators, replacements and vars: what makes values and carries them.

use super::chance::{entry, indented};
use super::layer::Layer;
use super::objects::{Known, name};

const LITERALS: [&str; 9] = [
    "mode=plain",
    "k=v",
    "quoted='x y'",
    "number=5",
    "\"colon=a: b\"",
    "empty=",
    "url=https://example.com/?a=b",
    "unicode=ü€",
    "\"lines=a\\nb\"",
];

impl Layer<'_> {
    /// `configMapGenerator`, `secretGenerator`, `generatorOptions`, `generators`.
    pub(crate) fn sources(&mut self) {
        if self.chance.percent(40) {
            self.generator("ConfigMap", "configMapGenerator");
        }
        if self.chance.percent(20) {
            self.generator("Secret", "secretGenerator");
        }
        if self.chance.percent(12) {
            let options = self.chance.pick(&[
                "disableNameSuffixHash: true",
                "labels: {generated: \"true\"}",
                "immutable: true\n  annotations: {a: b}",
            ]);
            self.field(format!("generatorOptions:\n  {options}\n"));
        }
        if self.chance.percent(4) {
            let text = "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata:\n  name: of-a-file\nliterals: [a=b]\n";
            self.field(format!("generators:\n- |-\n{}", indented(text, 2)));
        }
    }

    fn generator(&mut self, kind: &'static str, field: &str) {
        let mut text = format!("{field}:\n");
        for _ in 0..=self.chance.below(2) {
            let earlier: Vec<Known> =
                self.world.iter().filter(|known| known.kind == kind && known.generated).cloned().collect();
            let onto = if self.chance.percent(60) { self.chance.choose(&earlier).cloned() } else { None };
            let own = name(self.chance);
            let taken =
                self.world.iter().any(|known| known.kind == kind && [&known.original, &known.name].contains(&&own));
            if onto.is_none() && taken {
                continue;
            }
            let mut one = format!("name: {}\n", onto.as_ref().map_or(&own, |known| &known.original));
            if let Some(known) = &onto {
                one += if self.chance.percent(70) { "behavior: merge\n" } else { "behavior: replace\n" };
                one +=
                    &known.namespace.as_ref().map_or_else(String::new, |namespace| format!("namespace: {namespace}\n"));
            } else {
                self.world.push(generated(kind, own));
            }
            one += &self.pairs();
            if self.chance.percent(20) {
                one += self.chance.pick(&[
                    "options:\n  disableNameSuffixHash: true\n",
                    "options:\n  labels: {own: \"1\"}\n  annotations: {note: x}\n",
                    "options:\n  immutable: true\n",
                ]);
            }
            if kind == "Secret" && self.chance.percent(20) {
                one += "type: example.com/credentials\n";
            }
            text += &entry(&one);
        }
        if text.contains("- ") {
            self.field(text);
        }
    }

    fn pairs(&mut self) -> String {
        let mut text = String::new();
        if self.chance.percent(80) {
            text += "literals:\n";
            let first = self.chance.below(LITERALS.len());
            for literal in LITERALS.iter().cycle().skip(first).take(1 + self.chance.below(3)) {
                text += &format!("- {literal}\n");
            }
            if self.chance.rarely() {
                text += "- broken\n";
            }
        }
        if self.chance.percent(25) {
            let file = self.file("text.txt", self.chance_text());
            let key = if self.chance.percent(50) { "named.txt=" } else { "" };
            text += &format!("files:\n- {key}{file}\n");
        }
        if self.chance.percent(20) {
            let file = self.file("values.env", "# values\nALPHA=1\nBETA = two\nGAMMA='quoted'\n\n".to_owned());
            text += &format!("envs:\n- {file}\n");
        }
        text
    }

    fn chance_text(&self) -> String {
        format!("first line of {}\n  second\n\nlast", self.world.len())
    }

    /// `replacements` and `vars`.
    pub(crate) fn replacements(&mut self) {
        if self.chance.percent(28) {
            let mut text = String::new();
            for _ in 0..=self.chance.below(2) {
                let one = self.replacement();
                text += &one.map_or_else(String::new, |one| entry(&one));
            }
            if !text.is_empty() {
                self.field(format!("replacements:\n{text}"));
            }
        }
        if self.chance.percent(6)
            && let Some(known) = self.chance.choose(&self.world).cloned()
        {
            let object = format!("apiVersion: {}\nkind: {}\nname: {}\n", known.api_version, known.kind, known.original);
            let namespace =
                known.original_namespace.map_or_else(String::new, |namespace| format!("namespace: {namespace}\n"));
            let variable = if self.is_top() || self.chance.percent(10) {
                "VARIABLE".to_owned()
            } else {
                format!("OF_{}", self.world.len())
            };
            let one = format!("name: {variable}\nobjref:\n{}", indented(&format!("{object}{namespace}"), 2));
            self.field(format!("vars:\n{}", entry(&one)));
        }
    }

    fn replacement(&mut self) -> Option<String> {
        let from = self.chance.choose(&self.world)?.clone();
        let to = self.chance.choose(&self.world)?.clone();
        let source = self.source(&from);
        let (path, options) = self.place(&to);
        let select = match self.chance.below(4) {
            0 => format!("kind: {}\n", to.kind),
            1 => format!("kind: {}\nname: .*{}\n", to.kind, to.original),
            _ => format!("kind: {}\nname: {}\n", to.kind, to.original),
        };
        let reject = if self.chance.percent(15) { "reject:\n- name: cache\n" } else { "" };
        let target = format!("select:\n{}{reject}fieldPaths:\n- {path}\n{options}", indented(&select, 2));
        let one = format!("{source}targets:\n{}", entry(&target));
        if self.chance.percent(15) {
            return Some(format!("path: {}\n", self.file("replacement.yaml", one)));
        }
        Some(one)
    }

    fn source(&mut self, from: &Known) -> String {
        if self.chance.percent(10) {
            return "sourceValue: fixed\n".to_owned();
        }
        let name = if self.chance.percent(60) { &from.original } else { &from.name };
        let namespace =
            from.namespace.as_ref().map_or_else(String::new, |namespace| format!("  namespace: {namespace}\n"));
        let field = match self.chance.choose(&from.keys) {
            Some(key) if from.kind == "ConfigMap" && !from.generated && !key.contains('.') => {
                format!("  fieldPath: data.{key}\n")
            }
            _ if self.chance.percent(30) => "  fieldPath: kind\n".to_owned(),
            _ => String::new(),
        };
        let part = if self.chance.percent(12) { "  options:\n    delimiter: \"-\"\n    index: 0\n" } else { "" };
        format!("source:\n  kind: {}\n  name: {name}\n{namespace}{field}{part}", from.kind)
    }

    /// A path in the object, and the options that go with it.
    fn place(&mut self, to: &Known) -> (String, String) {
        let create = "options:\n  create: true\n".to_owned();
        let pod = to.pod_path().replace('/', ".");
        match self.chance.below(7) {
            0 if to.is_workload() => (format!("{pod}.containers.[name={}].image", to.containers[0]), String::new()),
            1 if to.is_workload() => {
                (format!("{pod}.containers.*.image"), "options:\n  delimiter: \":\"\n  index: 1\n".to_owned())
            }
            2 if to.is_workload() => {
                (format!("{pod}.containers.0.image"), "options:\n  delimiter: /\n  index: -1\n".to_owned())
            }
            3 if to.kind == "Widget" => ("spec.list.[name=a].value".to_owned(), String::new()),
            4 if to.keys.iter().any(|key| key == "config.yaml") && to.kind == "ConfigMap" => {
                ("data.[config.yaml].server.host".to_owned(), String::new())
            }
            5 => ("metadata.annotations.[example.com/copied]".to_owned(), create),
            6 if self.chance.percent(6) => ("spec.absent.field".to_owned(), String::new()),
            _ => ("metadata.labels.copied".to_owned(), create),
        }
    }
}

fn generated(kind: &'static str, own: String) -> Known {
    Known {
        api_version: "v1",
        kind,
        original: own.clone(),
        name: own,
        original_namespace: None,
        namespace: None,
        containers: vec![],
        keys: vec!["k".to_owned()],
        generated: true,
    }
}
