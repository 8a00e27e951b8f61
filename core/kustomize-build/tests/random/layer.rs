//! One directory with a kustomization: what is below it, what it adds and what it changes.

use std::collections::BTreeMap;

use super::chance::{Chance, entry, indented};
use super::objects::{IMAGES, Known, object, scalar};

/// The objects that there are.
pub(crate) type World = Vec<Known>;

/// A directory that a layer is made of.
pub(crate) struct Below {
    /// From the layer's own directory.
    pub(crate) path: String,
    pub(crate) world: World,
}

/// A directory while it is being written.
pub(crate) struct Layer<'t> {
    pub(crate) chance: &'t mut Chance,
    tree: &'t mut BTreeMap<String, String>,
    directory: String,
    pub(crate) world: World,
    /// Each a field of the kustomization with all that belongs to it.
    fields: Vec<String>,
    files: usize,
    component: bool,
    prefix: String,
    suffix: String,
}

impl<'t> Layer<'t> {
    pub(crate) fn new(chance: &'t mut Chance, tree: &'t mut BTreeMap<String, String>, directory: &str) -> Self {
        Self {
            chance,
            tree,
            directory: directory.to_owned(),
            world: vec![],
            fields: vec![],
            files: 0,
            component: false,
            prefix: String::new(),
            suffix: String::new(),
        }
    }

    /// Writes the layer and tells what there is after it. A `prefix` keeps two layers over one base apart.
    pub(crate) fn made_of(mut self, below: Vec<Below>, prefix: Option<&str>) -> World {
        let is_base = below.is_empty();
        self.resources(below);
        self.sources();
        if self.chance.percent(20) && !self.component {
            self.components();
        }
        self.patches();
        self.names(prefix);
        self.marks();
        self.patches_after_names();
        self.counts_and_images(is_base);
        self.replacements();
        self.configuration();
        if self.chance.percent(9) {
            self.transformers();
        }
        self.whole_build();
        self.write();
        self.world
    }

    /// Whether this is the directory that is built.
    pub(crate) fn is_top(&self) -> bool {
        self.directory == super::TOP
    }

    /// Adds a field.
    pub(crate) fn field(&mut self, text: String) {
        self.fields.push(text);
    }

    /// Writes a file beside the kustomization and tells its name.
    pub(crate) fn file(&mut self, name: &str, text: String) -> String {
        self.files += 1;
        let (stem, end) = name.split_once('.').unwrap_or((name, "yaml"));
        let path = format!("{stem}-{}.{end}", self.files);
        self.tree.insert(format!("{}/{path}", self.directory), text);
        path
    }

    fn resources(&mut self, below: Vec<Below>) {
        let mut entries: Vec<String> = vec![];
        let files = if below.is_empty() { 1 + self.chance.below(3) } else { usize::from(self.chance.percent(50)) };
        for base in below {
            entries.push(base.path);
            self.world.extend(base.world);
        }
        for _ in 0..files {
            let file = self.objects();
            entries.push(file);
        }
        if self.chance.rarely() {
            entries.push("absent.yaml".to_owned());
        }
        let field = if self.chance.percent(2) && !self.component { "bases" } else { "resources" };
        let (directories, files): (Vec<String>, Vec<String>) =
            entries.into_iter().partition(|path| path.starts_with(".."));
        if field == "bases" && !directories.is_empty() {
            self.field(format!("bases: [{}]\n", directories.join(", ")));
            self.list("resources", &files);
        } else {
            let mut all = [directories, files].concat();
            if self.chance.percent(20) {
                self.chance.shuffle(&mut all);
            }
            self.list("resources", &all);
        }
    }

    pub(crate) fn list(&mut self, name: &str, entries: &[String]) {
        if !entries.is_empty() {
            let entries: String = entries.iter().map(|one| entry(&format!("{one}\n"))).collect();
            self.field(format!("{name}:\n{entries}"));
        }
    }

    /// A file with a few objects, none of which is there already but for a slip now and then.
    fn objects(&mut self) -> String {
        let mut texts = vec![];
        for _ in 0..1 + self.chance.below(3) {
            let (text, known) = object(self.chance);
            let namespace =
                |object: &Known| object.original_namespace.clone().filter(|namespace| namespace != "default");
            let same = |other: &Known| {
                other.kind == known.kind
                    && [&other.original, &other.name].contains(&&known.name)
                    && (namespace(other) == namespace(&known) || known.kind == "ClusterRole")
            };
            let second_namespace =
                known.kind == "Namespace" && self.world.iter().any(|other| other.kind == "Namespace");
            if (!self.world.iter().any(same) && !second_namespace) || self.chance.rarely() {
                texts.push(text);
                self.world.push(known);
            }
        }
        if texts.is_empty() || self.chance.percent(97) {
            return self.file("objects.yaml", texts.join("---\n"));
        }
        let items: String = texts.iter().map(|text| entry(text)).collect();
        self.file("list.yaml", format!("apiVersion: v1\nkind: List\nitems:\n{items}"))
    }

