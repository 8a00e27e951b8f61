//! Trees made to loop or to exhaust: each is an error before it has cost much.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::{Mutex, PoisonError};

use peak_alloc::PeakAlloc;
use thalweg_kustomize_build::{Entry, Error, Flux, LoadRestrictor, Obstacle, Options, Tree, render};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// What a refused build may hold at a time.
const HEAP_BYTES_MAX: usize = 64 << 20;

/// How often it may ask the tree.
const ENTRIES_MAX: usize = 100_000;

/// The stack of a thread, unless somebody asks for more.
const STACK_BYTES: usize = 2 << 20;

/// Inside each other.
const DEEP: usize = 10_000;

/// Files and links that count how often they are asked for.
#[derive(Default)]
struct Source {
    files: BTreeMap<String, String>,
    links: BTreeMap<String, String>,
    asked: Cell<usize>,
}

impl Source {
    fn new<P: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (P, T)>) -> Self {
        let files = files.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
        Self { files, ..Self::default() }
    }

    fn link(mut self, path: &str, target: impl Into<String>) -> Self {
        self.links.insert(path.to_owned(), target.into());
        self.files.insert(path.to_owned(), String::new());
        self
    }
}

impl Tree for Source {
    fn entry(&self, path: &str) -> Option<Entry<'_>> {
        self.asked.set(self.asked.get() + 1);
        assert!(self.asked.get() <= ENTRIES_MAX, "asked for more than {ENTRIES_MAX} entries");
        match self.links.get(path) {
            Some(target) => Some(Entry::Link(target.clone())),
            None => self.files.entry(path),
        }
    }
}

/// The length of the text that a tree builds to, as Flux builds it, within the limits.
fn built(source: &Source, path: &str, heap_bytes_max: usize) -> Result<usize, Error> {
    /// One build at a time: the heap is that of all.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    source.asked.set(0);
    let options = Options {
        path: path.to_owned(),
        load_restrictor: LoadRestrictor::None,
        flux: Some(Flux::default()),
        ..Options::default()
    };
    let result = render(source, &options).map(|rendered| rendered.text.len());
    let held = HEAP.peak_usage().saturating_sub(before);
    assert!(held <= heap_bytes_max, "{path} held {} MiB: {result:?}", held >> 20);
    result
}

/// The same, on a stack of the usual size.
fn built_in_a_thread(source: Source, path: &'static str) -> Result<usize, Error> {
    built_within(source, path, HEAP_BYTES_MAX)
}

fn built_within(source: Source, path: &'static str, heap_bytes_max: usize) -> Result<usize, Error> {
    let build = move || built(&source, path, heap_bytes_max);
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(build);
    thread.expect("a thread").join().expect("no panic")
}