    fn components(&mut self) {
        let path = format!("component-of-{}", self.directory.replace('/', "-"));
        let mut component = Layer::new(self.chance, self.tree, &path);
        component.component = true;
        component.world = self.world.clone();
        let world = component.made_of(vec![], None);
        self.world = world;
        let up = "../".repeat(1 + self.directory.matches('/').count());
        self.field(format!("components:\n- {up}{path}\n"));
    }

    fn names(&mut self, prefix: Option<&str>) {
        let chosen = prefix.or_else(|| self.chance.percent(25).then(|| self.chance.pick(&["dev-", "eu-", "x-"])));
        if let Some(prefix) = chosen {
            self.prefix = prefix.to_owned();
            self.field(format!("namePrefix: {prefix}\n"));
        }
        if self.chance.percent(15) {
            self.suffix = self.chance.pick(&["-v2", "-next"]).to_owned();
            self.field(format!("nameSuffix: {}\n", self.suffix));
        }
        let namespace = self.chance.percent(20).then(|| self.chance.pick(&["prod", "shop"]).to_owned());
        if let Some(namespace) = &namespace {
            self.field(format!("namespace: {namespace}\n"));
        }
        for known in &mut self.world {
            if known.kind == "Namespace" {
                known.name = namespace.clone().unwrap_or_else(|| known.name.clone());
                continue;
            }
            known.name = format!("{}{}{}", self.prefix, known.name, self.suffix);
            if namespace.is_some() {
                known.namespace.clone_from(&namespace);
            }
        }
    }

    fn marks(&mut self) {
        if self.chance.percent(30) {
            let mut text = "labels:\n".to_owned();
            for _ in 0..=self.chance.below(2) {
                let key = self.chance.pick(&["team", "env", "app", "tier"]);
                let mut one = format!("pairs:\n  {key}: {}\n", self.chance.pick(&["shop", "\"7\"", "prod"]));
                match self.chance.below(4) {
                    0 => one += "includeSelectors: true\n",
                    1 => one += "includeTemplates: true\n",
                    2 => one += "fields:\n- path: spec/labels\n  kind: Widget\n  create: true\n",
                    _ => {}
                }
                text += &entry(&one);
            }
            self.field(text);
        }
        if self.chance.percent(12) {
            let label = self.chance.pick(&["owner", "app"]);
            self.field(format!("commonLabels:\n  {label}: everybody\n"));
        }
        if self.chance.percent(18) {
            let value = self.chance.pick(&["\"1\"", "text", "\"true\"", "''"]);
            self.field(format!("commonAnnotations:\n  example.com/note: {value}\n  other: \"yes\"\n"));
        }
    }

    fn counts_and_images(&mut self, is_base: bool) {
        if self.chance.percent(if is_base { 20 } else { 40 }) {
            let mut text = "images:\n".to_owned();
            for _ in 0..=self.chance.below(2) {
                let name = self.chance.pick(&IMAGES);
                text += &entry(&match self.chance.below(6) {
                    0 => format!("name: {name}\nnewName: mirror.example.com/{name}\n"),
                    1 => format!("name: {name}\ndigest: sha256:{}\n", "fedcba9876543210".repeat(4)),
                    2 => format!("name: {name}\nnewName: other\nnewTag: v3\n"),
                    3 => format!("name: .*{name}\nnewTag: \"3\"\n"),
                    _ => format!("name: {name}\nnewTag: \"1.{}\"\n", self.chance.below(9)),
                });
            }
            self.field(text);
        }
        let counted: Vec<Known> = self.world.iter().filter(|known| known.has_replicas()).cloned().collect();
        if self.chance.percent(18)
            && let Some(known) = self.chance.choose(&counted)
        {
            let name = if self.chance.percent(96) { known.original.clone() } else { "absent".to_owned() };
            let count = self.chance.below(6);
            self.field(format!("replicas:\n- name: {name}\n  count: {count}\n"));
        }
    }