fn resources(entries: &[String]) -> String {
    let mut text = "resources:\n".to_owned();
    for entry in entries {
        text += &format!("- {}\n", quoted(entry));
    }
    text
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

#[test]
fn a_base_inside_itself_is_a_cycle_however_it_gets_there() {
    let component = |entry: &str| format!("kind: Component\ncomponents: [{entry}]\n");
    let base = |entry: &str| format!("resources: [{entry}]\n");
    let cases = [
        ("itself", Source::new([("a/kustomization.yaml", base("."))])),
        ("itself by name", Source::new([("a/kustomization.yaml", base("../a"))])),
        ("its parent", Source::new([("a/kustomization.yaml", base("..")), ("kustomization.yaml", base("a"))])),
        ("each other", Source::new([("a/kustomization.yaml", base("../b")), ("b/kustomization.yaml", base("../a"))])),
        (
            "three",
            Source::new([
                ("a/kustomization.yaml", base("../b")),
                ("b/kustomization.yaml", base("../c")),
                ("c/kustomization.yaml", base("../a")),
            ]),
        ),
        ("a component", Source::new([("a/kustomization.yaml", component("."))])),
        (
            "components",
            Source::new([("a/kustomization.yaml", component("../b")), ("b/kustomization.yaml", component("../a"))]),
        ),
        (
            "a base of a component",
            Source::new([
                ("a/kustomization.yaml", "components: [../b]\n".to_owned()),
                ("b/kustomization.yaml", "kind: Component\nresources: [../a]\n".to_owned()),
            ]),
        ),
        ("generators", Source::new([("a/kustomization.yaml", "generators: [.]\n")])),
        ("transformers", Source::new([("a/kustomization.yaml", "transformers: [../a]\n")])),
        ("validators", Source::new([("a/kustomization.yaml", "validators: [../a/.]\n")])),
        ("a link to it", Source::new([("a/kustomization.yaml", base("self"))]).link("a/self", ".")),
        ("a link to above it", Source::new([("a/kustomization.yaml", base("up"))]).link("a/up", "..")),
        (
            "a link to a link to it",
            Source::new([("a/kustomization.yaml", base("b/c"))]).link("a/b", "../d").link("d/c", "../a"),
        ),
        (
            "links to each other's directories",
            Source::new([("a/kustomization.yaml", base("b")), ("b/kustomization.yaml", base("a"))])
                .link("a/b", "../b")
                .link("b/a", "../a"),
        ),
        ("a link that grows", Source::new([("a/kustomization.yaml", base("x/x/x/x"))]).link("a/x", "../a")),
    ];
    for (name, source) in cases {
        let error = built_in_a_thread(source, "a").expect_err(name);
        assert!(matches!(error, Error::Cycle { .. }), "{name}: {error}");
    }
}

#[test]
fn links_that_lead_to_each_other_are_too_many() {
    let long = |end: &str| format!("{}{end}", "d/../".repeat(3_000));
    let cases = [
        ("itself", Source::default().link("a/x", "x")),
        ("each other", Source::default().link("a/x", "y").link("a/y", "x")),
        ("a part of itself", Source::default().link("a/x", "x/x")),
        ("two parts of each other", Source::default().link("a/x", "y/y/y").link("a/y", "x/x/x")),
        ("a long way back to itself", Source::new([("a/d/e", "")]).link("a/x", long("x"))),
        ("a way that is longer than any path", Source::new([("a/d/e", ""), ("a/b", OBJECT)]).link("a/x", long("b"))),
    ];
    for (name, source) in cases {
        for entry in ["x", "x/y", "./x/../x"] {
            let mut source = Source { files: source.files.clone(), links: source.links.clone(), ..Source::default() };
            source.files.insert("a/kustomization.yaml".to_owned(), format!("resources: [{entry}]\n"));
            let error = built_in_a_thread(source, "a").expect_err(name);
            let too_many = matches!(error, Error::CannotLoad { obstacle: Obstacle::TooManyLinks, .. });
            assert!(too_many, "{name}, {entry}: {error}: {:?}", error.source().map(ToString::to_string));
        }
    }
}

#[test]
fn ten_thousand_bases_inside_each_other_are_refused() {
    for (field, kind) in [("resources", "Kustomization"), ("components", "Component")] {
        let chain = (0..DEEP).map(|layer| {
            (format!("l{layer}/kustomization.yaml"), format!("kind: {kind}\n{field}: [../l{}]\n", layer + 1))
        });
        let error = built_in_a_thread(Source::new(chain), "l0").expect_err("deep");
        assert!(matches!(error, Error::TooDeep { .. }), "{error}");
    }
}

#[test]
fn a_directory_inside_ten_thousand_others_is_found() {
    let directories = "d/".repeat(DEEP);
    let source = Source::new([(format!("{directories}a.yaml"), OBJECT)]);
    assert!(built_in_a_thread(source, "").is_ok());
    let entry = format!("{directories}a.yaml");
    let source =
        Source::new([("kustomization.yaml", resources(std::slice::from_ref(&entry))), (&entry, OBJECT.to_owned())]);
    assert!(built_in_a_thread(source, "").is_ok());
}

#[test]
fn bases_that_multiply_are_built_once() {
    let mut files: Vec<(String, String)> = (0..60)
        .map(|layer| (format!("l{layer}/kustomization.yaml"), resources(&vec![format!("../l{}", layer + 1); 10])))
        .collect();
    files.push(("l60/kustomization.yaml".to_owned(), "resources: [a.yaml]\n".to_owned()));
    files.push(("l60/a.yaml".to_owned(), "# nothing\n".to_owned()));
    assert_eq!(built_in_a_thread(Source::new(files.clone()), "l0"), Ok(0));
    files.push(("l60/a.yaml".to_owned(), OBJECT.to_owned()));
    assert!(matches!(built_in_a_thread(Source::new(files), "l0"), Err(Error::DuplicateId { .. })));
}

#[test]
fn bases_that_multiply_under_other_names_stop_at_a_limit() {
    let mut files: Vec<(String, String)> = Vec::new();
    for layer in 0..40 {
        for half in ["a", "b"] {
            let text = format!("resources: [../l{0}a, ../l{0}b]\nnamePrefix: {half}\n", layer + 1);
            files.push((format!("l{layer}{half}/kustomization.yaml"), text));
        }
    }
    for half in ["a", "b"] {
        files.push((format!("l40{half}/kustomization.yaml"), format!("resources: [a.yaml]\nnamePrefix: {half}\n")));
        files.push((format!("l40{half}/a.yaml"), OBJECT.to_owned()));
    }
    assert!(matches!(built_in_a_thread(Source::new(files), "l0a"), Err(Error::TooManyBases { .. })));
}

/// Texts that are deeper than any limit: in flow and in block style, closed and open.
fn deep_values() -> [String; 5] {
    [
        format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP)),
        format!("{}1{}", "{\"a\":".repeat(DEEP), "}".repeat(DEEP)),
        "[".repeat(DEEP),
        "{a: ".repeat(DEEP),
        format!("{}a", "\n- ".to_owned() + &"- ".repeat(DEEP)),
    ]
}