    fn configuration(&mut self) {
        if self.chance.percent(8) {
            let text = "nameReference:\n- kind: ConfigMap\n  version: v1\n  fieldSpecs:\n  - path: spec/settings\n    kind: Widget\n\
                        varReference:\n- path: spec/text\n  kind: Widget\nnamePrefix:\n- path: spec/settings\n  kind: Gadget\n";
            let file = self.file("configuration.yaml", text.to_owned());
            self.field(format!("configurations:\n- {file}\n"));
        }
        if self.chance.percent(4) {
            let text = r#"{"example.com/v1.Widget": {"Schema": {"properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"},
 "metadata": {"type": "object"}, "spec": {"$ref": "example.com/v1.WidgetSpec"}}}, "Dependencies": []},
 "example.com/v1.WidgetSpec": {"Schema": {"properties": {"secret": {"x-kubernetes-object-ref-api-version": "v1",
 "x-kubernetes-object-ref-kind": "Secret"}}}}}
"#;
            let file = self.file("definitions.json", text.to_owned());
            self.field(format!("crds:\n- {file}\n"));
        }
        if self.chance.percent(4) {
            let schema = r#"{"definitions": {"com.example.v1.Widget": {"properties": {"spec": {"properties": {"list": {"type": "array",
 "items": {"type": "object"}, "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge"}}}},
 "x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Widget", "version": "v1"}]}}}
"#;
            let choice = if self.chance.percent(60) {
                format!("path: {}", self.file("schema.json", schema.to_owned()))
            } else {
                "version: v1.21.2".to_owned()
            };
            self.field(format!("openapi:\n  {choice}\n"));
        }
    }

    fn transformers(&mut self) {
        let transformer = match self.chance.below(6) {
            0 => "kind: PrefixTransformer\nmetadata: {name: t}\nprefix: late-\nfieldSpecs:\n- path: metadata/name\n",
            1 => {
                "kind: LabelTransformer\nmetadata: {name: t}\nlabels: {by: transformer}\nfieldSpecs:\n- {path: metadata/labels, create: true}\n"
            }
            2 => {
                "kind: AnnotationsTransformer\nmetadata: {name: t}\nannotations: {by: transformer}\nfieldSpecs:\n- {path: metadata/annotations, create: true}\n"
            }
            3 => "kind: ImageTagTransformer\nmetadata: {name: t}\nimageTag: {name: nginx, newTag: t}\n",
            4 => {
                "kind: NamespaceTransformer\nmetadata: {name: t, namespace: late}\nunsetOnly: true\nfieldSpecs:\n- {path: metadata/namespace, create: true}\n"
            }
            _ => {
                "kind: ValueAddTransformer\nmetadata: {name: t}\nvalue: added\ntargets:\n- fieldPath: metadata/labels/added\n"
            }
        };
        let text = format!("apiVersion: builtin\n{transformer}");
        if self.chance.percent(60) {
            let file = self.file("transformer.yaml", text);
            self.field(format!("transformers:\n- {file}\n"));
        } else {
            self.field(format!("transformers:\n- |-\n{}", indented(&text, 2)));
        }
        if self.chance.percent(20) {
            let text = "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: v}\nlabels: {a: b}\nfieldSpecs: [{path: spec/absent}]\n";
            self.field(format!("validators:\n- |-\n{}", indented(text, 2)));
        }
    }

    fn whole_build(&mut self) {
        if self.chance.percent(8) {
            let words = self.chance.pick(&[
                "originAnnotations",
                "transformerAnnotations",
                "managedByLabel",
                "originAnnotations, managedByLabel",
            ]);
            self.field(format!("buildMetadata: [{words}]\n"));
        }
        if self.chance.percent(6) {
            let order = self.chance.pick(&[
                "order: legacy",
                "order: fifo",
                "order: legacy\n  legacySortOptions: {orderFirst: [Service], orderLast: [Pod]}",
            ]);
            self.field(format!("sortOptions:\n  {order}\n"));
        }
        if self.chance.percent(4) {
            let note = scalar(self.chance);
            self.field(format!("metadata:\n  name: arbitrary # {}\n", note.replace('\n', " ")));
        }
    }

    fn write(&mut self) {
        if self.chance.percent(30) {
            self.chance.shuffle(&mut self.fields);
        }
        let (version, kind) = if self.component { ("v1alpha1", "Component") } else { ("v1beta1", "Kustomization") };
        let header = format!("apiVersion: kustomize.config.k8s.io/{version}\nkind: {kind}\n");
        let text = format!("{header}{}", self.fields.concat());
        self.tree.insert(format!("{}/kustomization.yaml", self.directory), text);
    }
}