#[test]
fn yaml_that_is_ten_thousand_levels_deep_is_refused_wherever_it_stands() {
    let patched = |patch: &str| format!("resources: [a.yaml]\npatches: [{{target: {{kind: ConfigMap}}, {patch}}}]\n");
    let listed = |field: &str| format!("resources: [a.yaml]\n{field}: [deep]\n");
    let schema = format!("{}openapi: {{path: deep}}\n", patched(&format!("patch: {}", quoted(OBJECT))));
    let builtin =
        |deep: &str| format!("apiVersion: builtin\nkind: PatchTransformer\nmetadata: {{name: p}}\npatch: {deep}\n");
    for deep in deep_values() {
        let object = format!("{OBJECT}data: {deep}\n");
        let operation = format!("- {{op: add, path: /data, value: {}}}", deep.trim_start());
        let inline = |text: &str| format!("patch: {}", quoted(text));
        let cases = [
            ("a kustomization", format!("resources: {deep}"), String::new()),
            ("an unknown field", format!("resources: [a.yaml]\nunknown: {deep}"), String::new()),
            ("values of a chart", format!("helmCharts: [{{name: a, valuesInline: {deep}"), String::new()),
            ("a resource", "resources: [deep]\n".to_owned(), object.clone()),
            ("a resource alone", "resources: [deep]\n".to_owned(), deep.clone()),
            ("a list", "resources: [deep]\n".to_owned(), format!("kind: List\nitems: {deep}")),
            ("a patch", listed("patchesStrategicMerge"), object.clone()),
            ("an inline patch", patched(&inline(&object)), String::new()),
            ("a patch in a file", patched("path: deep"), object.clone()),
            ("a JSON patch", patched("path: deep"), operation.clone()),
            ("an inline JSON patch", patched(&inline(&operation)), String::new()),
            (
                "a JSON patch in JSON",
                patched("path: deep"),
                format!(r#"[{{"op": "add", "path": "/data", "value": {deep}}}]"#),
            ),
            (
                "replacements",
                "resources: [a.yaml]\nreplacements: [{path: deep}]\n".to_owned(),
                format!("source: {deep}"),
            ),
            ("configurations", listed("configurations"), format!("images: {deep}")),
            ("crds", listed("crds"), deep.clone()),
            ("crds with a schema", listed("crds"), format!(r#"{{"a": {{"Schema": {deep}}}}}"#)),
            ("a schema", schema.clone(), deep.clone()),
            ("definitions", schema.clone(), format!(r#"{{"definitions": {deep}}}"#)),
            ("a generator", listed("generators"), builtin(&deep)),
            ("a transformer", listed("transformers"), builtin(&deep)),
            (
                "an inline transformer",
                format!("resources: [a.yaml]\ntransformers: [{}]\n", quoted(&builtin(&deep))),
                String::new(),
            ),
        ];
        for (name, kustomization, content) in cases {
            let source =
                Source::new([("kustomization.yaml", kustomization), ("deep", content), ("a.yaml", OBJECT.to_owned())]);
            let error = built_in_a_thread(source, "").expect_err(name);
            assert!(error.to_string().len() < 1_000, "{name}: {error}");
        }
    }
}

#[test]
fn edits_make_no_object_deeper_than_what_is_read() {
    let spine = |separator: &str| vec!["x"; DEEP].join(separator);
    let wrapped = "- {op: add, path: /data, value: {}}\n".to_owned()
        + &"- {op: add, path: /y, value: {}}\n- {op: move, from: /data, path: /y/z}\n- {op: move, from: /y, path: /data}\n"
            .repeat(DEEP);
    let copied = "- {op: add, path: /data, value: {a: b}}\n".to_owned()
        + &"- {op: copy, from: /data, path: /data/x}\n".repeat(300);
    let once = "- {op: add, path: /y, value: {}}\n- {op: move, from: /data, path: /y/z}\n- {op: move, from: /y, path: /data}\n";
    let patch = |text: &str| format!("{{target: {{kind: ConfigMap}}, patch: {}}}", quoted(text));
    let transformer = |kind: &str, fields: &str| {
        let object = format!("apiVersion: builtin\nkind: {kind}\nmetadata: {{name: t}}\n{fields}\n");
        format!("transformers: [{}]\n", quoted(&object))
    };
    let value_add = format!("value: v\ntargets: [{{fieldPath: {}}}]", spine("/"));
    let cases = [
        ("a JSON patch that wraps", format!("patches: [{}]\n", patch(&wrapped))),
        ("a JSON patch that copies into itself", format!("patches: [{}]\n", patch(&copied))),
        ("JSON patches that wrap", {
            let first = patch("- {op: add, path: /data, value: {}}\n");
            format!("patches: [{first}, {}]\n", vec![patch(once); 1_000].join(", "))
        }),
        ("labels", format!("labels: [{{pairs: {{a: b}}, fields: [{{path: {}, create: true}}]}}]\n", spine("/"))),
        ("a configuration", "namePrefix: a-\nconfigurations: [configuration]\n".to_owned()),
        (
            "a replacement",
            format!(
                "replacements: [{{sourceValue: v, targets: [{{select: {{kind: ConfigMap}}, fieldPaths: [{}], options: {{create: true}}}}]}}]\n",
                spine(".")
            ),
        ),
        ("a value that is added", transformer("ValueAddTransformer", &value_add)),
    ];
    for (name, kustomization) in cases {
        let source = Source::new([
            ("kustomization.yaml", format!("resources: [a.yaml]\n{kustomization}")),
            ("a.yaml", OBJECT.to_owned()),
            ("configuration", format!("namePrefix: [{{path: {}, create: true}}]\n", spine("/"))),
        ]);
        built_in_a_thread(source, "").expect_err(name);
    }
}

#[test]
fn copies_of_a_large_text_stop_at_a_limit() {
    let object = format!("{OBJECT}data: {{a: {}}}\n", "v".repeat(1 << 20));
    let copies: String = (0..1_000).map(|key| format!("- {{op: copy, from: /data/a, path: /data/k{key}}}\n")).collect();
    let target = "target: {kind: ConfigMap}";
    for (name, kustomization) in [
        ("a JSON patch", format!("patches: [{{{target}, patch: {}}}]\n", quoted(&copies))),
        ("replacements", {
            let paths = (0..1_000).map(|key| format!("data.k{key}")).collect::<Vec<_>>().join(", ");
            let target = format!("{{select: {{kind: ConfigMap}}, fieldPaths: [{paths}], options: {{create: true}}}}");
            format!("replacements: [{{source: {{kind: ConfigMap, fieldPath: data.a}}, targets: [{target}]}}]\n")
        }),
    ] {
        let source = Source::new([
            ("kustomization.yaml", format!("resources: [a.yaml]\n{kustomization}")),
            ("a.yaml", object.clone()),
        ]);
        built_in_a_thread(source, "").expect_err(name);
    }
}

#[test]
fn patterns_and_selectors_that_nest_are_refused() {
    let nested = format!("{}a{}", "(".repeat(DEEP), ")".repeat(DEEP));
    for field in ["group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector"] {
        let kustomization = format!(
            "resources: [a.yaml]\npatches: [{{target: {{{field}: {}}}, patch: {}}}]\n",
            quoted(&nested),
            quoted(OBJECT)
        );
        let source = Source::new([("kustomization.yaml", kustomization), ("a.yaml", OBJECT.to_owned())]);
        built_in_a_thread(source, "").expect_err(field);
    }
    let kustomization = format!("resources: [a.yaml]\nimages: [{{name: {}, newTag: b}}]\n", quoted(&nested));
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{image: a}]}\n";
    let source = Source::new([("kustomization.yaml", kustomization), ("a.yaml", pod.to_owned())]);
    built_in_a_thread(source, "").expect_err("images");
}

#[test]
fn files_that_are_named_again_and_again_stop_at_a_limit() {
    /// What generators may hold, for their content is kept.
    const GENERATED_BYTES_MAX: usize = 512 << 20;
    let generator = || {
        let files = (0..1_000).map(|key| format!("k{key}=large")).collect::<Vec<_>>().join(", ");
        format!("configMapGenerator: [{{name: g, files: [{files}]}}]\n")
    };
    for (kustomization, heap_bytes_max) in
        [(resources(&vec!["large".to_owned(); 1_000]), HEAP_BYTES_MAX), (generator(), GENERATED_BYTES_MAX)]
    {
        let large = "# nothing\n".repeat(100_000);
        let source = Source::new([("kustomization.yaml", kustomization), ("large", large)]);
        let error = built_within(source, "", heap_bytes_max).expect_err("a gigabyte");
        let too_much = matches!(error, Error::CannotLoad { obstacle: Obstacle::TooMuch { .. }, .. });
        assert!(too_much, "{error}: {:?}", error.source().map(ToString::to_string));
    }
}

#[test]
fn a_bomb_in_a_file_names_the_file() {
    let source = Source::new([("a/b.yaml", format!("a: {}", "[".repeat(100_000)))]);
    let error = built_in_a_thread(source, "").expect_err("too deep").to_string();
    assert_eq!(error, "failed to decode Kubernetes YAML from a/b.yaml:1:259");
}
